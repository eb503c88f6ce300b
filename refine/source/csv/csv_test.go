package csv_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine/source/csv"
)

func Example() {
	table := "name;note\npear;\"sweet; \"\"green\"\"\nand round\"\n"
	comma := csv.Sniff([]byte(table))
	for rec, err := range csv.Records(strings.NewReader(table), comma, 1<<20) {
		fmt.Printf("%d %q %v\n", rec.Line, rec.Cells, err)
	}
	// Output:
	// 1 ["name" "note"] <nil>
	// 2 ["pear" "sweet; \"green\"\nand round"] <nil>
}

func TestRecords(t *testing.T) {
	long, line := strings.Repeat("x", 200), strings.Repeat("y", 40)
	two := fmt.Sprintf("2[%q] 3[%q] ", line, line)
	for _, c := range []struct{ name, in, want string }{
		{"plain", "a,b\r\nc,\n", `1["a" "b"] 2["c" ""]`},
		{"no line end", "a,b", `1["a" "b"]`},
		{"empty lines", "\n\na\n\r\n", `3["a"]`},
		{"quotes", `"a,""b""",c` + "\n", `1["a,\"b\"" "c"]`},
		{"line ends in quotes", "\"a\r\nb\",c\nd,e", `1["a\r\nb" "c"] 3["d" "e"]`},
		{"quote within a cell", "5\" disk,b\nc", `1["5\" disk" "b"] 2["c"]`},
		{"text after quotes", `"a"b,c`, `1["ab" "c"]`},
		{"never closed", "a,\"b\nc,d\ne,\"\"\ng,h", `1!a quote is not closed 2["c" "d"] 3["e" ""] 4["g" "h"]`},
		{"never closed, over the limit", "\"a\n" + strings.Repeat(line+"\n", 3) + "b,c", "1!a quote is not closed " + two + `4["` + line + `"] 5["b" "c"]`},
		{"never closed before a long line", "\"a\n" + line + "\n" + line + "\n" + long + "\nb,c", "1!a quote is not closed " + two + `4!record too long: the limit is 100 bytes 5["b" "c"]`},
		{"long", "a\n" + long + "\nb", `1["a"] 2!record too long: the limit is 100 bytes 3["b"]`},
		{"bytes", "a\nb\xff\nc\x00\nd", `1["a"] 2!not UTF-8 3!holds a NUL byte 4["d"]`},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for rec, err := range csv.Records(strings.NewReader(c.in), ',', 100) {
				if bad, ok := errors.AsType[*csv.Error](err); ok {
					got = append(got, fmt.Sprintf("%d!%v", bad.Line, bad.Err))
				} else {
					got = append(got, fmt.Sprintf("%d%q", rec.Line, rec.Cells))
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

// quotes is an endless row of lines that open a quote.
type quotes struct{ left int }

func (q *quotes) Read(b []byte) (int, error) {
	if q.left == 0 {
		return 0, io.EOF
	}
	n := min(len(b), q.left)
	for i := range n {
		b[i] = "a,\"b\n\n"[i%5]
	}
	q.left -= n
	return n, nil
}

// TestLinear reads a file in which every line opens a quote: each is looked at
// a bounded number of times.
func TestLinear(t *testing.T) {
	records, bad := 0, 0
	for _, err := range csv.Records(&quotes{8 << 20}, ',', 1<<20) {
		if err != nil {
			bad++
		}
		records++
	}
	if records < 1000 || bad == 0 {
		t.Errorf("%d records, %d of them bad", records, bad)
	}
}

func TestSniff(t *testing.T) {
	for in, want := range map[string]byte{
		"a,b\nc,d\n":                       ',',
		"a\tb, c\nd\te\nf\tg, h\n":         '\t',
		"a;b\n1,5;2\n1,7;3\n":              ';',
		"a|b\n":                            '|',
		"one column\nof words\n":           ',',
		"":                                 ',',
		"x;\"a,b\nc,d\"\ny;\"a,b\nc,d\"\n": ';',
	} {
		if got := csv.Sniff([]byte(in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzRecords(f *testing.F) {
	for _, s := range []string{"a,b\nc,d", "\"a\n\"\"b\",c\n", "a,\"b\nc\nd\n\"", "\xff\x00\n\"", "\"\"\"", ",,\n,"} {
		f.Add([]byte(s), byte(','))
	}
	f.Fuzz(func(t *testing.T, in []byte, comma byte) {
		if comma == '"' || comma == '\n' || comma == '\r' {
			return
		}
		last := 0
		for rec, err := range csv.Records(strings.NewReader(string(in)), comma, 64) {
			line := rec.Line
			if bad, ok := errors.AsType[*csv.Error](err); ok {
				line = bad.Line
			} else if err != nil {
				t.Fatal(err)
			}
			if line <= last {
				t.Fatalf("line %d after line %d", line, last)
			}
			last = line
			if err == nil && len(rec.Raw) > 66 {
				t.Fatalf("record of %d bytes", len(rec.Raw))
			}
		}
		csv.Sniff(in)
	})
}

// TestPlainQuoting compares with a writer that quotes every cell.
func TestPlainQuoting(t *testing.T) {
	rows := [][]string{{"a", "b \"c\"", ""}, {"\n", ",", "\"\""}, {"你好", "x\r\ny", " z "}}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"`)
		}
		b.WriteString("\r\n")
	}
	var got [][]string
	for rec, err := range csv.Records(strings.NewReader(b.String()), ',', 1000) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rec.Cells)
	}
	if !reflect.DeepEqual(got, rows) {
		t.Errorf("got %q, want %q", got, rows)
	}
}
