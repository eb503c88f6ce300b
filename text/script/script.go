package script

import (
	"strings"
	"unicode/utf8"
)

// Variety is the script of a Chinese text.
type Variety int

const (
	// Either is a text without markers: both scripts write it alike.
	Either Variety = iota
	// Simplified is the script of the mainland and Singapore, Hans.
	Simplified
	// Traditional is the script of Taiwan and Hong Kong, Hant.
	Traditional
)

// String returns the ISO 15924 code, "Hani" for Either.
func (v Variety) String() string {
	switch v {
	case Simplified:
		return "Hans"
	case Traditional:
		return "Hant"
	case Either:
	}
	return "Hani"
}

// Of returns the script that r is a marker of, or Either.
func Of(r rune) Variety {
	if r < firstHan || r >= firstHan+hanRange {
		return Either
	}
	return Variety(tables().marker[r-firstHan])
}

// Count returns the numbers of Simplified and of Traditional markers in s.
func Count(s string) (simplified, traditional int) {
	t := tables()
	for _, r := range s {
		if r < firstHan || r >= firstHan+hanRange {
			continue
		}
		switch Variety(t.marker[r-firstHan]) {
		case Simplified:
			simplified++
		case Traditional:
			traditional++
		case Either:
		}
	}
	return simplified, traditional
}

// Detect returns the script of more markers of s, Either where there are
// equally many. The share of the smaller count says how mixed a text is.
func Detect(s string) Variety {
	simplified, traditional := Count(s)
	switch {
	case simplified > traditional:
		return Simplified
	case traditional > simplified:
		return Traditional
	}
	return Either
}

// ToTraditional returns s in Traditional characters of OpenCC's standard.
func ToTraditional(s string) string { return tables().traditional.convert(s) }

// ToSimplified returns s in Simplified characters.
func ToSimplified(s string) string { return tables().simplified.convert(s) }

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
