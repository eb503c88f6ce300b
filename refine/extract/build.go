package extract

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/html/atom"
)

// maxDepth bounds open elements, as golang.org/x/net/html does.
const maxDepth = 512

// open is an element whose end tag has not come yet.
type open struct {
	tag    atom.Atom
	name   uint32
	traits traits
	dead   bool    // an end tag has closed it, but not what is within
	el     int32   // the element, or the nearest around one without text
	within int32   // the nearest block element
	inline kinds   // of the inline elements in between
	count  int32   // list items or columns so far
	spans  []int32 // of a table: rows that each column is still taken for
	saved  active  // of a table's cell: what was active around it
}

// active is the formatting that end tags have not ended. It outlives the block
// that it began in, as in browsers, but not a table's cell.
type active struct {
	link   bool
	strong [4]int8 // b, strong, em, i
}

// builder turns a page's bytes into blocks and elements in one pass. It follows
// WHATWG HTML 13.2.6 where the place of text depends on it: implied end tags,
// tables, crossing end tags. Unlike there, no element is made twice: browsers
// repeat formatting in every paragraph after a missing end tag, which makes
// gigabytes of a small page that means harm.
type builder struct {
	flow
	tokens tokenizer
	stack  []open
	skip   int // open elements without text for readers
	h1     int // depth of the first top heading while it is open, else 0
	h1From int // its first block
	names  map[string]kinds
	err    error
}

// build parses a page.
func build(s string) (*page, error) {
	b := &builder{tokens: tokenizer{s: s}, names: map[string]kinds{}}
	b.push(atom.Html, &tag{atom: atom.Html})
	b.push(atom.Body, &tag{atom: atom.Body})
	for b.err == nil && !b.full {
		kind, s := b.tokens.next()
		if kind == tokenEnd {
			break
		}
		switch {
		case kind == tokenStart:
			b.start(&b.tokens.tag)
		case kind == tokenClose:
			b.end(&b.tokens.tag)
		case b.skip == 0:
			top := b.top()
			b.text(s, top.within, top.inline)
		}
	}
	b.pop(0)
	if b.full {
		b.err = fmt.Errorf("%w: more than %d blocks", ErrTooLarge, MaxElements)
	}
	if b.err != nil {
		return nil, b.err
	}
	b.sum()
	return &b.page, nil
}

func (b *builder) top() *open { return &b.stack[len(b.stack)-1] }

// start takes a start tag.
func (b *builder) start(t *tag) {
	is := known[t.atom]
	if b.skip > 0 && is.has(isBreakout) {
		b.leaveForeign()
	}
	if b.inForeign() {
		if !t.empty {
			b.push(t.atom, t)
		}
		return
	}
	switch t.atom {
	case atom.Html, atom.Body:
		b.root(t)
		return
	case atom.Head, atom.Frameset, atom.Frame, atom.Colgroup:
		return
	case atom.Script, atom.Style, atom.Title, atom.Textarea, atom.Iframe, atom.Noembed, atom.Noframes, atom.Xmp:
		b.raw(t)
		return
	}
	if is.has(isVoid) {
		b.void(t)
		return
	}
	if t.atom == atom.A && b.skip == 0 {
		b.meta.terms(&t.attrs)
	}
	if b.imply(t.atom, is) {
		b.push(t.atom, t)
	}
}

// root takes another html or body tag: it adds to the element that is there.
func (b *builder) root(t *tag) {
	if b.skip > 0 {
		return
	}
	at := int32(0)
	if t.atom == atom.Body {
		at = 1
	}
	k, _ := b.kinds(t)
	b.elements[at].kinds |= k
	if b.meta.lang == "" && t.atom == atom.Html {
		b.meta.lang = language(t.attrs.lang)
	}
}

// raw takes an element whose content is text whatever it looks like.
func (b *builder) raw(t *tag) {
	kind := t.attrs.kind
	s := b.tokens.raw(t.atom.String())
	if b.skip > 0 {
		return
	}
	switch t.atom {
	case atom.Title:
		if b.meta.title == "" {
			b.meta.title = oneLine(unescape(s))
		}
	case atom.Script:
		if strings.EqualFold(kind, "application/ld+json") {
			b.meta.link(s)
		}
	case atom.Xmp:
		b.push(atom.Pre, &tag{atom: atom.Pre})
		if b.err == nil {
			b.text(s, b.top().within, 0)
			b.pop(len(b.stack) - 1)
		}
	}
}

