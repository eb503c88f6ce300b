package script

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed script.gz
var packed []byte

// Characters that can be markers or be converted begin at firstHan; markers lie
// within hanRange.
const (
	firstHan = 0x2E80
	hanRange = 0x30000 - firstHan
)

// table holds what is embedded.
type table struct {
	marker                  []uint8 // Variety by character less firstHan
	simplified, traditional way
}

// tables unpacks the embedded table once.
var tables = sync.OnceValue(func() *table {
	t, err := read(packed)
	if err != nil {
		panic(err) // the table is part of the program; a test reads it
	}
	return t
})

// read unpacks a table. Its lines are: N, pairs of a compatibility character and
// what stands for it; SC and TC, pairs of characters, to Traditional and to
// Simplified; SP and TP, a phrase and what its characters become, "." where they
// become what they do alone; OS and OT, the markers.
func read(packed []byte) (*table, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("read script table: %w", err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("read script table: %w", err)
	}
	t := &table{marker: make([]uint8, hanRange), traditional: newWay(), simplified: newWay()}
	ways := map[byte]*way{'S': &t.traditional, 'T': &t.simplified}
	compat := ""
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case f[0] == "N" && len(f) == 2:
			compat = f[1]
		case (f[0] == "SC" || f[0] == "TC") && len(f) == 2:
			ways[f[0][0]].addChars(f[1])
		case (f[0] == "SP" || f[0] == "TP") && len(f) == 3:
			ways[f[0][0]].addPhrase(f[1], f[2])
		case f[0] == "OS" && len(f) == 2:
			t.mark(f[1], Simplified)
		case f[0] == "OT" && len(f) == 2:
			t.mark(f[1], Traditional)
		default:
			return nil, fmt.Errorf("read script table: line %.40q", line)
		}
	}
	t.traditional.addCompat(compat)
	t.simplified.addCompat(compat)
	return t, nil
}

func newWay() way {
	return way{chars: map[rune]rune{}, phrases: map[string]string{}, lengths: map[[2]rune]uint64{}}
}

func (t *table) mark(chars string, v Variety) {
	for _, r := range chars {
		if r >= firstHan && r < firstHan+hanRange {
			t.marker[r-firstHan] = uint8(v)
		}
	}
}

// addChars adds pairs of characters.
func (w *way) addChars(pairs string) {
	runes := []rune(pairs)
	for i := 0; i+1 < len(runes); i += 2 {
		w.chars[runes[i]] = runes[i+1]
	}
}

// addCompat makes compatibility characters convert as what they stand for.
func (w *way) addCompat(pairs string) {
	runes := []rune(pairs)
	for i := 0; i+1 < len(runes); i += 2 {
		to := runes[i+1]
		if further, ok := w.chars[to]; ok {
			to = further
		}
		w.chars[runes[i]] = to
	}
}

func (w *way) addPhrase(from, to string) {
	a, b := []rune(from), []rune(to)
	if len(a) < 2 || len(a) != len(b) || len(a) > 63 {
		return
	}
	for i, r := range b {
		if r != '.' {
			continue
		}
		b[i] = a[i]
		if alone, ok := w.chars[a[i]]; ok {
			b[i] = alone
		}
	}
	w.phrases[from] = string(b)
	w.lengths[[2]rune{a[0], a[1]}] |= 1 << utf8.RuneCountInString(from)
	h := sketchOf(a[0], a[1])
	w.sketch[h/64] |= 1 << (h % 64)
}
