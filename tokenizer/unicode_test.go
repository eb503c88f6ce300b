package tokenizer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"unicode"
)

// everyRune calls f with every character.
func everyRune(f func(rune)) {
	for c := rune(0); c <= unicode.MaxRune; c++ {
		if c < 0xd800 || c > 0xdfff {
			f(c)
		}
	}
}

func TestClasses(t *testing.T) {
	if testing.Short() {
		t.Skip("every character")
	}
	var want map[string]string
	readJSON(t, "unicode.json", &want)
	table := classes()
	bit := func(b uint8) func(rune) bool { return func(c rune) bool { return table.of(c)&b != 0 } }
	regex := func(expr string) func(rune) bool {
		p, err := newPattern(expr)
		if err != nil {
			t.Fatal(err)
		}
		return func(c rune) bool { start, _ := p.find(string(c), 0); return start == 0 }
	}
	for _, c := range []struct {
		name, golden string
		is           func(rune) bool
	}{
		{"L", "L", bit(classL)},
		{"N", "N", bit(classN)},
		{"M", "M", bit(classM)},
		{"upper", "upper", bit(classUpper)},
		{"lower", "lower", bit(classLower)},
		{"space", "space", bit(classSpace)},
		{"regex L", "L", regex(`\p{L}`)},
		{"regex N", "N", regex(`[\p{N}]`)},
		{"regex M", "M", regex(`\p{M}`)},
		{"regex upper", "upper", regex(`[\p{Lu}\p{Lt}]`)},
		{"regex Lm", "Lm", regex(`\p{Lm}`)},
		{"regex Lo", "Lo", regex(`[\p{Lo}]`)},
		{"regex space", "space", regex(`\s`)},
		{"regex d", "d", regex(`\d`)},
		{"regex w", "w", regex(`\w`)},
		{"regex class w", "class w", regex(`[\w]`)},
		{"numeric", "numeric", isNumeric},
		{"punctuation", "punctuation", isPunctuation},
		{"word", "word", isWord},
		{"mark", "mark", isOldMark},
		{"bert control", "bert control", isBertControl},
		{"bert space", "bert space", func(c rune) bool { return !isBertControl(c) && spaceOf(c) == ' ' }},
		{"bert accent", "bert accent", isBertAccent},
		{"bert han", "bert han", isHan},
	} {
		h := sha256.New()
		everyRune(func(r rune) {
			if c.is(r) {
				_ = binary.Write(h, binary.LittleEndian, r)
			}
		})
		if have := hex.EncodeToString(h.Sum(nil)[:8]); have != want[c.golden] {
			t.Errorf("%s: digest %s, want %s", c.name, have, want[c.golden])
		}
	}
}

func TestNormalForms(t *testing.T) {
	if testing.Short() {
		t.Skip("every character")
	}
	var want map[string]string
	readJSON(t, "unicode.json", &want)
	pool := []rune{
		0x41, 0x65, 0x6f, 0xe9, 0xea, 0x1e69, 0x1100, 0x1161, 0x11a8, 0xac00, 0x915, 0x93c, 0xf71, 0xf72,
	}
	for _, r := range [][2]rune{{0x300, 0x370}, {0x591, 0x5c0}, {0x1ab0, 0x1ae0}} {
		for c := r[0]; c < r[1]; c++ {
			pool = append(pool, c)
		}
	}
	pool = append(pool, 0xc04, 0xc3c, 0x11930, 0x11935, 0x11938, 0x1e130, 0x897, 0xfb01, 0x3099, 0x304b)
	for name, n := range map[string]normalizer{
		"NFC": normalForm{compose: true}, "NFD": normalForm{},
		"NFKC": normalForm{compose: true, compatible: true}, "NFKD": normalForm{compatible: true},
		"Lowercase": mapText(lowercase),
	} {
		h := sha256.New()
		everyRune(func(c rune) { h.Write([]byte(n.normalize(piece{s: string(c)}).s)) })
		if have := hex.EncodeToString(h.Sum(nil)[:8]); have != want[name] {
			t.Errorf("%s of single characters: digest %s, want %s", name, have, want[name])
		}
		if name == "Lowercase" {
			continue
		}
		h.Reset()
		state := uint64(1)
		step := func() uint64 {
			state = state*6364136223846793005 + 1442695040888963407
			return state
		}
		exact := n.(normalForm)
		for range 20000 {
			var s []rune
			for range 1 + step()>>60 {
				s = append(s, pool[(step()>>33)%uint64(len(pool))])
			}
			have := n.normalize(piece{s: string(s)}).s
			if again := exact.exact(string(s)); again != have {
				t.Fatalf("%s of %q: %q, and %q by definition", name, string(s), have, again)
			}
			h.Write([]byte(have + "\n"))
		}
		if have := hex.EncodeToString(h.Sum(nil)[:8]); have != want[name+"-mixed"] {
			t.Errorf("%s of sequences: digest %s, want %s", name, have, want[name+"-mixed"])
		}
	}
}
