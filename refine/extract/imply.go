package extract

import (
	"slices"
	"strconv"

	"golang.org/x/net/html/atom"
)

// maxColumns bounds the columns of a table that are kept in line.
const maxColumns = 32

// imply closes what the start of an element closes, and opens what it needs.
// It returns false where the tag is to be passed over.
func (b *builder) imply(a atom.Atom, is traits) bool {
	switch {
	case is.has(isRow | isCell):
		return b.implyTable(a, is)
	case b.skip > 0:
		return true
	case a == atom.Li:
		b.closeItem(atom.Li, atom.Li)
	case a == atom.Dd, a == atom.Dt:
		b.closeItem(atom.Dd, atom.Dt)
	case a == atom.A:
		b.endFormat(atom.A)
	case a == atom.Form && slices.ContainsFunc(b.stack, func(o open) bool { return o.tag == atom.Form && !o.dead }):
		return false
	case a == atom.Option && b.top().tag == atom.Option:
		b.pop(len(b.stack) - 1)
	}
	if is.has(endsP) {
		b.closeP()
	}
	if is.has(isHeading) && b.top().traits.has(isHeading) {
		b.pop(len(b.stack) - 1)
	}
	return true
}

// implyTable makes room for a part of a table, if there is a table.
func (b *builder) implyTable(a atom.Atom, is traits) bool {
	table, row, part := -1, -1, -1
	for i := len(b.stack) - 1; i >= 0 && b.stack[i].tag != atom.Template; i-- {
		o := &b.stack[i]
		if o.tag == atom.Table {
			table = i
			break
		}
		if o.tag == atom.Tr {
			row = i
		} else if o.traits.has(isRow) && o.tag != atom.Caption {
			part = i
		}
	}
	if table < 0 {
		if b.skip == 0 && b.pre == 0 {
			b.flush()
		}
		return false
	}
	switch {
	case is.has(isCell) && row >= 0:
		b.pop(row + 1)
		return true
	case is.has(isCell) || a == atom.Tr:
		if part >= 0 {
			b.pop(part + 1)
		} else {
			b.pop(table + 1)
			b.push(atom.Tbody, &tag{atom: atom.Tbody})
		}
		if is.has(isCell) && b.err == nil {
			b.push(atom.Tr, &tag{atom: atom.Tr})
		}
	default:
		b.pop(table + 1)
	}
	return b.err == nil
}

// closeP closes an open paragraph.
func (b *builder) closeP() {
	for i := len(b.stack) - 1; i >= 0; i-- {
		o := &b.stack[i]
		if o.tag == atom.P {
			b.pop(i)
			return
		}
		if o.traits.has(isScope | isSkipped) {
			return
		}
	}
}

// closeItem closes an open list item, or a term or definition.
func (b *builder) closeItem(one, other atom.Atom) {
	for i := len(b.stack) - 1; i >= 0; i-- {
		o := &b.stack[i]
		if o.tag == one || o.tag == other {
			b.pop(i)
			return
		}
		if o.traits.has(isSpecial) && o.tag != atom.Address && o.tag != atom.Div && o.tag != atom.P {
			return
		}
	}
}

// end takes an end tag.
func (b *builder) end(t *tag) {
	is := known[t.atom]
	switch {
	case t.atom == atom.Html, t.atom == atom.Body, t.atom == atom.Head:
	case t.atom == atom.Br:
		b.void(t)
	case is.has(isVoid):
	case is.has(isFormat) && b.skip == 0:
		b.endFormat(t.atom)
	case is.has(isRow | isCell), t.atom == atom.Table:
		b.endIn(t.atom, func(o *open) bool { return o.tag == atom.Table || o.tag == atom.Template })
	case t.atom == atom.Form && b.skip == 0:
		b.endForm()
	case is.has(isHeading):
		b.endHeading()
	case t.atom == atom.Li:
		b.endIn(t.atom, func(o *open) bool { return o.traits.has(isScope) || o.tag == atom.Ol || o.tag == atom.Ul })
	case is.has(isSpecial | isSkipped):
		b.endIn(t.atom, func(o *open) bool { return o.traits.has(isScope) })
		if t.atom == atom.P && b.skip == 0 && b.pre == 0 {
			b.flush() // where none is open, an empty one would be made
		}
	default:
		b.endOther(t)
	}
}

