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
	s = compose(s)
	if isTidy(s) {
		return s
	}
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

// isTidy reports whether s has no spaces at the ends of lines, no more than one
// empty line in a row and none at both ends.
func isTidy(s string) bool {
	empty := 1 // lines in a row so far, as if one came before
	for line := range strings.SplitSeq(s, "\n") {
		if line == "" {
			if empty++; empty > 1 {
				return false
			}
			continue
		}
		if last := line[len(line)-1]; last == ' ' || last == '\t' {
			return false
		}
		empty = 0
	}
	return empty == 0
}

// compose returns s in valid UTF-8 and Unicode form NFC, with line ends, spaces and
// invisible characters as Normalize says. Nothing that it does reaches across a line
// feed, so it leaves the lines alone in which every character stays.
func compose(s string) string {
	var b strings.Builder
	done := 0
	for i := 0; ; {
		i += staying(s[i:])
		if i == len(s) {
			break
		}
		from, to := strings.LastIndexByte(s[:i], '\n'), len(s)
		if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
			to = i + n + 1
		}
		b.WriteString(s[done : from+1])
		// The line feed before tells that no mark combines with what came earlier.
		line := s[max(from, 0):to]
		if !utf8.ValidString(line) {
			line = strings.ToValidUTF8(line, "\uFFFD")
		}
		line = norm.NFC.String(foldLines(line))
		if from >= 0 {
			line = line[1:]
		}
		b.WriteString(line)
		i, done = to, to
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// staying returns how many bytes of s come before a character that compose may
// change: printable ASCII, line feeds, tabs, Han characters and the punctuation of
// Chinese and English stay, whatever stands beside them.
func staying(s string) int {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\t' || c == 0x7F {
				return i
			}
			i++
			continue
		}
		if len(s)-i < 3 || c&0xF0 != 0xE0 || s[i+1]&0xC0 != 0x80 || s[i+2]&0xC0 != 0x80 {
			return i
		}
		if !stays(rune(c&0x0F)<<12 | rune(s[i+1]&0x3F)<<6 | rune(s[i+2]&0x3F)) {
			return i
		}
		i += 3
	}
	return len(s)
}

// stays is staying for characters of three bytes.
func stays(r rune) bool {
	return 0x4E00 <= r && r <= 0x9FFF || 0x3001 <= r && r <= 0x3029 || 0xFF01 <= r && r <= 0xFF5E ||
		0x2010 <= r && r <= 0x2027 || 0x2030 <= r && r <= 0x205E
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
	for i, r := range s {
		if 0x4E00 <= r && r <= 0x9FFF { // no space, no control, no case
			if space {
				b.WriteByte(' ')
				space = false
			}
			b.WriteString(s[i : i+3])
			continue
		}
		if r < utf8.RuneSelf && class[r] > classJoint { // letters and digits
			if space {
				b.WriteByte(' ')
				space = false
			}
			b.WriteByte(class[r])
			continue
		}
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
