package script_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/troikaml/troika/text/script"
)

func ExampleDetect() {
	fmt.Println(script.Detect("数据和算法"), script.Detect("資料和演算法"), script.Detect("中文"))
	// Output: Hans Hant Hani
}

func TestMarkers(t *testing.T) {
	for _, c := range []struct {
		chars string
		want  script.Variety
	}{
		{"们这发书乐习买亚产亲亿仅从仑创单压厌叹吗启吴员着", script.Simplified},
		{"們這發書樂習買亞產親億僅從崙創單壓厭葉號嘆嗎聽啟吳員妳", script.Traditional},
		{"中文一人大小山水日月上下天地后里面台喆囧犇𠮷㐂ａ。a \x00\U0010FFFF", script.Either},
	} {
		for _, r := range c.chars {
			if got := script.Of(r); got != c.want {
				t.Errorf("%c is %v, want %v", r, got, c.want)
			}
		}
	}
}

// TestCount shows that mixed text is counted on both sides.
func TestCount(t *testing.T) {
	for s, want := range map[string][2]int{
		"":        {0, 0},
		"国國":      {1, 1},
		"学习\xff學": {2, 1},
	} {
		hans, hant := script.Count(s)
		if [2]int{hans, hant} != want {
			t.Errorf("Count(%q) = %d, %d, want %v", s, hans, hant, want)
		}
	}
}

// converter returns the conversions, and ends the test where there are none.
func converter(tb testing.TB) *script.Converter {
	tb.Helper()
	c, err := script.Load()
	if errors.Is(err, script.ErrNoTables) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// TestReference compares conversions with OpenCC's.
func TestReference(t *testing.T) {
	convert := converter(t)
	f, err := os.Open("testdata/cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); n++ {
		var c [3]string
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if got := convert.ToTraditional(c[0]); got != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
		if got := convert.ToSimplified(c[0]); got != c[2] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[2])
		}
	}
	if n < 700 {
		t.Errorf("%d cases", n)
	}
}

func FuzzConvert(f *testing.F) {
	convert := converter(f)
	for _, s := range []string{"", "头发", "\xe5\xa4", "发\xff发", "头发\xff", "一了百\xe5", "一一一", "𠀀頭髮\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{convert.ToTraditional(s), convert.ToSimplified(s)} {
			if utf8.RuneCountInString(got) != utf8.RuneCountInString(s) {
				t.Fatalf("%q became %q", s, got)
			}
		}
		hans, hant := script.Count(s)
		if hans+hant > utf8.RuneCountInString(s) {
			t.Fatalf("%q has %d and %d markers", s, hans, hant)
		}
	})
}

func BenchmarkCount(b *testing.B) {
	s := strings.Repeat("调整后的模型必须比原来的模型更好。", 1000)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		script.Count(s)
	}
}

func BenchmarkToTraditional(b *testing.B) {
	convert := converter(b)
	s := strings.Repeat("调整后的模型必须比原来的模型更好，理发师发现了干净的后台。", 1000)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		convert.ToTraditional(s)
	}
}
