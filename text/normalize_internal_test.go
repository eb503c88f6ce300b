package text

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// TestStays holds that what Normalize leaves alone without a look at its
// neighbours needs none.
func TestStays(t *testing.T) {
	for r := range rune(0x10000) {
		if !stays(r) {
			continue
		}
		s := string(r)
		p := norm.NFC.PropertiesString(s)
		if len(s) != 3 || foldRune(r) != r || !norm.NFC.IsNormalString(s) || !p.BoundaryBefore() {
			t.Errorf("%U changes or combines", r)
		}
	}
}

// TestComposeByLines compares with the text as a whole.
func TestComposeByLines(t *testing.T) {
	parts := []string{
		"a", "Z", "中", "文", "。", "“", "\n", "\n", "\r", "\r\n", "\u0301", "e\u0301", "\u3000", "\u00A0", "\u200B", "\u2028", "\xE4\xB8", "\xFF",
		" ", "\t", "\x00", "가", "\u1100\u1161", "①", "é", "\u3099", "か\u3099", "\u00AD",
	}
	draw := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		var b strings.Builder
		for range draw.IntN(24) {
			b.WriteString(parts[draw.IntN(len(parts))])
		}
		s := b.String()
		want := norm.NFC.String(foldLines(strings.ToValidUTF8(s, "\uFFFD")))
		if got := compose(s); got != want || !utf8.ValidString(got) {
			t.Fatalf("compose(%q) = %q, want %q", s, got, want)
		}
	}
}

// TestTidy holds that a text is taken as tidy just where nothing is left to do.
func TestTidy(t *testing.T) {
	for s, want := range map[string]bool{
		"a": true, "a\nb": true, "a\n\nb": true, " a": true, "a\n\n\nb": false, "\na": false, "a\n": false, "a \nb": false, "a\t": false, "a\n \nb": false,
	} {
		if got := isTidy(s); got != want || got != (Normalize(s) == s) {
			t.Errorf("isTidy(%q) = %v, want %v", s, got, want)
		}
	}
}
