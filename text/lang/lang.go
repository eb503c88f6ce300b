package lang

import (
	"math"
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/troikaml/troika/text/script"
)

// Guess is a language with the probability that a model gives it.
type Guess struct {
	Lang  string
	Score float64
}

// Undetermined is the tag of texts without letters.
const Undetermined = "und"

// Identify returns the most likely language of s by the built-in model: a tag
// without region, with the script for Chinese where its characters tell. Of texts
// longer than 1,152 bytes 24 pieces count, evenly spread from the beginning to the
// end. A text without letters is Undetermined with score 0.
func Identify(s string) Guess {
	m := builtin()
	scores := m.scores(s)
	if scores == nil {
		return Guess{Lang: Undetermined}
	}
	best := 0
	for i, p := range scores {
		if p > scores[best] {
			best = i
		}
	}
	return Guess{withScript(m.labels[best], s), scores[best]}
}

// Languages returns the tags that the built-in model knows, in order; "zh"
// stands for both scripts.
func Languages() []string { return slices.Clone(builtin().labels) }

// withScript adds the script of s to the tag of Chinese.
func withScript(tag, s string) string {
	if tag != "zh" {
		return tag
	}
	if v := script.Detect(s); v != script.Either {
		return tag + "-" + v.String()
	}
	return tag
}

const (
	pieces    = 24         // that are read of a long text, evenly spread over it
	pieceSize = 48         // bytes of a piece
	prime     = 0x01000193 // of FNV-1a
	numRows   = 1 << 14
	weightOne = 24 // the integer weight that stands for 1
)

// alike are the scripts of which one letter is as good as another: each writes
// one of the languages alone, or characters too many to tell apart by.
var alike = []*unicode.RangeTable{
	unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Khmer, unicode.Georgian,
	unicode.Tamil, unicode.Telugu, unicode.Malayalam, unicode.Hebrew, unicode.Greek, unicode.Armenian, unicode.Lao,
	unicode.Myanmar, unicode.Bengali, unicode.Gujarati, unicode.Gurmukhi, unicode.Kannada, unicode.Sinhala, unicode.Ethiopic, unicode.Tibetan,
}

// fold maps a letter to what features are made of, and everything else to 0.
func fold(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z':
		return r
	case 'A' <= r && r <= 'Z':
		return r | 0x20
	case r < 0xAA:
		return 0
	case 0x4E00 <= r && r < 0xA000: // letters all
		return 1 // Han, the first of alike
	case 0x2010 <= r && r < 0x2070, 0x3000 <= r && r < 0x3005, 0x3008 <= r && r < 0x3020, 0xFF01 <= r && r < 0xFF21:
		return 0 // punctuation
	case !unicode.IsLetter(r) && !unicode.IsMark(r):
		return 0
	case 0x400 <= r && r < 0x530: // Cyrillic is none of them
	case r >= 0x370:
		for i, t := range alike {
			if unicode.Is(t, r) {
				return rune(i + 1)
			}
		}
	}
	return unicode.ToLower(r)
}

// sample returns what is read of a text: all of a short one, pieces of a long one
// with spaces between them.
func sample(s string) string {
	if len(s) <= pieces*pieceSize {
		return s
	}
	b := make([]byte, 0, pieces*(pieceSize+utf8.UTFMax))
	for i := range pieces {
		from := runeStart(s, i*(len(s)-pieceSize)/(pieces-1))
		to := runeStart(s, min(from+pieceSize, len(s)))
		b = append(append(b, s[from:to]...), ' ')
	}
	return string(b)
}

// runeStart returns where the character at a byte begins, or the byte itself where
// the text is no UTF-8.
func runeStart(s string, at int) int {
	for i := at; i > at-utf8.UTFMax && i > 0 && i < len(s); i-- {
		if utf8.RuneStart(s[i]) {
			return i
		}
	}
	return at
}

// features appends the rows that the features of s call for; the trainer and
// the model share it.
func features(dst []uint16, s string) []uint16 {
	var one, two, three, four uint32 // hashes of the runs that end at the letter before
	inWord := false
	row := func(h uint32) uint16 { return uint16((h ^ h>>15) * 0x9E3779B1 >> 18) }
	push := func(r rune) {
		c := uint32(r)
		if three != 0 {
			four = (three ^ c) * prime
			dst = append(dst, row(four))
		}
		if two != 0 {
			three = (two ^ c) * prime
			dst = append(dst, row(three))
		}
		if one != 0 {
			two = (one ^ c) * prime
			dst = append(dst, row(two))
		}
		if one = (0x811C9DC5 ^ c) * prime; r != ' ' {
			dst = append(dst, row(one))
		}
	}
	for _, r := range s {
		c := fold(r)
		if c == 0 {
			if inWord {
				push(' ')
				inWord = false
			}
			continue
		}
		if !inWord {
			one, two, three, four = 0, 0, 0, 0
			push(' ')
			inWord = true
		}
		push(c)
	}
	if inWord {
		push(' ')
	}
	return dst
}

// rowsOf keeps the memory of rows between texts.
var rowsOf = sync.Pool{New: func() any { return new([]uint16) }}

// scores returns the probabilities of the labels, nil for a text without
// letters.
func (m *model) scores(s string) []float64 {
	scratch, _ := rowsOf.Get().(*[]uint16)
	defer rowsOf.Put(scratch)
	rows := features((*scratch)[:0], sample(s))
	*scratch = rows
	if len(rows) == 0 {
		return nil
	}
	sums := m.sums(rows)
	out, total := make([]float64, len(sums)), 0.0
	peak := slices.Max(sums)
	scale := 1 / (weightOne * math.Sqrt(float64(len(rows))))
	for i, x := range sums {
		out[i] = math.Exp(float64(x-peak) * scale)
		total += out[i]
	}
	for i := range out {
		out[i] /= total
	}
	return out
}
