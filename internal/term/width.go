package term

import (
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// cells is the width rule of the package: independent of the locale, so that
// output recorded on one machine is equal to another's.
var cells = &runewidth.Condition{EastAsianWidth: false, StrictEmojiNeutral: true}

// Align says on which side of its column a cell's text stands.
type Align int

// The sides: text reads best on the Left, numbers on the Right.
const (
	Left Align = iota
	Right
)

// Width returns how many terminal cells s takes. Control characters count as
// [Clean] shows them.
func Width(s string) int { return cells.StringWidth(Clean(s)) }

// Clean returns s as one harmless line: runs of white space, line breaks
// included, become one space, other control characters and invalid UTF-8
// become U+FFFD. Tables and bars clean what they draw; call it before printing
// foreign text, such as a document's title, in any other way.
func Clean(s string) string {
	plain := !strings.Contains(s, "  ")
	for _, r := range s {
		if r == unicode.ReplacementChar || unicode.IsControl(r) || unsafeFormat(r) {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	space := false
	for _, r := range s {
		if r == ' ' || r == '\t' || r == '\n' || r == '\r' {
			if !space {
				b.WriteByte(' ')
			}
			space = true
			continue
		}
		space = false
		if unicode.IsControl(r) || unsafeFormat(r) {
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
	}
	return b.String()
}

// unsafeFormat reports the characters that reorder the text around them, so
// that a line would read differently from what it says (UAX #9 embeddings,
// overrides and isolates).
func unsafeFormat(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// Truncate cleans s and cuts it to at most width cells; a cut is marked by
// "…". A wide character that would straddle the edge is left out.
func Truncate(s string, width int) string {
	if width <= 0 {
		return ""
	}
	return cells.Truncate(Clean(s), width, "…")
}

// Pad cleans s and fills it with spaces to width cells, on the side opposite
// to its alignment. Longer text is returned whole.
func Pad(s string, width int, align Align) string {
	s = Clean(s)
	fill := strings.Repeat(" ", max(0, width-cells.StringWidth(s)))
	if align == Right {
		return fill + s
	}
	return s + fill
}
