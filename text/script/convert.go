package script

import (
	"strings"
	"unicode/utf8"
)

// Converter converts between the scripts. It is read-only and safe for
// concurrent use.
type Converter struct {
	simplified, traditional way
}

// ToTraditional returns s in Traditional characters of OpenCC's standard.
func (c *Converter) ToTraditional(s string) string { return c.traditional.convert(s) }

// ToSimplified returns s in Simplified characters.
func (c *Converter) ToSimplified(s string) string { return c.simplified.convert(s) }

// way is a direction of conversion.
type way struct {
	chars   map[rune]rune
	phrases map[string]string
	// lengths has a bit for the length in characters of each phrase, by its
	// first two characters; sketch tells most other pairs apart faster.
	lengths map[[2]rune]uint64
	sketch  [1 << 12]uint64
}

func sketchOf(a, b rune) uint32 { return (uint32(a)*0x9E3779B1 ^ uint32(b)*0x85EBCA6B) >> 14 }

// convert returns s converted.
func (w *way) convert(s string) string {
	var b strings.Builder
	done := 0 // s[:done] is in b
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r < firstHan {
			i += size
			continue
		}
		next, width := utf8.DecodeRuneInString(s[i+size:])
		if width > 1 {
			if h := sketchOf(r, next); w.sketch[h/64]>>(h%64)&1 != 0 {
				if to, n := w.phrase(s[i:], r, next); n > 0 {
					b.WriteString(s[done:i])
					b.WriteString(to)
					i += n
					done = i
					continue
				}
			}
		}
		if to, ok := w.chars[r]; ok {
			b.WriteString(s[done:i])
			b.WriteRune(to)
			done = i + size
		}
		i += size
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// phrase returns the conversion of the longest phrase that s begins with, and
// the phrase's length in bytes, or 0.
func (w *way) phrase(s string, a, b rune) (to string, n int) {
	lengths := w.lengths[[2]rune{a, b}]
	if lengths == 0 {
		return "", 0
	}
	var ends [64]int // by length in characters
	count := 0
	for i := 0; i < len(s) && count < len(ends)-1 && lengths>>(count+1) != 0; {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
		count++
		ends[count] = i
	}
	for n := count; n >= 2; n-- {
		if lengths>>n&1 == 0 {
			continue
		}
		if to, ok := w.phrases[s[:ends[n]]]; ok {
			return to, ends[n]
		}
	}
	return "", 0
}
