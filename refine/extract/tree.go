package extract

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/troikaml/troika/text"
)

// element is one element of a page with what is summed up below it. Sizes are
// in bytes of visible text: a Han character carries about as much as three
// Latin letters, and UTF-8 happens to count so.
type element struct {
	tag    atom.Atom
	parent int32 // index, -1 at the root
	depth  int32
	kinds  kinds
	sign   uint32 // hash of tag and class, and of the parent's
	item   int32  // number of a list item within its ordered list, else 0

	text, link, good int32 // sizes of all text, of linked and of good blocks
	blocks           int32 // count
	paragraphs       int32 // count of good blocks
	firstGood        int32 // index of a block, -1 without one
	lastGood         int32
}

// block is a piece of text that is kept or dropped whole.
type block struct {
	el       int32 // the nearest block element
	kinds    kinds // of all inline elements around the text alike
	text     string
	size     int32 // bytes without white space
	link     int32 // of size, in links
	links    int32 // count of links
	emphasis int32 // of size, in bold or italic type
	pre      bool
	facts    facts
}

// page is a parsed page as flat lists, in document order.
type page struct {
	elements []element
	blocks   []block
	meta     meta
	size     int32          // of all blocks
	good     int32          // of good blocks
	data     map[int32]bool // tables of data, by element
}

// flattener turns the parser's tree into a page.
type flattener struct {
	page
	b        strings.Builder // text of the block at work
	cur      block
	hasKinds bool
	space    bool // a space is owed
	newline  bool // the owed space was a line break in the source
	breaks   int  // br elements since the last text
	last     rune
	link     int // depth of links
	strong   int // depth of emphasis
	pre      int // depth of preformatted elements
	names    map[string]kinds
}

func flatten(root *html.Node) *page {
	f := &flattener{names: map[string]kinds{}}
	f.node(root, -1, -1, 0)
	f.flush()
	f.sum()
	return &f.page
}

// node adds n and everything below it. el is the nearest element, within the
// nearest block element, and inline the kinds of the inline elements between.
func (f *flattener) node(n *html.Node, el, within int32, inline kinds) {
	switch n.Type {
	case html.TextNode:
		f.text(n.Data, within, inline)
		return
	case html.ElementNode:
	case html.DocumentNode:
		for c := range n.ChildNodes() {
			f.node(c, el, within, inline)
		}
		return
	default:
		return
	}
	f.meta.note(n)
	if neverContent(n) {
		return
	}
	tag := n.DataAtom
	switch tag {
	case atom.Br:
		f.lineBreak()
		return
	case atom.Hr:
		f.flush()
		return
	}
	self := f.element(n, el)
	if isBlock(tag) {
		f.flush()
		if tag == atom.Pre {
			f.pre++
		}
		f.children(n, self, self, 0)
		f.flush()
		if tag == atom.Pre {
			f.pre--
		}
		return
	}
	inline |= f.elements[self].kinds
	switch {
	case tag == atom.A && attr(n, "href") != "": // others are anchors, and may never be closed
		f.link++
		f.cur.links++
		f.children(n, self, within, inline)
		f.link--
	case tag == atom.B, tag == atom.Strong, tag == atom.Em, tag == atom.I:
		f.strong++
		f.children(n, self, within, inline)
		f.strong--
	default:
		f.children(n, self, within, inline)
	}
}

func (f *flattener) children(n *html.Node, el, within int32, inline kinds) {
	item := int32(0)
	for c := range n.ChildNodes() {
		before := int32(len(f.elements))
		f.node(c, el, within, inline)
		if c.DataAtom == atom.Li && n.DataAtom == atom.Ol && int(before) < len(f.elements) {
			item++
			f.elements[before].item = item
		}
	}
}

func (f *flattener) element(n *html.Node, parent int32) int32 {
	e := element{tag: n.DataAtom, parent: parent, firstGood: -1, lastGood: -1}
	e.kinds, e.sign = f.kinds(n)
	if parent >= 0 {
		e.depth = f.elements[parent].depth + 1
		e.sign ^= f.elements[parent].sign * 0x9E3779B1
	}
	f.elements = append(f.elements, e)
	return int32(len(f.elements) - 1)
}

