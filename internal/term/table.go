package term

import (
	"io"
	"strings"
)

// gap separates the columns of a table.
const gap = "  "

// Column describes one column of a [Table].
type Column struct {
	// Title heads the column; a table whose titles are all empty has no head.
	Title string
	// Align places the text of the title and of every cell.
	Align Align
	// Max is the widest the column may become, in cells; longer text is cut
	// with "…". 0 means no limit.
	Max int
}

// Table lines up rows of text. The zero Table has no columns; make one with
// [NewTable]. It is not safe for concurrent use.
type Table struct {
	columns []Column
	rows    [][]string
}

// NewTable returns an empty table with these columns.
func NewTable(columns ...Column) *Table { return &Table{columns: columns} }

// Row adds one row. Cells that are missing are empty, cells past the last
// column are dropped.
func (t *Table) Row(row ...string) {
	r := make([]string, len(t.columns))
	copy(r, row)
	t.rows = append(t.rows, r)
}

// String returns the table as lines: the titles, a rule, the rows; each line
// ends in a line break and has no trailing spaces.
func (t *Table) String() string {
	titles := make([]string, len(t.columns))
	widths := make([]int, len(t.columns))
	headed := false
	for i, c := range t.columns {
		titles[i] = c.Title
		headed = headed || c.Title != ""
	}
	lines := t.rows
	if headed {
		lines = append([][]string{titles}, t.rows...)
	}
	for _, row := range lines {
		for i, cell := range row {
			w := Width(cell)
			if limit := t.columns[i].Max; limit > 0 {
				w = min(w, limit)
			}
			widths[i] = max(widths[i], w)
		}
	}
	var b strings.Builder
	for n, row := range lines {
		t.line(&b, row, widths)
		if n == 0 && headed {
			rule := make([]string, len(widths))
			for i, w := range widths {
				rule[i] = strings.Repeat("─", w)
			}
			t.line(&b, rule, widths)
		}
	}
	return b.String()
}

func (t *Table) line(b *strings.Builder, row []string, widths []int) {
	var line strings.Builder
	for i, cell := range row {
		if i > 0 {
			line.WriteString(gap)
		}
		line.WriteString(Pad(Truncate(cell, widths[i]), widths[i], t.columns[i].Align))
	}
	b.WriteString(strings.TrimRight(line.String(), " "))
	b.WriteByte('\n')
}

// WriteTo writes [Table.String] to w.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, t.String())
	return int64(n), err
}
