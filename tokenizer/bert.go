package tokenizer

import (
	"strings"
	"unicode"
)

// bertNormalizer is BERT's: it drops control characters, stands Han characters apart
// and, where asked, strips accents and lowers the case.
type bertNormalizer struct{ clean, han, accents, lower bool }

func newBertNormalizer(c *normalizerConfig) bertNormalizer {
	n := bertNormalizer{
		clean: c.CleanText == nil || *c.CleanText,
		han:   c.HanApart == nil || *c.HanApart,
		lower: c.Lowercase == nil || *c.Lowercase,
	}
	n.accents = n.lower
	if c.StripAccents != nil {
		n.accents = *c.StripAccents
	}
	return n
}

func (n bertNormalizer) normalize(p piece) piece {
	if n.clean {
		p = filterRunes{drop: isBertControl, replace: spaceOf}.normalize(p)
	}
	if n.han {
		p.s = standHanApart(p.s)
	}
	if n.accents {
		p = filterRunes{drop: isBertAccent}.normalize(normalForm{}.normalize(p))
	}
	if n.lower {
		p.s = lowercase(p.s)
	}
	return p
}

func spaceOf(c rune) rune {
	if unicode.IsSpace(c) {
		return ' '
	}
	return c
}

// isBertControl is categories Cc, Cf and Co of Unicode 8, and U+FFFD, without the
// three controls that count as white space.
func isBertControl(c rune) bool {
	switch {
	case c == '\t', c == '\n', c == '\r':
		return false
	case c == 0x890, c == 0x891, c == 0x8e2, c == 0x110cd, 0x13430 <= c && c <= 0x13455: // younger
		return false
	case c == 0xfffd:
		return true
	}
	return unicode.In(c, unicode.Cc, unicode.Cf, unicode.Co)
}

// isBertAccent is category Mn of Unicode 8.
func isBertAccent(c rune) bool {
	switch {
	case c < 0x300:
		return false
	case c == 0x1734:
		return true
	case unicode.Is(ninthMarks, c):
		return false
	}
	return unicode.Is(unicode.Mn, c) && isOldMark(c)
}

// isHan is the ranges of BERT, with the gap that Hugging Face has from U+2B820 on.
func isHan(c rune) bool {
	return 0x4e00 <= c && c <= 0x9fff || 0x3400 <= c && c <= 0x4dbf || 0xf900 <= c && c <= 0xfaff ||
		0x20000 <= c && c <= 0x2a6df || 0x2a700 <= c && c <= 0x2b81f || 0x2b920 <= c && c <= 0x2ceaf ||
		0x2f800 <= c && c <= 0x2fa1f
}

func standHanApart(s string) string {
	if !strings.ContainsFunc(s, isHan) {
		return s
	}
	var out strings.Builder
	out.Grow(2 * len(s))
	for _, c := range s {
		if isHan(c) {
			out.WriteByte(' ')
			out.WriteRune(c)
			out.WriteByte(' ')
		} else {
			out.WriteRune(c)
		}
	}
	return out.String()
}

// ninthMarks are the marks that Unicode 9 added, and two that it moved to Mn.
var ninthMarks = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x8d4, 0x8e1, 1},
		{0x1885, 0x1886, 1},
		{0x1dfb, 0x1dfb, 1},
		{0xa8c5, 0xa8c5, 1},
		{0xa9bd, 0xa9bd, 1},
	},
	R32: []unicode.Range32{
		{0x1123e, 0x1123e, 1},
		{0x11438, 0x11446, 1},
		{0x11c30, 0x11cb6, 1},
		{0x1e000, 0x1e02a, 1},
		{0x1e944, 0x1e94a, 1},
	},
}
