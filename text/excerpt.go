package text

import (
	"fmt"
	"math"
	"unicode"
	"unicode/utf8"
)

// Excerpt returns the longest beginning of s that ends at a word boundary and
// counts at most limit tokens, without white space at its end; cut reports
// whether anything but white space was left off. count must not shrink when
// text is appended, as token counts do but for a few merges at the seam: the
// result is checked, so that the limit holds in any case. A first word of more
// than limit tokens is cut between characters. limit must be at least 1.
func Excerpt(s string, limit int, count func(string) (int, error)) (excerpt string, cut bool, err error) {
	s = trimRight(s)
	if limit < 1 {
		return "", false, fmt.Errorf("excerpt: limit %d is below 1", limit)
	}
	// Count no more text than needed: a window that grows until it is over.
	var window string
	for size := 16 * min(limit, math.MaxInt32); ; size *= 4 {
		window = head(s, size)
		n, err := count(window)
		if err != nil {
			return "", false, fmt.Errorf("excerpt: count tokens: %w", err)
		}
		if n > limit {
			break
		}
		if len(window) == len(s) {
			return s, false, nil
		}
	}
	for _, ends := range [][]int{wordEnds(window), runeEnds(window)} {
		best, err := longest(window, ends, limit, count)
		if err != nil {
			return "", false, err
		}
		if best > 0 {
			return trimRight(window[:best]), true, nil
		}
	}
	return "", true, nil
}

// longest returns the greatest of the ascending ends at which s[:end] counts
// at most limit tokens, or 0.
func longest(s string, ends []int, limit int, count func(string) (int, error)) (int, error) {
	lo, hi := 0, len(ends) // the answer's index + 1 lies in [lo, hi]
	for lo < hi {
		mid := (lo + hi + 1) / 2
		n, err := count(trimRight(s[:ends[mid-1]]))
		if err != nil {
			return 0, fmt.Errorf("excerpt: count tokens: %w", err)
		}
		if n <= limit {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	if lo == 0 {
		return 0, nil
	}
	return ends[lo-1], nil
}

// wordEnds returns the offsets in s at which a word or the punctuation after
// it ends, ascending, all above 0.
func wordEnds(s string) []int {
	var ends []int
	inWord := false
	for i, r := range s {
		word := isWordRune(r) && !IsUnspaced(r)
		if i > 0 && !(word && inWord) {
			ends = append(ends, i)
		}
		inWord = word
	}
	return ends
}

func runeEnds(s string) []int {
	var ends []int
	for i := range s {
		if i > 0 {
			ends = append(ends, i)
		}
	}
	return ends
}

// head returns at most n bytes of s, whole characters.
func head(s string, n int) string {
	if n >= len(s) {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func trimRight(s string) string {
	for len(s) > 0 {
		r, size := utf8.DecodeLastRuneInString(s)
		if !unicode.IsSpace(r) {
			break
		}
		s = s[:len(s)-size]
	}
	return s
}
