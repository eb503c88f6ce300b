package jinja

import (
	"strings"
	"unicode"
)

// upper is Python's str.upper: full case mapping, in which one character may
// become several.
func upper(s string) string {
	s = strings.ToUpper(s)
	if strings.ContainsFunc(s, func(c rune) bool { return upperSpecial[c] != "" }) {
		return mapSpecial(s, upperSpecial)
	}
	return s
}

// upperSpecial holds Unicode's unconditional special upper-case mappings of
// the scripts that still are in everyday use (SpecialCasing.txt).
var upperSpecial = map[rune]string{
	'ß': "SS", 'ŉ': "ʼN", 'ǰ': "J̌", 'ΐ': "Ϊ́", 'ΰ': "Ϋ́", 'և': "ԵՒ",
	'ẖ': "H̱", 'ẗ': "T̈", 'ẘ': "W̊", 'ẙ': "Y̊", 'ẚ': "Aʾ",
	'ﬀ': "FF", 'ﬁ': "FI", 'ﬂ': "FL", 'ﬃ': "FFI", 'ﬄ': "FFL", 'ﬅ': "ST", 'ﬆ': "ST",
}

func mapSpecial(s string, table map[rune]string) string {
	var b strings.Builder
	for _, c := range s {
		if text, ok := table[c]; ok {
			b.WriteString(text)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// lower is Python's str.lower, with the final form of the Greek sigma.
func lower(s string) string {
	if !strings.ContainsAny(s, "Σİ") {
		return strings.ToLower(s)
	}
	runes := []rune(s)
	var b strings.Builder
	for i, c := range runes {
		switch {
		case c == 'İ':
			b.WriteString("i̇")
		case c == 'Σ' && finalSigma(runes, i):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(c))
		}
	}
	return b.String()
}

func isCased(c rune) bool { return unicode.IsUpper(c) || unicode.IsLower(c) || unicode.IsTitle(c) }

func caseIgnorable(c rune) bool {
	return unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) ||
		c == '\'' || c == '.' || c == ':' || c == '’' || c == '·'
}

// finalSigma reports whether the sigma at i ends a word.
func finalSigma(s []rune, i int) bool {
	before := i - 1
	for before >= 0 && caseIgnorable(s[before]) {
		before--
	}
	after := i + 1
	for after < len(s) && caseIgnorable(s[after]) {
		after++
	}
	return before >= 0 && isCased(s[before]) && (after == len(s) || !isCased(s[after]))
}

// toTitle returns the title-case form of one character.
func toTitle(c rune) string {
	if text, ok := upperSpecial[c]; ok {
		return text[:runeLen(text)] + lower(text[runeLen(text):])
	}
	return string(unicode.ToTitle(c))
}

// capitalize is Python's str.capitalize.
func capitalize(s string) string {
	if s == "" {
		return s
	}
	n := runeLen(s)
	return toTitle([]rune(s[:n])[0]) + strings.TrimPrefix(lower("A"+s[n:]), "a")
}

// titleCase is Python's str.title: a letter after one without case starts a
// word, so "they're" becomes "They'Re".
func titleCase(s string) string {
	var b strings.Builder
	inWord := false
	for _, c := range s {
		if inWord {
			b.WriteRune(unicode.ToLower(c))
		} else {
			b.WriteString(toTitle(c))
		}
		inWord = isCased(c)
	}
	return b.String()
}

func swapCase(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case unicode.IsUpper(c):
			b.WriteRune(unicode.ToLower(c))
		case unicode.IsLower(c):
			b.WriteString(upper(string(c)))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

func isUpper(s string) bool { return hasCase(s, unicode.IsUpper) }
func isLower(s string) bool { return hasCase(s, unicode.IsLower) }

// hasCase reports whether s has cased characters and all of them are as want
// says.
func hasCase(s string, want func(rune) bool) bool {
	found := false
	for _, c := range s {
		if isCased(c) {
			if !want(c) {
				return false
			}
			found = true
		}
	}
	return found
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", ">", "&gt;", "<", "&lt;", "'", "&#39;", "\"", "&#34;")

func escapeHTML(s string) string { return htmlEscaper.Replace(s) }
