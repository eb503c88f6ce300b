package extract

import (
	"strings"

	"golang.org/x/net/html/atom"

	"github.com/troikaml/troika/text"
)

// far stands for "no such element above" among distances.
const far = 40

// farBlocks bounds counts of blocks: on a page as long as a book's chapter the
// places of blocks say no more than on a long article.
const farBlocks = 200

func near(blocks int32) int32 { return max(-farBlocks, min(blocks, farBlocks)) }

// shares of the page's good text that make an element a holder of content
var holders = [...]int32{30, 50, 80, 95}

// measure yields the features of each block, in the order of featureNames. The
// row is good until the next one.
func (p *page) measure(yield func(i int, row []int16)) {
	m := measurer{page: p, titles: p.titles(), row: make([]int16, 0, featureCount)}
	m.signs()
	m.firstHeading()
	for i := range p.blocks {
		m.row = m.row[:0]
		m.own(i)
		m.context(i)
		m.ancestors(i)
		m.neighbours(i)
		yield(i, m.row)
	}
}

type measurer struct {
	*page
	row     []int16
	titles  []string
	bySign  map[uint32]group
	heading int // block of the first top heading or title, -1 without one
}

// group is what blocks of the same look have in common.
type group struct{ count, size, link, stops int32 }

func (m *measurer) add(v ...int32) {
	for _, x := range v {
		m.row = append(m.row, int16(max(-32000, min(x, 32000))))
	}
}

// share returns 100 * part / whole, and -1 of nothing.
func share(part, whole int32) int32 {
	if whole <= 0 {
		return -1
	}
	return int32(int64(part) * 100 / int64(whole))
}

func flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// own measures the block by itself.
func (m *measurer) own(i int) {
	b := &m.blocks[i]
	f := &b.facts
	m.add(b.size, share(b.link, b.size), b.links, share(b.emphasis, b.size),
		f.words, share(f.function, f.words), share(f.upper, f.words), share(f.digits, f.runes),
		share(f.letters, f.runes), f.commas, f.stops, share(f.marks, f.runes), f.boiler, share(f.boiler, f.words),
		flag(f.endsStop)+2*flag(f.ellipsis), flag(f.clock), flag(f.copyright), flag(f.at), flag(f.startsUpper), flag(f.credit),
		look8(m.elements[b.el].tag), m.titled(b))
}

// look8 groups block elements by what they are for.
func look8(tag atom.Atom) int32 {
	switch tag {
	case atom.P:
		return 0
	case atom.Blockquote, atom.Pre:
		return 1
	case atom.Dd, atom.Dt, atom.Dl:
		return 2
	case atom.Article, atom.Section, atom.Main, atom.Body:
		return 3
	case atom.Div, atom.Center:
		return 4
	case atom.H1:
		return 5
	case atom.H2:
		return 6
	case atom.H3:
		return 7
	case atom.H4, atom.H5, atom.H6, atom.Legend, atom.Summary:
		return 8
	case atom.Th, atom.Td, atom.Tr, atom.Table, atom.Tbody:
		return 9
	case atom.Li, atom.Ul, atom.Ol:
		return 10
	case atom.Figcaption, atom.Figure, atom.Caption:
		return 11
	}
	return 12
}

func (p *page) titles() []string {
	var list []string
	for _, s := range []string{p.meta.title, p.meta.ogTitle, p.meta.heading} {
		if s = text.Fold(s); s != "" {
			list = append(list, s)
		}
	}
	return list
}

// titled says how much of a title the block is: 0 nothing, 1 a part, 2 all.
func (m *measurer) titled(b *block) int32 {
	if len(b.text) > 300 || b.size < 8 {
		return 0
	}
	s := text.Fold(b.text)
	found := int32(0)
	for _, t := range m.titles {
		if s == t {
			return 2
		}
		if strings.Contains(t, s) && 3*len(s) > len(t) {
			found = 1
		}
	}
	return found
}

// signs counts blocks of the same look.
func (m *measurer) signs() {
	m.bySign = map[uint32]group{}
	for i := range m.blocks {
		b := &m.blocks[i]
		s := m.elements[b.el].sign
		g := m.bySign[s]
		g.count++
		g.size += b.size
		g.link += b.link
		g.stops += b.facts.stops
		m.bySign[s] = g
	}
}

// firstHeading finds where the content is likely to begin.
func (m *measurer) firstHeading() {
	m.heading = -1
	for i := range m.blocks {
		b := &m.blocks[i]
		if m.titled(b) == 2 || m.elements[b.el].tag == atom.H1 && m.heading < 0 && m.titled(b) > 0 {
			m.heading = i
			return
		}
	}
}

// context measures where the block stands.
func (m *measurer) context(i int) {
	n := int32(len(m.blocks))
	at := int32(i)
	toHeading := int32(-farBlocks)
	if m.heading >= 0 {
		toHeading = at - int32(m.heading)
	}
	b := &m.blocks[i]
	g := m.bySign[m.elements[b.el].sign]
	m.add(near(n), m.size/16, m.good/16, share(m.good, m.size), share(at, n), near(at), near(n-at), near(toHeading),
		near(g.count), g.size/g.count, share(g.link, g.size), g.stops*10/g.count, share(g.size, m.size),
		m.elements[b.el].depth)
}

