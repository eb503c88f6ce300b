package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Normalize returns s as clean text in Unicode form NFC:
//
//   - bytes that are not UTF-8 become U+FFFD, one for each broken run;
//   - CR LF, CR, form feed, U+0085, U+2028 and U+2029 become LF;
//   - the other control characters but tab, byte order marks, zero-width
//     spaces, soft hyphens and bidirectional overrides are dropped (joiners
//     stay: scripts and emoji need them);
//   - every other space becomes U+0020, except U+3000 at the start of a line,
//     the indent of Chinese paragraphs, which is dropped with its fellows;
//   - spaces at line ends are dropped, more than one empty line becomes one,
//     and empty lines at both ends are dropped. Indents by space and tab stay.
func Normalize(s string) string {
	if isClean(s) {
		return s
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	s = norm.NFC.String(foldLines(s))
	var b strings.Builder
	b.Grow(len(s))
	blank := 0
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.TrimRight(line, " \t")
		if line == "" {
			blank++
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n\n"[:min(blank, 1)+1])
		}
		blank = 0
		b.WriteString(line)
	}
	return b.String()
}

// isClean reports whether s is printable ASCII in single lines without spaces
// at the ends of lines: then Normalize has nothing to do.
func isClean(s string) bool {
	prev := byte('\n')
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf || c < ' ' && c != '\n' || c == 0x7f {
			return false
		}
		if c == '\n' && (prev == '\n' || prev == ' ') {
			return false
		}
		prev = c
	}
	return prev != '\n' && prev != ' ' || s == ""
}

// foldLines maps line ends, spaces and invisible characters as Normalize says.
func foldLines(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var b strings.Builder
	done, atStart := 0, true // of what is copied; whether it ends where a line begins
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < 0x7F || c == '\n' || c == '\t' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		to := foldRune(r)
		if to == r {
			i += size
			continue
		}
		plain := s[done:i]
		b.WriteString(plain)
		if at := strings.LastIndexByte(plain, '\n'); at >= 0 {
			plain, atStart = plain[at+1:], true
		}
		atStart = atStart && strings.Trim(plain, " \t") == ""
		if to >= 0 && !(r == '\u3000' && atStart) {
			b.WriteByte(byte(to))
			atStart = atStart || to == '\n'
		}
		i += size
		done = i
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// foldRune returns what a character becomes that is neither printable ASCII nor a
// line feed or tab, -1 for nothing. U+3000 is a space; that it goes at the start
// of a line is up to the caller.
func foldRune(r rune) rune {
	switch {
	case r == '\r' || r == '\f' || r == '\v' || r == '\u0085' || r == '\u2028' || r == '\u2029':
		return '\n'
	case r < ' ' || 0x7F <= r && r < 0xA0 || isInvisible(r):
		return -1
	case r == 0xA0 || 0x1680 <= r && r <= '\u3000' && unicode.Is(unicode.Zs, r):
		return ' '
	}
	return r
}

// isInvisible reports format characters that carry nothing in plain text.
// U+200C and U+200D, the joiners, are not among them.
func isInvisible(r rune) bool {
	switch {
	case r == 0xFEFF, r == 0x200B, r == 0x00AD, r == 0x2060, r == 0x180E:
		return true
	case r == 0x200E, r == 0x200F, 0x202A <= r && r <= 0x202E, 0x2066 <= r && r <= 0x2069:
		return true
	}
	return false
}

// Fold returns s in the form in which texts are compared: Unicode NFKC, lower
// case, every run of white space one U+0020, none at the ends. Two texts that
// fold to the same string are exact duplicates.
func Fold(s string) string {
	s = norm.NFKC.String(strings.ToValidUTF8(s, "\uFFFD"))
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if unicode.Is(unicode.Cc, r) || isInvisible(r) {
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
