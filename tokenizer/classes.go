package tokenizer

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// Character classes, as bits of a table entry. They are those of the Oniguruma
// that Hugging Face tokenizers 0.23 carries (Unicode 16).
const (
	classL     uint8 = 1 << iota // \p{L}
	classN                       // \p{N}
	classSpace                   // \s
	classM                       // \p{M}
	classUpper                   // \p{Lu} \p{Lt}
	classLower                   // \p{Ll}
	classNL                      // \r and \n
)

// Go 1.26 carries Unicode 15.0. These are the letters, numbers and marks that
// Unicode 15.1 and 16.0 added; joining them again is harmless once Go knows
// them.
var (
	letterAdditions = &unicode.RangeTable{
		R16: []unicode.Range16{{0x1c89, 0x1c8a, 1}, {0xa7cb, 0xa7cd, 1}, {0xa7da, 0xa7dc, 1}},
		R32: []unicode.Range32{
			{0x105c0, 0x105f3, 1},
			{0x10d4a, 0x10d65, 1},
			{0x10d6f, 0x10d85, 1},
			{0x10ec2, 0x10ec4, 1},
			{0x11380, 0x11389, 1},
			{0x1138b, 0x1138b, 1},
			{0x1138e, 0x1138e, 1},
			{0x11390, 0x113b5, 1},
			{0x113b7, 0x113b7, 1},
			{0x113d1, 0x113d1, 1},
			{0x113d3, 0x113d3, 1},
			{0x11bc0, 0x11be0, 1},
			{0x13460, 0x143fa, 1},
			{0x16100, 0x1611d, 1},
			{0x16d40, 0x16d6c, 1},
			{0x18cff, 0x18cff, 1},
			{0x1e5d0, 0x1e5ed, 1},
			{0x1e5f0, 0x1e5f0, 1},
			{0x2ebf0, 0x2ee5d, 1},
		},
	}
	upperAdditions = &unicode.RangeTable{
		R16: []unicode.Range16{
			{0x1c89, 0x1c89, 1}, {0xa7cb, 0xa7cc, 1}, {0xa7da, 0xa7da, 1}, {0xa7dc, 0xa7dc, 1},
		},
		R32: []unicode.Range32{{0x10d50, 0x10d65, 1}},
	}
	lowerAdditions = &unicode.RangeTable{
		R16: []unicode.Range16{{0x1c8a, 0x1c8a, 1}, {0xa7cd, 0xa7cd, 1}, {0xa7db, 0xa7db, 1}},
		R32: []unicode.Range32{{0x10d70, 0x10d85, 1}},
	}
	modifierAdditions = &unicode.RangeTable{
		R32: []unicode.Range32{{0x10d4e, 0x10d4e, 1}, {0x10d6f, 0x10d6f, 1}, {0x16d40, 0x16d42, 1}, {0x16d6b, 0x16d6c, 1}},
	}
	// otherAdditions are the letters that are none of the three.
	otherAdditions = without(letterAdditions, upperAdditions, lowerAdditions, modifierAdditions)
	digitAdditions = &unicode.RangeTable{
		R32: []unicode.Range32{
			{0x10d40, 0x10d49, 1},
			{0x116d0, 0x116e3, 1},
			{0x11bf0, 0x11bf9, 1},
			{0x16130, 0x16139, 1},
			{0x16d70, 0x16d79, 1},
			{0x1ccf0, 0x1ccf9, 1},
			{0x1e5f1, 0x1e5fa, 1},
		},
	}
	markAdditions = &unicode.RangeTable{
		R16: []unicode.Range16{{0x897, 0x897, 1}},
		R32: []unicode.Range32{
			{0x10d69, 0x10d6d, 1},
			{0x10efc, 0x10efc, 1},
			{0x113b8, 0x113c0, 1},
			{0x113c2, 0x113c2, 1},
			{0x113c5, 0x113c5, 1},
			{0x113c7, 0x113ca, 1},
			{0x113cc, 0x113d0, 1},
			{0x113d2, 0x113d2, 1},
			{0x113e1, 0x113e2, 1},
			{0x11f5a, 0x11f5a, 1},
			{0x1611e, 0x1612f, 1},
			{0x1e5ee, 0x1e5ef, 1},
		},
	}
	// numericAdditions are the numbers of Unicode 17 that Rust's
	// char::is_numeric knows beyond digitAdditions.
	numericAdditions = &unicode.RangeTable{
		R32: []unicode.Range32{{0x11de0, 0x11de9, 1}, {0x16ff4, 0x16ff6, 1}},
	}
	// punctuationGaps is punctuation that the Rust crate unicode_categories
	// (Unicode 8) does not know.
	punctuationGaps = &unicode.RangeTable{
		R16: []unicode.Range16{
			{0x61d, 0x61d, 1},
			{0x9fd, 0x9fd, 1},
			{0xa76, 0xa76, 1},
			{0xc77, 0xc77, 1},
			{0xc84, 0xc84, 1},
			{0x1b4e, 0x1b4f, 1},
			{0x1b7d, 0x1b7f, 1},
			{0x2e43, 0x2e4f, 1},
			{0x2e52, 0x2e5d, 1},
		},
		R32: []unicode.Range32{
			{0x10d6e, 0x10d6e, 1},
			{0x10ead, 0x10ead, 1},
			{0x10f55, 0x10f59, 1},
			{0x10f86, 0x10f89, 1},
			{0x113d4, 0x113d8, 1},
			{0x1144b, 0x1144f, 1},
			{0x1145a, 0x1145b, 1},
			{0x1145d, 0x1145d, 1},
			{0x11660, 0x1166c, 1},
			{0x116b9, 0x116b9, 1},
			{0x1183b, 0x1183b, 1},
			{0x11944, 0x11946, 1},
			{0x119e2, 0x119e2, 1},
			{0x11a3f, 0x11a46, 1},
			{0x11a9a, 0x11a9c, 1},
			{0x11a9e, 0x11aa2, 1},
			{0x11b00, 0x11b09, 1},
			{0x11be1, 0x11be1, 1},
			{0x11c41, 0x11c45, 1},
			{0x11c70, 0x11c71, 1},
			{0x11ef7, 0x11ef8, 1},
			{0x11f43, 0x11f4f, 1},
			{0x11fff, 0x11fff, 1},
			{0x12ff1, 0x12ff2, 1},
			{0x16d6d, 0x16d6f, 1},
			{0x16e97, 0x16e9a, 1},
			{0x16fe2, 0x16fe2, 1},
			{0x1e5ff, 0x1e5ff, 1},
			{0x1e95e, 0x1e95f, 1},
		},
	}
)