// ancestors measures the elements around the block: how far the nearest of each
// kind is, and what the branches hold.
func (m *measurer) ancestors(i int) {
	b := &m.blocks[i]
	var nearest [kindCount]int32
	for k := range nearest {
		nearest[k] = far
	}
	for k := range nearest {
		if b.kinds&(1<<k) != 0 {
			nearest[k] = 0
		}
	}
	var list, table, item, quote int32
	var holder [len(holders)]int32 // elements
	var branch [len(holders)]int32 // their children on the way to the block
	for h := range holder {
		holder[h], branch[h] = -1, -1
	}
	up, below := int32(1), int32(-1)
	for e := b.el; e >= 0; e = m.elements[e].parent {
		el := &m.elements[e]
		if el.kinds != 0 {
			for k := range nearest {
				if el.kinds&(1<<k) != 0 && nearest[k] == far {
					nearest[k] = min(up, far-1)
				}
			}
		}
		switch el.tag {
		case atom.Ul, atom.Ol, atom.Dl:
			list++
		case atom.Table:
			table++
		case atom.Li:
			item++
		case atom.Blockquote:
			quote++
		}
		for h, percent := range holders {
			if holder[h] < 0 && m.good > 0 && int64(el.good)*100 >= int64(m.good)*int64(percent) {
				holder[h], branch[h] = e, below
			}
		}
		below = e
		up++
	}
	m.add(nearest[:]...)
	m.add(list, table, item, quote)
	for h := range holders {
		m.branch(i, holder[h], branch[h])
	}
	m.parents(b)
}

// branch measures the child of a holder that leads to the block.
func (m *measurer) branch(i int, holder, branch int32) {
	if holder < 0 {
		m.add(-1, -1, -1, -1, -1, -1, -1, -1)
		return
	}
	h := &m.elements[holder]
	at := int32(i)
	place := int32(0)
	switch {
	case at < h.firstGood:
		place = at - h.firstGood
	case at > h.lastGood:
		place = at - h.lastGood
	}
	el := h
	if branch >= 0 {
		el = &m.elements[branch]
	}
	m.add(m.elements[m.blocks[i].el].depth-h.depth, near(place), share(h.good, h.text), share(h.link, h.text),
		share(el.good, m.good), share(el.link, el.text), share(el.good, el.text), near(el.blocks))
}

// parents measures the nearest three elements with more text than the block.
func (m *measurer) parents(b *block) {
	const levels = 3
	size := b.size
	n := 0
	for e := b.el; e >= 0 && n < levels; e = m.elements[e].parent {
		el := &m.elements[e]
		if el.text <= size {
			continue
		}
		size = el.text
		n++
		m.add(el.text, share(el.link, el.text), share(el.good, el.text), near(el.paragraphs), near(el.blocks))
	}
	for ; n < levels; n++ {
		m.add(-1, -1, -1, -1, -1)
	}
}

// neighbours measures the blocks before and after.
func (m *measurer) neighbours(i int) {
	for _, d := range []int{-2, -1, 1, 2} {
		j := i + d
		if j < 0 || j >= len(m.blocks) {
			m.add(-1, -1, -1, -1)
			continue
		}
		b := &m.blocks[j]
		m.add(b.size, share(b.link, b.size), b.facts.stops, look8(m.elements[b.el].tag))
	}
	for _, width := range []int{4, 10} {
		var good, size, link int32
		for j := max(0, i-width); j <= min(i+width, len(m.blocks)-1); j++ {
			b := &m.blocks[j]
			size += b.size
			link += b.link
			if j != i && b.isGood() {
				good++
			}
		}
		m.add(good, share(link, size))
	}
}

// featureNames names the features in order; %d runs over what repeats.
var featureNames = names()

var featureCount = len(featureNames)

func names() []string {
	list := strings.Fields(`size linked links emphasis words function upper digits letters commas stops marks
		boiler boilerShare ends clock copyright at startsUpper credit look titled
		page.blocks page.size page.good page.goodShare position index rest toHeading
		sign.count sign.size sign.linked sign.stops sign.share depth
		near.comment near.nav near.foot near.head near.side near.related near.share near.ad near.meta near.caption
		near.popup near.box near.content near.article near.title near.hidden near.tags near.list near.intro near.product near.column near.primary
		in.list in.table in.item in.quote`)
	for _, h := range []string{"h30", "h50", "h80", "h95"} {
		for f := range strings.FieldsSeq("depth place good linked branch branchLinked branchGood branchBlocks") {
			list = append(list, h+"."+f)
		}
	}
	for _, u := range []string{"up1", "up2", "up3"} {
		for f := range strings.FieldsSeq("size linked good paragraphs blocks") {
			list = append(list, u+"."+f)
		}
	}
	for _, n := range []string{"before2", "before", "after", "after2"} {
		for f := range strings.FieldsSeq("size linked stops look") {
			list = append(list, n+"."+f)
		}
	}
	return append(list, "window4.good", "window4.linked", "window10.good", "window10.linked")
}