// void takes an element without content.
func (b *builder) void(t *tag) {
	if b.skip > 0 {
		return
	}
	switch t.atom {
	case atom.Br:
		b.lineBreak()
	case atom.Hr:
		b.closeP()
		b.flush()
	case atom.Meta:
		b.meta.property(&t.attrs)
	case atom.Link:
		b.meta.terms(&t.attrs)
	}
}

// push opens an element.
func (b *builder) push(a atom.Atom, t *tag) {
	if len(b.stack) >= maxDepth {
		b.err = ErrTooDeep
		return
	}
	o := open{tag: a, name: t.name, traits: known[a], el: -1, within: -1, saved: b.active}
	if len(b.stack) > 0 {
		top := b.top()
		o.el, o.within, o.inline = top.el, top.within, top.inline
	}
	if o.traits.has(isSkipped) {
		b.skip++
	}
	if b.skip > 0 {
		b.stack = append(b.stack, o)
		return
	}
	if len(b.elements) >= MaxElements {
		b.err = fmt.Errorf("%w: more than %d elements", ErrTooLarge, MaxElements)
		return
	}
	parent := o.el
	o.el = b.element(a, t, parent)
	if o.traits.has(isBlock) && !b.isLine(a) {
		b.flush()
		o.within, o.inline = o.el, 0
	} else {
		o.inline |= b.elements[o.el].kinds
	}
	b.begin(&o, t)
	b.stack = append(b.stack, o)
}

// begin takes what an element does beyond being there.
func (b *builder) begin(o *open, t *tag) {
	switch o.tag {
	case atom.A:
		b.active.link = t.attrs.href != "" // others are anchors, and may never be closed
		if b.active.link {
			b.linkStarts()
		}
	case atom.B, atom.Strong, atom.Em, atom.I:
		n := &b.active.strong[emphasis(o.tag)]
		const most = 3 // WHATWG's "Noah's Ark clause"
		*n = min(*n+1, most)
	case atom.Pre, atom.Listing:
		b.pre++
	case atom.Ol:
		if n, err := strconv.Atoi(t.attrs.start); err == nil && 1 < n && n < 1e6 {
			o.count = int32(n) - 1
		}
	case atom.Li:
		if top := b.top(); top.tag == atom.Ol {
			top.count++
			b.elements[o.el].item = top.count
		}
	case atom.Tr:
		b.row()
	case atom.Td, atom.Th:
		b.column(o.el, &t.attrs)
	case atom.Time:
		b.meta.time(t.attrs.datetime)
	case atom.H1:
		if b.h1 == 0 && b.meta.heading == "" {
			b.h1, b.h1From = len(b.stack), len(b.blocks)
		}
	}
	if b.isLine(o.tag) {
		b.preLine()
	}
}

// isLine reports the elements that are no blocks within preformatted text, but
// lines: listings are marked up so.
func (b *builder) isLine(a atom.Atom) bool {
	if b.pre == 0 {
		return false
	}
	return a == atom.Div || a == atom.P || a == atom.Ol || a == atom.Ul || a == atom.Li
}

func emphasis(a atom.Atom) int {
	switch a {
	case atom.B:
		return 0
	case atom.Strong:
		return 1
	case atom.Em:
		return 2
	}
	return 3
}

func (b *builder) element(a atom.Atom, t *tag, parent int32) int32 {
	e := element{tag: a, parent: parent, firstGood: -1, lastGood: -1}
	e.kinds, e.sign = b.kinds(t)
	if parent >= 0 {
		e.depth = b.elements[parent].depth + 1
		e.sign ^= b.elements[parent].sign * 0x9E3779B1
	}
	b.elements = append(b.elements, e)
	return int32(len(b.elements) - 1)
}

// pop closes all elements from a depth on.
func (b *builder) pop(depth int) {
	for len(b.stack) > depth {
		o := b.top()
		switch {
		case b.skip > 0:
			if o.traits.has(isSkipped) {
				b.skip--
			}
		case b.isLine(o.tag):
			b.preLine()
		case o.traits.has(isBlock):
			b.flush()
			if o.tag == atom.Pre || o.tag == atom.Listing {
				b.pre--
			}
		}
		if o.traits.has(isCell) || o.tag == atom.Caption {
			b.active = o.saved
		}
		if len(b.stack)-1 == b.h1 && b.h1 > 0 {
			b.h1 = 0
			b.meta.heading = b.joined(b.h1From)
		}
		b.stack = b.stack[:len(b.stack)-1]
	}
}

// joined joins the text of the blocks from one on.
func (b *builder) joined(from int) string {
	var s strings.Builder
	for i := range b.blocks[from:] {
		s.WriteString(b.blocks[from+i].text)
		s.WriteByte(' ')
		if s.Len() > mostTitle {
			break
		}
	}
	return oneLine(s.String())
}
