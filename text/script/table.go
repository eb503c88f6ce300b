package script

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// made holds what scripts/tables.sh made: script.gz, or nothing but a note.
//
//go:embed tables
var made embed.FS

// ErrNoTables is returned where a conversion is asked of a program that was
// built without OpenCC's dictionaries.
var ErrNoTables = errors.New("this program was built without the Chinese tables; build it with make")

// Load returns the conversions that the program was built with. They are unpacked
// on the first call. The error wraps ErrNoTables where there are none.
func Load() (*Converter, error) { return loaded() }

var loaded = sync.OnceValues(func() (*Converter, error) {
	packed, err := made.ReadFile("tables/script.gz")
	if err != nil {
		return nil, fmt.Errorf("open Chinese conversions: %w", ErrNoTables)
	}
	return read(packed)
})

// firstHan is where characters that are converted begin.
const firstHan = 0x2E80

// read unpacks a table. Its lines are: N, pairs of a compatibility character and
// what stands for it; SC and TC, pairs of characters, to Traditional and to
// Simplified; SP and TP, a phrase and what its characters become, "." where they
// become what they do alone.
func read(packed []byte) (*Converter, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("open Chinese conversions: %w", err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("open Chinese conversions: %w", err)
	}
	t := &Converter{traditional: newWay(), simplified: newWay()}
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
		default:
			return nil, fmt.Errorf("open Chinese conversions: line %.40q", line)
		}
	}
	t.traditional.addCompat(compat)
	t.simplified.addCompat(compat)
	return t, nil
}

func newWay() way {
	return way{chars: map[rune]rune{}, phrases: map[string]string{}, lengths: map[[2]rune]uint64{}}
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
