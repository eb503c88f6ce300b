package tokenizer

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// regexPattern is a pattern without a hand-written splitter, run by Go's
// regexp. It is right where Go can express the pattern, and slow.
type regexPattern struct {
	re *regexp.Regexp
	// spaceTail: the pattern ended in |\s+(?!\S), with or without |\s+, which
	// became the last group (\s+) of re. A match of that group before a
	// non-space gives back its last character.
	spaceTail bool
	// spaceOne: |\s+ was there, so that a single space matches too.
	spaceOne bool
}

// maxPattern bounds a regular expression in bytes.
const maxPattern = 1 << 14

// newPattern returns the pattern for a regular expression of tokenizer.json,
// which is written for Oniguruma.
func newPattern(expr string) (pattern, error) {
	if scan, ok := scanners[expr]; ok {
		return scanner{scan, classes()}, nil
	}
	if len(expr) > maxPattern {
		return nil, fmt.Errorf("regular expression of %d bytes is longer than %d", len(expr), maxPattern)
	}
	p := regexPattern{}
	body := expr
	if b, ok := strings.CutSuffix(body, `|\s+(?!\S)|\s+`); ok {
		body, p.spaceTail, p.spaceOne = b, true, true
	} else if b, ok := strings.CutSuffix(body, `|\s+(?!\S)`); ok {
		body, p.spaceTail = b, true
	}
	body, err := translateRegex(body)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", expr, err)
	}
	if p.spaceTail {
		body = "(?:" + body + ")|(" + spaceClass + "+)"
	}
	if p.re, err = regexp.Compile(body); err != nil {
		return nil, fmt.Errorf("regular expression %q has no splitter here, and Go cannot run it: %w", expr, err)
	}
	if p.re.MatchString("") {
		return nil, fmt.Errorf("regular expression %q matches the empty string", expr)
	}
	return p, nil
}

func (p regexPattern) find(s string, i int) (start, end int) {
	for {
		m := p.re.FindStringSubmatchIndex(s[i:])
		if m == nil {
			return -1, -1
		}
		start, end = i+m[0], i+m[1]
		if !p.spaceTail || m[len(m)-2] < 0 || end == len(s) {
			return start, end
		}
		last := start
		for at := range s[start:end] {
			last = start + at
		}
		if last > start {
			return start, last
		}
		if p.spaceOne {
			return start, end
		}
		i = end
	}
}

// spaceClass is \s, and spaceRanges its inside, as Oniguruma has them.
const (
	spaceRanges = `\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}`
	spaceClass  = "[" + spaceRanges + "]"
)

// wordRanges is \w within a class: Alphabetic, M, Nd and Pc.
const wordRanges = `\p{L}\p{M}\p{Nl}\p{Nd}\p{Pc}\x{24b6}-\x{24e9}\x{1f130}-\x{1f149}\x{1f150}-\x{1f169}\x{1f170}-\x{1f189}`

// translateRegex rewrites what Oniguruma (Ruby syntax, Unicode) and Go read
// differently, and refuses what Go would misread without a word.
func translateRegex(expr string) (string, error) {
	var out strings.Builder
	inClass := false
	for i := 0; i < len(expr); i++ {
		b := expr[i]
		switch {
		case b == '\\' && i+1 < len(expr):
			text, n, err := translateEscape(expr[i:], inClass)
			if err != nil {
				return "", err
			}
			out.WriteString(text)
			i += n - 1
			continue
		case b == '[' && inClass:
			return "", errors.New("classes within classes are not supported")
		case b == '&' && inClass && strings.HasPrefix(expr[i:], "&&"):
			return "", errors.New("intersection of classes is not supported")
		case b == '[':
			inClass = true
		case b == ']':
			inClass = false
		case (b == '^' || b == '$') && !inClass:
			return "", fmt.Errorf("anchor %q is not supported", b)
		case b == '(' && !inClass && strings.HasPrefix(expr[i:], "(?"):
			if err := checkGroup(expr[i:]); err != nil {
				return "", err
			}
		case b == '(' && !inClass:
			// Groups are never read: keep the numbering to ourselves.
			out.WriteString("(?:")
			continue
		case b == '+' && !inClass && i > 0 && strings.IndexByte("?*+", expr[i-1]) >= 0 && !escapedAt(expr, i-1):
			return "", errors.New("possessive quantifiers are not supported")
		}
		out.WriteByte(b)
		if b == '[' && i+1 < len(expr) && expr[i+1] == '^' {
			out.WriteByte('^')
			i++
		}
	}
	return out.String(), nil
}

