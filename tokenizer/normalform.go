package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalForm is a Unicode normalization form, as the Rust crate
// unicode-normalization-alignments computes it: with the data of Unicode 9,
// and without the stream-safe limit of 30 marks that golang.org/x/text applies.
type normalForm struct{ compose, compatible bool }

// youngRunes are the characters that normalization moves or maps today and
// that Unicode 9 did not know: they stay as they are.
var youngRunes = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x7fd, 0x7fd, 1},
		{0x897, 0x89f, 1},
		{0x8ca, 0x8d3, 1},
		{0x9fe, 0x9fe, 1},
		{0xafa, 0xaff, 1},
		{0xb55, 0xb55, 1},
		{0xc04, 0xc04, 1},
		{0xc3c, 0xc3c, 1},
		{0xcf3, 0xcf3, 1},
		{0xd00, 0xd00, 1},
		{0xd3b, 0xd3c, 1},
		{0xd81, 0xd81, 1},
		{0xeba, 0xeba, 1},
		{0xece, 0xece, 1},
		{0x1715, 0x1715, 1},
		{0x180f, 0x180f, 1},
		{0x1abf, 0x1add, 1},
		{0x1ae0, 0x1aeb, 1},
		{0x1cf7, 0x1cf7, 1},
		{0x1df6, 0x1dfa, 1},
		{0x32ff, 0x32ff, 1},
		{0xa7f1, 0xa7f4, 1},
		{0xa82c, 0xa82c, 1},
		{0xa8ff, 0xa8ff, 1},
		{0xab69, 0xab69, 1},
	},
	R32: []unicode.Range32{
		{0x105c0, 0x105f3, 1},
		{0x10780, 0x107ba, 1},
		{0x10d24, 0x10d27, 1},
		{0x10d69, 0x10d6d, 1},
		{0x10eab, 0x10eac, 1},
		{0x10efa, 0x10eff, 1},
		{0x10f46, 0x10f50, 1},
		{0x10f82, 0x10f85, 1},
		{0x11070, 0x11070, 1},
		{0x11073, 0x11074, 1},
		{0x110c2, 0x110c2, 1},
		{0x11145, 0x11146, 1},
		{0x111c9, 0x111c9, 1},
		{0x111ce, 0x111cf, 1},
		{0x11241, 0x11241, 1},
		{0x1133b, 0x1133b, 1},
		{0x11380, 0x113e2, 1},
		{0x1145e, 0x1145e, 1},
		{0x1182c, 0x1183a, 1},
		{0x11930, 0x11943, 1},
		{0x119d1, 0x119e4, 1},
		{0x11a01, 0x11a99, 1},
		{0x11b60, 0x11b67, 1},
		{0x11d31, 0x11d97, 1},
		{0x11ef3, 0x11ef6, 1},
		{0x11f00, 0x11f5a, 1},
		{0x13440, 0x13455, 1},
		{0x16100, 0x16139, 1},
		{0x16d40, 0x16d79, 1},
		{0x16f4f, 0x16f4f, 1},
		{0x16f7f, 0x16f87, 1},
		{0x16fe4, 0x16ff6, 1},
		{0x1ccd6, 0x1ccf9, 1},
		{0x1cf00, 0x1cf46, 1},
		{0x1e030, 0x1e08f, 1},
		{0x1e130, 0x1e136, 1},
		{0x1e2ae, 0x1e2ae, 1},
		{0x1e2ec, 0x1e2ef, 1},
		{0x1e4ec, 0x1e4ef, 1},
		{0x1e5ee, 0x1e5ef, 1},
		{0x1e6e3, 0x1e6f5, 1},
		{0x1f16c, 0x1f16c, 1},
		{0x1fbf0, 0x1fbf9, 1},
	},
}

// isOldMark is \p{M} of Unicode 9, which StripAccents removes.
func isOldMark(c rune) bool {
	switch c {
	case 0x1cf2, 0x1cf3:
		return true
	}
	return unicode.Is(unicode.M, c) && !unicode.Is(youngRunes, c)
}

func (n normalForm) form() norm.Form {
	switch {
	case n.compose && n.compatible:
		return norm.NFKC
	case n.compose:
		return norm.NFC
	case n.compatible:
		return norm.NFKD
	}
	return norm.NFD
}

func (n normalForm) normalize(p piece) piece {
	f := n.form()
	switch {
	case f.IsNormalString(p.s):
	case n.plain(p.s):
		p.s = f.String(p.s)
	default:
		p.s = n.exact(p.s)
	}
	return p
}

// plain reports that x/text treats s as the Rust crate does: no young
// character, and nowhere more than a few marks in a row.
func (n normalForm) plain(s string) bool {
	marks := 0
	for i, c := range s {
		if c < 0x300 {
			marks = 0
			continue
		}
		if unicode.Is(youngRunes, c) {
			return false
		}
		// A character counts as marks where its decomposition ends in one:
		// no decomposition holds more than four.
		if props := n.form().PropertiesString(s[i:]); props.TrailCCC() == 0 {
			marks = 0
		} else if marks++; marks > 6 {
			return false
		}
	}
	return true
}

// exact normalizes character by character, by the definition of UAX 15.
func (n normalForm) exact(s string) string {
	var out, run []markedRune
	flush := func() {
		slices.SortStableFunc(run, func(a, b markedRune) int { return int(a.ccc) - int(b.ccc) })
		out = append(out, run...)
		run = run[:0]
	}
	for _, c := range s {
		for _, d := range n.decompose(c) {
			ccc := combiningClass(d)
			if ccc == 0 {
				flush()
				out = append(out, markedRune{d, 0})
			} else {
				run = append(run, markedRune{d, ccc})
			}
		}
	}
	flush()
	if n.compose {
		out = composeRunes(out)
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, m := range out {
		b.WriteRune(m.c)
	}
	return b.String()
}

type markedRune struct {
	c   rune
	ccc uint8
}

// decompose returns the full decomposition of one character.
func (n normalForm) decompose(c rune) []rune {
	if c < 0x80 || unicode.Is(youngRunes, c) {
		return []rune{c}
	}
	form := norm.NFD
	if n.compatible {
		form = norm.NFKD
	}
	return []rune(form.String(string(c)))
}

func combiningClass(c rune) uint8 {
	if c < 0x300 || unicode.Is(youngRunes, c) {
		return 0
	}
	return norm.NFD.PropertiesString(string(c)).CCC()
}

// composeRunes joins each starter with the marks and starters that follow it
// unblocked, in place.
func composeRunes(in []markedRune) []markedRune {
	out := in[:0]
	starter := -1
	for _, m := range in {
		if starter >= 0 {
			last := out[len(out)-1]
			blocked := len(out)-1 > starter && (last.ccc == 0 || last.ccc >= m.ccc)
			if !blocked {
				if c, ok := composePair(out[starter].c, m.c); ok {
					out[starter].c = c
					continue
				}
			}
		}
		if m.ccc == 0 {
			starter = len(out)
		}
		out = append(out, m)
	}
	return out
}

// composePair returns the primary composite of two characters.
func composePair(a, b rune) (rune, bool) {
	if b < 0x300 || unicode.Is(youngRunes, a) || unicode.Is(youngRunes, b) {
		return 0, false
	}
	s := norm.NFC.String(string(a) + string(b))
	c, w := utf8.DecodeRuneInString(s)
	return c, w == len(s)
}
