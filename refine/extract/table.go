package extract

import "golang.org/x/net/html/atom"

// place is where a block stands in a data table: elements, or -1.
type place struct{ table, row, cell int32 }

// place finds the innermost table around a block, if it holds data.
func (p *page) place(b *block) place {
	at := place{-1, -1, -1}
	for e := b.el; e >= 0; e = p.elements[e].parent {
		switch p.elements[e].tag {
		case atom.Td, atom.Th:
			if at.cell < 0 {
				at.cell = e
			}
		case atom.Tr:
			if at.row < 0 {
				at.row = e
			}
		case atom.Table:
			at.table = e
			if at.cell < 0 || at.row < 0 || p.widths[e] == 0 {
				return place{-1, -1, -1}
			}
			return at
		}
	}
	return place{-1, -1, -1}
}

// tally counts what tells tables of data from tables for layout.
type tally struct {
	rows, cells, blocks, wide   int32
	width                       int32 // the last column with text
	lastRow, lastCell, rowCells int32
	nested, structured          bool
	size, score                 int64
}

// tables marks the tables that hold data, and keeps or drops each as a whole:
// its cells are too short to be judged alone.
func (p *page) tables(scores []int32, keep []bool) {
	tallies := map[int32]*tally{}
	for i := range p.blocks {
		p.tally(tallies, i, scores[i])
	}
	p.widths = map[int32]int32{}
	for e, t := range tallies {
		if !t.nested && !t.structured && t.rows >= 2 && t.wide*2 >= t.rows && 2*t.blocks <= 3*t.cells {
			p.widths[e] = t.width
		}
	}
	for i := range p.blocks {
		b := &p.blocks[i]
		if at := p.place(b); at.table >= 0 {
			keep[i] = tallies[at.table].score >= 0
		}
	}
}

func (p *page) tally(tallies map[int32]*tally, i int, score int32) {
	b := &p.blocks[i]
	inner := true
	row, cell := int32(-1), int32(-1)
	structured := b.pre || b.size > 1000
	for e := b.el; e >= 0; e = p.elements[e].parent {
		switch p.elements[e].tag {
		case atom.H1, atom.H2, atom.H3, atom.H4, atom.Blockquote, atom.Article:
			structured = true
		case atom.Td, atom.Th:
			cell = e
		case atom.Tr:
			row = e
		case atom.Table:
			t := tallies[e]
			if t == nil {
				t = &tally{lastRow: -1, lastCell: -1}
				tallies[e] = t
			}
			if !inner {
				t.nested = true
				continue
			}
			inner = false
			t.add(row, cell)
			if cell >= 0 {
				t.width = max(t.width, p.elements[cell].item, t.rowCells)
			}
			t.structured = t.structured || structured
			t.size += int64(b.size)
			t.score += int64(b.size) * int64(score)
		}
	}
}

func (t *tally) add(row, cell int32) {
	t.blocks++
	if row != t.lastRow {
		t.rows++
		t.rowCells = 0
		t.lastRow = row
	}
	if cell != t.lastCell {
		t.cells++
		t.lastCell = cell
		if t.rowCells++; t.rowCells == 2 {
			t.wide++
		}
	}
}
