package parquet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/troikaml/troika/refine/source/parquet"
)

var bounds = parquet.Options{MaxPage: 1 << 20, MaxRow: 1 << 16}

func read(b []byte, o parquet.Options) (rows []parquet.Row, bad error) {
	for row, err := range parquet.Rows(bytes.NewReader(b), int64(len(b)), o) {
		if err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		rows = append(rows, row)
	}
	return rows, bad
}

func load(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func Example() {
	type fruit struct {
		Name string `parquet:"name"`
		Kilo float64
	}
	var b bytes.Buffer
	if err := pq.Write(&b, []fruit{{"pear", 2.5}}); err != nil {
		fmt.Println(err)
		return
	}
	for row, err := range parquet.Rows(bytes.NewReader(b.Bytes()), int64(b.Len()), parquet.Options{MaxPage: 1 << 20, MaxRow: 1 << 20}) {
		fmt.Println(row, err)
	}
	// Output: {1 [{name pear false} {Kilo 2.5 true}]} <nil>
}

func TestThirdParty(t *testing.T) {
	want := strings.Split(strings.TrimSpace(string(load(t, "flat.jsonl"))), "\n")
	for _, name := range []string{"flat-snappy.parquet", "flat-zstd.parquet", "flat-gzip.parquet", "flat-plain.parquet"} {
		rows, err := read(load(t, name), bounds)
		if err != nil || len(rows) != len(want) {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
		for i, row := range rows {
			var fields [][]string
			if err := json.Unmarshal([]byte(want[i]), &fields); err != nil {
				t.Fatal(err)
			}
			var got [][]string
			for _, f := range row.Fields {
				got = append(got, []string{f.Name, f.Value})
			}
			if fmt.Sprint(got) != fmt.Sprint(fields) || row.Number != i+1 {
				t.Fatalf("%s: got %v, want %v", name, got, fields)
			}
		}
	}
}

func TestNested(t *testing.T) {
	rows, err := read(load(t, "nested.parquet"), bounds)
	want := `[{1 [{id a false} {messages [{"content":"Are pears sweet?","role":"user"},{"content":"Yes.","role":"assistant"}] true} {tags ["x","y"] true} {meta {"deep":{"v":[1,2]},"n":1} true}]} ` +
		`{2 [{id b false} {messages [] true} {meta {"deep":{"v":[]},"n":null} true}]} ` +
		`{3 [{id c false} {messages [{"content":null,"role":"user"}] true} {tags [null,"梨"] true}]}]`
	if fmt.Sprint(rows) != want || err != nil {
		t.Errorf("got %v, %v, want %s", rows, err, want)
	}
}

func TestRefused(t *testing.T) {
	whole := load(t, "flat-plain.parquet")
	for _, c := range []struct {
		name string
		file []byte
		o    parquet.Options
		want string
	}{
		{"cut", whole[:len(whole)/2], bounds, "not a whole Parquet file: its end is missing"},
		{"nothing", nil, bounds, "not a whole Parquet file: 0 bytes"},
		{"encrypted", append(bytes.Clone(whole[:len(whole)-4]), "PARE"...), bounds, "encrypted"},
		{"page", whole, parquet.Options{MaxPage: 1500, MaxRow: 1000}, "footer of"},
		{"large page", load(t, "flat-gzip.parquet"), parquet.Options{MaxPage: 5000, MaxRow: 1000}, "bytes, the limit is 5000"},
		{"row", whole, parquet.Options{MaxPage: 1 << 20, MaxRow: 10}, "row 500: too large: over 10 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := read(c.file, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(rows) > 0 {
				t.Errorf("%d rows, %v; want %q", len(rows), err, c.want)
			}
		})
	}
}

// TestFlipped breaks a file at many places: whatever comes of it, it ends.
func TestFlipped(t *testing.T) {
	for _, name := range []string{"flat-zstd.parquet", "nested.parquet"} {
		whole := load(t, name)
		for i := 0; i < len(whole); i += 1 + len(whole)/80 {
			broken := bytes.Clone(whole)
			broken[i] ^= 0xff
			_, _ = read(broken, bounds)
		}
	}
}

func FuzzRows(f *testing.F) {
	for _, name := range []string{"flat-gzip.parquet", "nested.parquet"} {
		f.Add(load(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		last := 0
		for row, err := range parquet.Rows(bytes.NewReader(b), int64(len(b)), parquet.Options{MaxPage: 1 << 16, MaxRow: 1 << 12}) {
			if err == nil && row.Number <= last {
				t.Fatalf("row %d after row %d", row.Number, last)
			}
			if last = max(last, row.Number); last > 100_000 {
				return // groups of nulls can stand for very many rows
			}
		}
	})
}
