package lang

import (
	"bytes"
	"compress/gzip"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// sentences are ours, one of each of some languages.
var sentences = map[string]string{
	"en":      "The old house at the end of the street has been empty for many years.",
	"de":      "Das alte Haus am Ende der Straße steht seit vielen Jahren leer.",
	"fr":      "La vieille maison au bout de la rue est vide depuis de nombreuses années.",
	"es":      "La vieja casa al final de la calle lleva muchos años vacía.",
	"ru":      "Старый дом в конце улицы уже много лет стоит пустой.",
	"uk":      "Старий будинок у кінці вулиці вже багато років стоїть порожній.",
	"ja":      "通りの端にある古い家は、もう何年も空き家のままです。",
	"ko":      "길 끝에 있는 낡은 집은 여러 해 동안 비어 있었습니다.",
	"zh-Hans": "街道尽头的那座老房子已经空了好多年，没有人知道它属于谁。",
	"zh-Hant": "街道盡頭的那座老房子已經空了好多年，沒有人知道它屬於誰。",
}

func TestIdentify(t *testing.T) {
	for want, s := range sentences {
		if got := Identify(s); got.Lang != want || got.Score < 0.9 {
			t.Errorf("%q: %v, want %s", s, got, want)
		}
		// A long text is of the language of its pieces.
		if got := Identify(strings.Repeat(s+"\n", 100)); got.Lang != want || got.Score < 0.9 {
			t.Errorf("%q a hundred times: %v, want %s", s, got, want)
		}
	}
	for _, s := range []string{"", "1234", "?! …", "\xff\xfe"} {
		if got := Identify(s); got != (Guess{Lang: Undetermined}) {
			t.Errorf("%q: %v", s, got)
		}
	}
	if n := len(Languages()); n < 30 {
		t.Errorf("%d languages", n)
	}
}

// TestSums compares the sums of the labels of a word with plain ones, over as many
// rows as make sums overflow where they could.
func TestSums(t *testing.T) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	_, weights, _ := bytes.Cut(raw, []byte("\n"))
	m := builtin()
	for _, n := range []int{0, 1, 255, 256, 257, 5000} {
		rows := make([]uint16, n)
		for i := range rows {
			rows[i] = uint16(i * 7919 % numRows)
		}
		want := make([]int32, len(m.labels))
		for label := range want {
			for _, row := range rows {
				want[label] += int32(int8(weights[label*numRows+int(row)]))
			}
		}
		if got := m.sums(rows); !slices.Equal(got, want) {
			t.Errorf("%d rows: %v, want %v", n, got, want)
		}
	}
	extreme := &group{}
	for i := range extreme[0] {
		extreme[0][i] = 0x00FF00FF00FF00FF // the greatest weights
	}
	sums := make([]int32, groupLabels)
	extreme.add(sums, make([]uint16, blockRows))
	for i, s := range sums {
		if s != 255*blockRows {
			t.Errorf("label %d: %d, want %d", i, s, 255*blockRows)
		}
	}
}

func TestSample(t *testing.T) {
	short := strings.Repeat("字", pieces*pieceSize/3)
	if got := sample(short); got != short {
		t.Error("a short text is not read whole")
	}
	for _, s := range []string{strings.Repeat("字", 5000), strings.Repeat("a中é🙂", 700), strings.Repeat("\x80", 5000)} {
		got := sample(s)
		if len(got) > pieces*(pieceSize+utf8.UTFMax) {
			t.Errorf("%d bytes are read", len(got))
		}
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("%.12q: characters are cut", s)
		}
	}
}

func FuzzIdentify(f *testing.F) {
	for _, s := range sentences {
		f.Add(s)
	}
	f.Add("\xff中\x00ａ")
	f.Fuzz(func(t *testing.T, s string) {
		if g := Identify(s); g.Lang == "" || !(g.Score >= 0 && g.Score <= 1) {
			t.Errorf("%q: %v", s, g)
		}
	})
}

// TestFoldTakesNoShortcut compares with what Unicode says of each character.
func TestFoldTakesNoShortcut(t *testing.T) {
	for r := range rune(0x20000) {
		want := rune(0)
		if unicode.IsLetter(r) || unicode.IsMark(r) {
			want = unicode.ToLower(r)
			for i, table := range alike {
				if unicode.Is(table, r) {
					want = rune(i + 1)
					break
				}
			}
		}
		if r >= 0xAA && fold(r) != want {
			t.Errorf("fold(%U) = %d, want %d", r, fold(r), want)
		}
	}
}
