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
	s := b.text
	level, item, depth, quotes := w.look(b)
	switch {
	case b.pre:
		w.gap(false)
		w.fence(s)
		w.item = -1
		return
	case level > 0:
		w.gap(false)
		w.b.WriteString("######"[:level] + " ")
		w.b.WriteString(spaced(s))
		w.item = -1
		return
	}
	w.gap(item >= 0 && w.item >= 0)
	prefix := strings.Repeat("> ", quotes)
	if item >= 0 {
		prefix += strings.Repeat("  ", depth-1)
		if w.started[item] {
			prefix += "  "
		} else if n := w.elements[item].item; n > 0 {
			w.b.WriteString(prefix + strconv.Itoa(int(n)) + ". ")
		} else {
			w.b.WriteString(prefix + "- ")
		}
		if !w.started[item] {
			w.started[item] = true
			w.b.WriteString(spaced(s))
			w.item = item
			return
		}
	}
	w.item = item
	if prefix == "" {
		w.b.WriteString(s)
		return
	}
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			w.b.WriteByte('\n')
		}
		w.b.WriteString(prefix + line)
	}
}

// look finds the heading level, list item, depth of lists and of quotes that a
// block stands in.
func (w *writer) look(b *block) (level int, item int32, depth, quotes int) {
	item = -1
	for e := b.el; e >= 0; e = w.elements[e].parent {
		el := &w.elements[e]
		switch el.tag {
		case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
			if level == 0 {
				level = headingLevel(el.tag)
			}
		case atom.Li:
			if item < 0 {
				item = e
			}
			depth++
		case atom.Blockquote:
			quotes++
		case atom.Td, atom.Th:
			// a table for layout: lists around it are layout, too
			return level, item, min(depth, 4), min(quotes, 4)
		}
	}
	return level, item, min(depth, 4), min(quotes, 4)
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
