package script_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"unicode/utf8"

	"github.com/troikaml/troika/text/script"
)

func ExampleToTraditional() {
	fmt.Println(script.ToTraditional("理发师发现了干净的后台"), script.ToSimplified("頭髮發現了"))
	// Output: 理髮師發現了乾淨的後臺 头发发现了
}

func ExampleDetect() {
	fmt.Println(script.Detect("数据和算法"), script.Detect("資料和演算法"), script.Detect("中文"))
	// Output: Hans Hant Hani
}

// TestReference compares conversions with OpenCC's.
func TestReference(t *testing.T) {
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
		if got := script.ToTraditional(c[0]); got != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
		if got := script.ToSimplified(c[0]); got != c[2] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[2])
		}
	}
	if n < 700 {
		t.Errorf("%d cases", n)
	}
}

func FuzzConvert(f *testing.F) {
	for _, s := range []string{"", "头发", "\xe5\xa4", "发\xff发", "头发\xff", "一了百\xe5", "一一一", "𠀀頭髮\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{script.ToTraditional(s), script.ToSimplified(s)} {
			if utf8.RuneCountInString(got) != utf8.RuneCountInString(s) {
				t.Fatalf("%q became %q", s, got)
			}
		}
		script.Detect(s)
	})
}
