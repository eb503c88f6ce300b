package extract

import (
	"strconv"
	"strings"

	"golang.org/x/net/html/atom"
)

// writer renders blocks as Markdown.
type writer struct {
	*page
	b       strings.Builder
	at      place // of the block before
	column  int32 // of the row at work that was written last, 0 at its start
	rows    int   // of the table at work
	item    int32 // list item of the block before, -1 outside
	started map[int32]bool
}

// write renders the blocks that are kept.
func (p *page) write(keep []bool) string {
	w := &writer{page: p, at: place{-1, -1, -1}, item: -1, started: map[int32]bool{}}
	w.b.Grow(int(p.size) + int(p.size)/4)
	for i := range p.blocks {
		if keep[i] {
			w.block(&p.blocks[i])
		}
	}
	w.endTable()
	return w.b.String()
}

func (w *writer) block(b *block) {
	at := w.place(b)
	if at.table >= 0 {
		w.cell(at, b)
		return
	}
	w.endTable()
	in := w.look(b)
	switch {
	case b.pre:
		w.gap(false)
		w.fence(b.text)
		w.item = -1
	case in.level > 0:
		w.gap(false)
		w.b.WriteString("######"[:in.level] + " " + spaced(b.text))
		w.item = -1
	case in.item >= 0 && !w.started[in.item]:
		w.gap(w.item >= 0)
		w.started[in.item] = true
		w.b.WriteString(in.prefix() + w.marker(in.item) + spaced(b.text))
		w.item = in.item
	default:
		w.gap(false)
		if in.item >= 0 {
			in.indent += len(w.marker(in.item))
		}
		w.b.WriteString(in.prefix() + strings.ReplaceAll(b.text, "\n", "\n"+in.prefix()))
		w.item = in.item
	}
}

// spot is where a block stands outside of data tables.
type spot struct {
	level  int   // of the heading, 0 outside
	item   int32 // the list item, -1 outside
	indent int   // of the item's marker, in spaces
	quotes int
}

// prefix returns what stands before each of a block's lines.
func (s spot) prefix() string { return strings.Repeat("> ", s.quotes) + strings.Repeat(" ", s.indent) }

// look finds where a block stands. Lists around a table for layout are layout, too.
func (w *writer) look(b *block) spot {
	const mostQuotes, mostIndent = 4, 12
	in := spot{item: -1}
	for e := b.el; e >= 0 && !known[w.elements[e].tag].has(isCell); e = w.elements[e].parent {
		switch tag := w.elements[e].tag; {
		case known[tag].has(isHeading) && in.level == 0:
			in.level = headingLevel(tag)
		case tag == atom.Li && in.item < 0:
			in.item = e
		case tag == atom.Li:
			in.indent = min(in.indent+len(w.marker(e)), mostIndent)
		case tag == atom.Blockquote:
			in.quotes = min(in.quotes+1, mostQuotes)
		}
	}
	return in
}

// marker returns what a list item begins with.
func (w *writer) marker(item int32) string {
	if n := w.elements[item].item; n > 0 {
		return strconv.Itoa(int(n)) + ". "
	}
	return "- "
}

// gap ends what was written before: an empty line, or none between list items.
func (w *writer) gap(tight bool) {
	if w.b.Len() == 0 {
		return
	}
	w.b.WriteByte('\n')
	if !tight {
		w.b.WriteByte('\n')
	}
}

// fence writes preformatted text between fences that do not occur in it.
func (w *writer) fence(s string) {
	longest, run := 2, 0
	for i := range len(s) {
		if s[i] == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	mark := strings.Repeat("`", longest+1)
	w.b.WriteString(mark + "\n" + strings.Trim(s, "\r\n") + "\n" + mark)
}

// cell writes a block of a data table. Cells without text leave their columns
// empty, so that the others stay in line.
func (w *writer) cell(at place, b *block) {
	s := strings.ReplaceAll(spaced(b.text), "|", `\|`)
	switch {
	case at.table != w.at.table:
		w.endTable()
		w.gap(false)
		w.item = -1
		w.b.WriteString("|")
	case at.row != w.at.row:
		w.endRow()
		w.b.WriteString("\n|")
	case at.cell != w.at.cell:
		w.b.WriteString(" |")
	}
	if at.cell != w.at.cell {
		to := max(w.elements[at.cell].item, w.column+1)
		w.blanks(to - 1)
		w.column = to
	}
	w.at = at
	w.b.WriteString(" " + s)
}

// blanks fills the row with empty cells up to a column.
func (w *writer) blanks(column int32) {
	for ; w.column < column; w.column++ {
		w.b.WriteString("  |")
	}
}

// endRow closes a row, and after the first one writes the line that makes it
// the table's head. The head is as wide as the widest row.
func (w *writer) endRow() {
	w.b.WriteString(" |")
	if w.rows == 0 {
		w.blanks(w.widths[w.at.table])
		w.b.WriteString("\n|" + strings.Repeat(" --- |", int(w.column)))
	}
	w.rows++
	w.column = 0
}

func (w *writer) endTable() {
	if w.at.table < 0 {
		return
	}
	w.endRow()
	w.at = place{-1, -1, -1}
	w.rows = 0
}

// spaced puts a text on one line.
func spaced(s string) string { return strings.ReplaceAll(s, "\n", " ") }
