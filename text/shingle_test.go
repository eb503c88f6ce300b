package text_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/text"
)

// checkShingler holds Append to Shingles of the folded text.
func checkShingler(t *testing.T, sh *text.Shingler, s string, n int) {
	t.Helper()
	got, words := sh.Append(nil, s, n)
	folded := text.Fold(s)
	if want := len(slices.Collect(text.Words(folded))); words != want {
		t.Errorf("%q: %d words, want %d", s, words, want)
	}
	slices.Sort(got)
	if want := text.Shingles(folded, n); !slices.Equal(slices.Compact(got), want) {
		t.Errorf("%q: other shingles", s)
	}
}

func TestShingler(t *testing.T) {
	var sh text.Shingler
	for _, s := range []string{
		"", " ", "plain Words, don't stop_now", "中文，和 English混排。", "e\u0301te\u0301 ﬁn",
		"中\u0301文", "a\u0301", "it’s ’tis", "a'\u0301b", "ab\x00cd", "x_中", "x'中 y", "'a' _b_ a__b a'_b",
		"ＡＢＣ，１２３", "a\xffb", "\xe4\xb8", "中\xe4", "カ\u3099", "a=\u0338b c", "，\u3099か", "trail'",
		strings.Repeat("长 ", 50), "\v\f\x1c\x85x", "ab\u00adcd ef", "￼a中b", "ΑΣ ς İx",
	} {
		for _, n := range []int{1, 2, 5} {
			checkShingler(t, &sh, s, n)
		}
	}
	if got, _ := sh.Append([]uint64{1}, "a b c", 2); len(got) != 3 || got[0] != 1 {
		t.Errorf("appended %v", got)
	}
}

func FuzzShingler(f *testing.F) {
	for _, s := range []string{"a'b_c 中文，a'", "e\u0301 中\u0301", "x\x1cy ‘’ ＇", "=\u0338 \u0338"} {
		f.Add(s, 2)
	}
	var sh text.Shingler
	f.Fuzz(func(t *testing.T, s string, n int) {
		checkShingler(t, &sh, s, 1+n&7)
	})
}

func BenchmarkSignature(b *testing.B) {
	h := text.NewMinHasher(112, 1)
	signature := make([]uint64, h.Size())
	for name, s := range map[string]string{
		"english": strings.Repeat("The horses pull the carriage over the hill, and don't stop before the rain. ", 64),
		"chinese": strings.Repeat("三匹马拉着一辆车翻过山坡，在下雨之前一直没有停下来。", 64),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			var sh text.Shingler
			var shingles []uint64
			for b.Loop() {
				shingles, _ = sh.Append(shingles[:0], s, 5)
				h.Sign(signature, shingles)
			}
		})
		b.Run(name+"-shingles", func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			var sh text.Shingler
			var shingles []uint64
			for b.Loop() {
				shingles, _ = sh.Append(shingles[:0], s, 5)
			}
		})
	}
}