// without returns the ranges of a table that are in none of the others.
func without(table *unicode.RangeTable, others ...*unicode.RangeTable) *unicode.RangeTable {
	out := &unicode.RangeTable{}
	add := func(c rune) {
		if !unicode.In(c, others...) {
			out.R32 = append(out.R32, unicode.Range32{Lo: uint32(c), Hi: uint32(c), Stride: 1})
			if n := len(out.R32) - 1; n > 0 && out.R32[n-1].Hi == uint32(c)-1 {
				out.R32 = out.R32[:n]
				out.R32[n-1].Hi++
			}
		}
	}
	for _, r := range table.R16 {
		for c := rune(r.Lo); c <= rune(r.Hi); c++ {
			add(c)
		}
	}
	for _, r := range table.R32 {
		for c := rune(r.Lo); c <= rune(r.Hi); c++ {
			add(c)
		}
	}
	return out
}

const classPage = 256

// classTable maps a rune to its class bits through pages of 256 runes. Page 0
// of data is the empty page.
type classTable struct {
	page [(utf8.MaxRune + 1) / classPage]uint16
	data []uint8
}

// classes is built once, on first use.
var classes = sync.OnceValue(newClassTable)

func newClassTable() *classTable {
	t := &classTable{data: make([]uint8, classPage)}
	for _, c := range []struct {
		bit  uint8
		tabs []*unicode.RangeTable
	}{
		{classL, []*unicode.RangeTable{unicode.L, letterAdditions}},
		{classN, []*unicode.RangeTable{unicode.N, digitAdditions}},
		{classSpace, []*unicode.RangeTable{unicode.White_Space}},
		{classM, []*unicode.RangeTable{unicode.M, markAdditions}},
		{classUpper, []*unicode.RangeTable{unicode.Lu, unicode.Lt, upperAdditions}},
		{classLower, []*unicode.RangeTable{unicode.Ll, lowerAdditions}},
	} {
		for _, tab := range c.tabs {
			t.add(tab, c.bit)
		}
	}
	t.set('\r', classNL)
	t.set('\n', classNL)
	return t
}

func (t *classTable) add(tab *unicode.RangeTable, bit uint8) {
	for _, r := range tab.R16 {
		for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
			t.set(c, bit)
		}
	}
	for _, r := range tab.R32 {
		for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
			t.set(c, bit)
		}
	}
}

func (t *classTable) set(c rune, bit uint8) {
	p := &t.page[c/classPage]
	if *p == 0 {
		*p = uint16(len(t.data) / classPage)
		t.data = append(t.data, make([]uint8, classPage)...)
	}
	t.data[int(*p)*classPage+int(c%classPage)] |= bit
}

// of returns the class bits of c, which must be a valid rune.
func (t *classTable) of(c rune) uint8 {
	return t.data[int(t.page[c/classPage])*classPage+int(c%classPage)]
}

// at returns the class bits and the width of the rune at s[i]; i < len(s).
func (t *classTable) at(s string, i int) (bits uint8, width int) {
	if b := s[i]; b < utf8.RuneSelf {
		return t.data[classPage+int(b)], 1
	}
	c, w := utf8.DecodeRuneInString(s[i:])
	return t.of(c), w
}

// isNumeric is Rust's char::is_numeric.
func isNumeric(c rune) bool {
	if c < utf8.RuneSelf {
		return '0' <= c && c <= '9'
	}
	return unicode.In(c, unicode.N, digitAdditions, numericAdditions)
}

// isPunctuation is what Hugging Face's Punctuation pre-tokenizer splits on:
// ASCII punctuation, symbols included, and the Unicode category P.
func isPunctuation(c rune) bool {
	if c < utf8.RuneSelf {
		return c > ' ' && c < 0x7f && !isAlphanumeric(c)
	}
	return c == 0x166d || c == 0x111c9 || unicode.Is(unicode.P, c) && !unicode.Is(punctuationGaps, c)
}

func isAlphanumeric(c rune) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// isWord is \w of Rust's regex crate: Alphabetic, M, Nd, Pc, Join_Control.
func isWord(c rune) bool {
	if c < utf8.RuneSelf {
		return c == '_' || isAlphanumeric(c)
	}
	return unicode.In(c, unicode.L, unicode.Nl, unicode.Other_Alphabetic, unicode.M, unicode.Nd,
		unicode.Pc, unicode.Join_Control, letterAdditions, markAdditions, digitAdditions)
}