// escapedAt reports whether the byte at i follows an odd number of backslashes.
func escapedAt(expr string, i int) bool {
	n := 0
	for i--; i >= 0 && expr[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

func checkGroup(s string) error {
	for _, ok := range []string{"(?:", "(?i:", "(?i)"} {
		if strings.HasPrefix(s, ok) {
			return nil
		}
	}
	for _, look := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
		if strings.HasPrefix(s, look) {
			return fmt.Errorf("look-around %q is not supported", look)
		}
	}
	return fmt.Errorf("group %q is not supported", s[:min(4, len(s))])
}

// translateEscape returns the Go spelling of the escape at the start of s and
// the number of bytes it took.
func translateEscape(s string, inClass bool) (string, int, error) {
	wrap := func(inside string, negate bool) (string, int, error) {
		switch {
		case negate && inClass:
			return "", 0, fmt.Errorf("%s within a class is not supported", s[:2])
		case negate:
			return "[^" + inside + "]", 2, nil
		case inClass:
			return inside, 2, nil
		}
		return "[" + inside + "]", 2, nil
	}
	switch s[1] {
	case 's':
		return wrap(spaceRanges, false)
	case 'S':
		return wrap(spaceRanges, true)
	case 'd', 'D':
		return wrap(`\p{Nd}`+rangeText(digitAdditions), s[1] == 'D')
	case 'w', 'W':
		inside := wordRanges + rangeText(letterAdditions, markAdditions, digitAdditions)
		if !inClass {
			// Outside of a class Oniguruma asks a Latin-1 table first, where
			// superscripts and fractions are of words.
			inside += `\x{b2}\x{b3}\x{b9}\x{bc}-\x{be}`
		}
		return wrap(inside, s[1] == 'W')
	case 'p', 'P':
		return translateProperty(s, inClass)
	case 'u':
		if len(s) >= 6 {
			return `\x{` + s[2:6] + "}", 6, nil
		}
	case 'h', 'H', 'b', 'B', 'A', 'z', 'Z', 'G', 'R', 'X', 'K', 'Q', 'E', 'C', 'k', 'g':
		return "", 0, fmt.Errorf("escape %q is not supported", s[:2])
	}
	if '1' <= s[1] && s[1] <= '9' {
		return "", 0, fmt.Errorf("back-reference %q is not supported", s[:2])
	}
	return s[:2], 2, nil
}

// translateProperty adds to \p{L}, its parts, \p{N} and \p{M} what Go's older
// Unicode tables lack.
func translateProperty(s string, inClass bool) (string, int, error) {
	end := strings.IndexByte(s, '}')
	if len(s) < 4 || s[2] != '{' || end < 0 {
		return "", 0, fmt.Errorf("property %q has no braces", s[:min(len(s), 4)])
	}
	added := map[string]*unicode.RangeTable{
		"L": letterAdditions, "N": digitAdditions, "M": markAdditions,
		"Lu": upperAdditions, "Ll": lowerAdditions, "Lm": modifierAdditions, "Lo": otherAdditions,
	}[s[3:end]]
	text := s[:end+1]
	switch {
	case added == nil:
	case s[1] == 'p' && inClass:
		text += rangeText(added)
	case s[1] == 'p':
		text = "[" + text + rangeText(added) + "]"
	case !inClass:
		text = `[^\p` + text[2:] + rangeText(added) + "]"
	}
	return text, end + 1, nil
}

// rangeText spells tables as the inside of a class.
func rangeText(tables ...*unicode.RangeTable) string {
	var out strings.Builder
	for _, t := range tables {
		for _, r := range t.R16 {
			fmt.Fprintf(&out, `\x{%x}-\x{%x}`, r.Lo, r.Hi)
		}
		for _, r := range t.R32 {
			fmt.Fprintf(&out, `\x{%x}-\x{%x}`, r.Lo, r.Hi)
		}
	}
	return out.String()
}
