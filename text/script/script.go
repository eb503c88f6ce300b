package script

import (
	"sync"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
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
	if r < firstMarker || r >= firstMarker+markerRange {
		return Either
	}
	return Variety(markers()[r-firstMarker])
}

// Count returns the numbers of Simplified and of Traditional markers in s.
func Count(s string) (simplified, traditional int) {
	table := markers()
	var n [3]int // by Variety
	for _, r := range s {
		if r >= firstMarker && r < firstMarker+markerRange {
			n[table[r-firstMarker]]++
		}
	}
	return n[Simplified], n[Traditional]
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

// Markers are among the characters of Unicode's first block of them: both
// character sets are.
const (
	firstMarker = 0x4E00
	markerRange = 0x9FFF - firstMarker + 1
)

// markers holds the Variety of each character from firstMarker on. It is
// computed on first use, from the character sets alone.
var markers = sync.OnceValue(func() *[markerRange]uint8 {
	const inGB, inBig5, inUse = 1, 2, 4
	var in [markerRange]uint8
	mark := func(set encoding.Encoding, first, last byte, bits uint8) {
		for _, r := range rows(set, first, last) {
			if r >= firstMarker && r < firstMarker+markerRange {
				in[r-firstMarker] |= bits
			}
		}
	}
	mark(simplifiedchinese.GBK, 0xB0, 0xF7, inGB)
	mark(traditionalchinese.Big5, 0xA4, 0xC6, inBig5|inUse)
	mark(traditionalchinese.Big5, 0xC9, 0xF9, inBig5)
	var table [markerRange]uint8
	for i, bits := range in {
		switch bits {
		case inGB:
			table[i] = uint8(Simplified)
		case inBig5 | inUse:
			table[i] = uint8(Traditional)
		}
	}
	return &table
})

// rows returns the characters of the rows from first to last of a character set
// of 94 columns, or of 157 in Big5: those of GBK beyond GB 2312 lie in other
// columns.
func rows(set encoding.Encoding, first, last byte) []rune {
	var pairs []byte
	for lead := int(first); lead <= int(last); lead++ {
		for trail := 0x40; trail <= 0xFE; trail++ {
			if trail >= 0xA1 || trail <= 0x7E && set == traditionalchinese.Big5 {
				pairs = append(pairs, byte(lead), byte(trail), '\n') // a wrong pair spoils no other
			}
		}
	}
	decoded, err := set.NewDecoder().Bytes(pairs)
	if err != nil {
		return nil // decoders write U+FFFD instead
	}
	return []rune(string(decoded))
}