// text adds a text node: white space collapses outside preformatted text.
func (f *flattener) text(s string, within int32, inline kinds) {
	if f.pre > 0 {
		f.settle('x')
		f.b.WriteString(s)
		f.count(visible(s), within, inline)
		return
	}
	size := int32(0)
	for _, r := range s {
		if r == ' ' || r == '\n' || r >= 0x80 && unicode.IsSpace(r) || r == '\t' || r == '\r' || r == '\f' {
			f.newline = r == '\n' && (f.newline || !f.space)
			f.space = true
			continue
		}
		if f.breaks > 1 {
			f.flush()
		}
		f.settle(r)
		at := f.b.Len()
		f.b.WriteRune(r)
		size += int32(f.b.Len() - at)
		f.last = r
	}
	if size > 0 {
		f.count(size, within, inline)
	}
}

func (f *flattener) count(size, within int32, inline kinds) {
	if f.hasKinds {
		f.cur.kinds &= inline
	} else {
		f.cur.kinds, f.hasKinds = inline, true
	}
	f.cur.el = within
	f.cur.size += size
	if f.link > 0 {
		f.cur.link += size
	}
	if f.strong > 0 {
		f.cur.emphasis += size
	}
	f.cur.pre = f.cur.pre || f.pre > 0
}

// settle writes the space or the break owed before r.
func (f *flattener) settle(r rune) {
	switch {
	case f.b.Len() == 0:
	case f.breaks > 0:
		f.b.WriteByte('\n')
	case f.space:
		if !f.newline || !text.IsUnspaced(r) || !text.IsUnspaced(f.last) {
			f.b.WriteByte(' ')
		}
	}
	f.breaks, f.space, f.newline = 0, false, false
}

// lineBreak takes a br element: one breaks the line, two in a row end the block.
func (f *flattener) lineBreak() {
	if f.pre > 0 {
		f.b.WriteByte('\n')
		return
	}
	f.breaks++
}

// flush ends the block at work.
func (f *flattener) flush() {
	if f.cur.size > 0 && f.cur.el >= 0 {
		f.cur.text = f.b.String()
		f.cur.facts = look(f.cur.text)
		f.blocks = append(f.blocks, f.cur)
	}
	f.b.Reset()
	f.cur, f.hasKinds = block{}, false
	f.space, f.newline, f.breaks, f.last = false, false, 0, 0
}

// sum adds each block to the elements around it.
func (f *flattener) sum() {
	for i := range f.blocks {
		b := &f.blocks[i]
		good := b.isGood()
		f.size += b.size
		if good {
			f.good += b.size
		}
		for e := b.el; e >= 0; e = f.elements[e].parent {
			el := &f.elements[e]
			el.text += b.size
			el.link += b.link
			el.blocks++
			if !good {
				continue
			}
			el.good += b.size
			el.paragraphs++
			if el.firstGood < 0 {
				el.firstGood = int32(i)
			}
			el.lastGood = int32(i)
		}
	}
}

// isGood reports blocks that look like prose from within.
func (b *block) isGood() bool {
	return b.size >= 80 && 3*b.link <= b.size
}

func visible(s string) int32 {
	n := int32(0)
	for i := range len(s) {
		if s[i] > ' ' {
			n++
		}
	}
	return n
}

// neverContent reports elements that are no text for readers by what they are.
func neverContent(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Head, atom.Script, atom.Style, atom.Template, atom.Svg, atom.Canvas,
		atom.Iframe, atom.Object, atom.Embed, atom.Audio, atom.Video, atom.Map, atom.Math,
		atom.Button, atom.Input, atom.Select, atom.Textarea, atom.Datalist, atom.Dialog,
		atom.Title, atom.Meta, atom.Link, atom.Img:
		return true
	}
	return n.Namespace != ""
}

func isBlock(tag atom.Atom) bool {
	switch tag {
	case atom.P, atom.Div, atom.Section, atom.Article, atom.Main, atom.Header, atom.Footer,
		atom.Nav, atom.Aside, atom.Blockquote, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Ul, atom.Ol, atom.Li, atom.Dl, atom.Dt, atom.Dd, atom.Table, atom.Thead, atom.Tbody,
		atom.Tfoot, atom.Tr, atom.Td, atom.Th, atom.Caption, atom.Figure, atom.Figcaption,
		atom.Address, atom.Details, atom.Summary, atom.Fieldset, atom.Legend, atom.Form, atom.Pre,
		atom.Body, atom.Html, atom.Center, atom.Menu, atom.Option:
		return true
	}
	return false
}