// endIn closes the innermost open element of the name within a scope.
func (b *builder) endIn(a atom.Atom, isBorder func(*open) bool) {
	for i := len(b.stack) - 1; i > 1; i-- {
		o := &b.stack[i]
		if o.tag == a && !o.dead {
			b.pop(i)
			return
		}
		if isBorder(o) {
			return
		}
	}
}

// endHeading closes the innermost heading, of whatever level.
func (b *builder) endHeading() {
	for i := len(b.stack) - 1; i > 1; i-- {
		if b.stack[i].traits.has(isHeading) {
			b.pop(i)
			return
		}
		if b.stack[i].traits.has(isScope) {
			return
		}
	}
}

// endForm closes a form, but not the elements that were opened within.
func (b *builder) endForm() {
	for i := len(b.stack) - 1; i > 1; i-- {
		o := &b.stack[i]
		if o.tag == atom.Form && !o.dead {
			b.endLoosely(i)
			return
		}
		if o.traits.has(isScope) {
			return
		}
	}
}

// endLoosely closes an element whose end tag crosses other elements: these
// stay open.
func (b *builder) endLoosely(at int) {
	for i := len(b.stack) - 1; i > at; i-- {
		if b.stack[i].traits.has(isSpecial) {
			b.stack[at].dead = true
			return
		}
	}
	b.pop(at)
}

// endFormat ends formatting, and the element if it is open.
func (b *builder) endFormat(a atom.Atom) {
	switch a {
	case atom.A:
		b.active.link = false
	case atom.B, atom.Strong, atom.Em, atom.I:
		n := &b.active.strong[emphasis(a)]
		*n = max(*n-1, 0)
	}
	for i := len(b.stack) - 1; i > 1; i-- {
		o := &b.stack[i]
		if o.tag == a && !o.dead {
			b.endLoosely(i)
			return
		}
		if o.traits.has(isScope) {
			return
		}
	}
}

// endOther closes an inline element that crosses no other kind.
func (b *builder) endOther(t *tag) {
	for i := len(b.stack) - 1; i > 1; i-- {
		o := &b.stack[i]
		if o.tag == t.atom && o.name == t.name {
			b.pop(i)
			return
		}
		if o.traits.has(isSpecial) {
			return
		}
	}
}

// inForeign reports whether the innermost element is of SVG or MathML.
func (b *builder) inForeign() bool {
	return b.skip > 0 && b.foreign() >= 0
}

// foreign returns the depth of the foreign element around, -1 where HTML may
// stand.
func (b *builder) foreign() int {
	for i := len(b.stack) - 1; i >= 0; i-- {
		switch o := &b.stack[i]; o.tag {
		case atom.Svg, atom.Math:
			return i
		case atom.Foreignobject, atom.Desc, atom.AnnotationXml:
			return -1
		default:
			if o.traits.has(isBlock | isSkipped) {
				return -1
			}
		}
	}
	return -1
}

// leaveForeign ends SVG or MathML where an element of HTML starts.
func (b *builder) leaveForeign() {
	if at := b.foreign(); at >= 0 {
		b.pop(at)
	}
}

// row takes the start of a table's row: columns are taken for one row less.
func (b *builder) row() {
	if t := b.table(); t != nil {
		for i := range t.spans {
			t.spans[i] = max(t.spans[i]-1, 0)
		}
	}
}

// column gives a cell its column, from 1 on.
func (b *builder) column(el int32, a *attrs) {
	t, row := b.table(), b.top()
	if t == nil || row.tag != atom.Tr {
		return
	}
	at := row.count
	for int(at) < len(t.spans) && t.spans[at] > 0 {
		at++
	}
	wide := min(number(a.colspan), max(maxColumns-at, 1))
	for at+wide > int32(len(t.spans)) && len(t.spans) < maxColumns {
		t.spans = append(t.spans, 0)
	}
	high := number(a.rowspan)
	for i := at; i < min(at+wide, int32(len(t.spans))); i++ {
		t.spans[i] = high
	}
	row.count = at + wide
	b.elements[el].item = at + 1
}

// table returns the innermost open table.
func (b *builder) table() *open {
	for i := len(b.stack) - 1; i >= 0; i-- {
		if b.stack[i].tag == atom.Table {
			return &b.stack[i]
		}
	}
	return nil
}

// number reads a count of rows or columns, 1 to 1000 as browsers do.
func number(s string) int32 {
	const most = 1000
	n, err := strconv.Atoi(s)
	if err != nil {
		return 1
	}
	return int32(max(1, min(n, most)))
}
