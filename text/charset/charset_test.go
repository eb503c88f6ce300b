package charset_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/troikaml/troika/text/charset"
)

func encode(tb testing.TB, enc charset.Encoding, s string) []byte {
	tb.Helper()
	e, err := htmlindex.Get(string(enc))
	if err != nil {
		tb.Fatal(err)
	}
	b, err := e.NewEncoder().Bytes([]byte(s))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// texts are our own, some 20 characters each.
var texts = []struct {
	text      string
	encodings []charset.Encoding
}{
	{"今天天气很好，我们一起去公园散步吧。", []charset.Encoding{charset.UTF8, charset.GB18030, charset.UTF16LE, charset.UTF16BE}},
	{"模型训练需要大量干净的文本数据。", []charset.Encoding{charset.UTF8, charset.GB18030, charset.UTF16LE, charset.UTF16BE}},
	{"今天天氣很好，我們一起去公園散步吧。", []charset.Encoding{charset.UTF8, charset.Big5, charset.GB18030}},
	{"訓練模型需要大量乾淨的文字資料。", []charset.Encoding{charset.UTF8, charset.Big5, charset.GB18030}},
	{"今日は天気がいいので、公園を散歩しましょう。", []charset.Encoding{charset.UTF8, charset.ShiftJIS, charset.EUCJP}},
	{"오늘은 날씨가 좋으니 공원을 산책합시다.", []charset.Encoding{charset.UTF8, charset.EUCKR}},
	{"Die Größe der Bäume fällt während des Jahres über alle Maßen auf.", []charset.Encoding{charset.UTF8, charset.Windows1252}},
	{"L’été dernier, nous étions à la plage « Belle Île » près de Brest.", []charset.Encoding{charset.UTF8, charset.Windows1252}},
	{"Smörgåsbord på svenska; mañana será otro día.", []charset.Encoding{charset.UTF8, charset.Windows1252}},
	{"plain ASCII text", []charset.Encoding{charset.UTF8}},
	{"", []charset.Encoding{charset.UTF8}},
}

func TestDecode(t *testing.T) {
	for _, c := range texts {
		for _, enc := range c.encodings {
			b := encode(t, enc, c.text)
			for _, declared := range []string{"", string(enc), "utf-8", "iso-8859-1", "no-such-encoding"} {
				got, as, err := charset.Decode(b, declared)
				if err != nil || got != c.text || as != enc {
					t.Errorf("%s declared %q: %q as %s, %v", enc, declared, got, as, err)
				}
			}
		}
	}
}

func TestDeclared(t *testing.T) {
	russian := "Сегодня хорошая погода, пойдём гулять."
	b := encode(t, "windows-1251", russian)
	if got, as, err := charset.Decode(b, "CP1251"); err != nil || got != russian || as != "windows-1251" {
		t.Errorf("windows-1251: %q as %s, %v", got, as, err)
	}
	b = encode(t, "iso-2022-jp", "漢字")
	if got, as, err := charset.Decode(b, "iso-2022-jp"); err != nil || got != "漢字" {
		t.Errorf("iso-2022-jp: %q as %s, %v", got, as, err)
	}
	long := strings.Repeat("今天天气很好，我们一起去公园散步吧。", 20)
	if got, as, err := charset.Decode(encode(t, "gbk", long), "big5"); err != nil || got != long {
		t.Errorf("GBK declared as Big5: %.40q as %s, %v", got, as, err)
	}
}

func TestMarksAndDamage(t *testing.T) {
	for in, want := range map[string]struct {
		text string
		enc  charset.Encoding
	}{
		"\xEF\xBB\xBFabc":                       {"abc", charset.UTF8},
		"\xFF\xFEa\x00-N":                       {"a中", charset.UTF16LE},
		"\xFE\xFF\x00aN-":                       {"a中", charset.UTF16BE},
		"\xFF\xFEa\x00b":                        {"a\uFFFD", charset.UTF16LE},
		"今天天气很\xe4\xb8":                         {"今天天气很\uFFFD", charset.UTF8},
		strings.Repeat("中文", 20) + "\xff" + "x": {strings.Repeat("中文", 20) + "\uFFFDx", charset.UTF8},
		"a\x00b\x00c\x00d\x00":                  {"abcd", charset.UTF16LE},
		"a\x00b\x00c\x00d\x00e":                 {"abcd\uFFFD", charset.UTF16LE},
		"one NUL \x00 among many letters":       {"one NUL \x00 among many letters", charset.UTF8},
	} {
		got, enc, err := charset.Decode([]byte(in), "")
		if err != nil || got != want.text || enc != want.enc {
			t.Errorf("%q: %q as %s, %v; want %q as %s", in, got, enc, err, want.text, want.enc)
		}
	}
	for _, in := range []string{"\x7fELF\x02\x01\x01\x00\x00\x00\x03\x07\x06", strings.Repeat("\x00\x01\x02", 100)} {
		if s, enc, err := charset.Decode([]byte(in), ""); !errors.Is(err, charset.ErrBinary) {
			t.Errorf("%q: %q as %s, %v", in, s, enc, err)
		}
	}
}

// TestFarBetween has little text among much markup: what counts is the text.
func TestFarBetween(t *testing.T) {
	var page strings.Builder
	for _, s := range []string{"天气", "公园散步", "模型训练需要大量", "干净的文本数据，", "今天天气很好。"} {
		page.WriteString("<p>" + s + "</p>" + strings.Repeat("<script>let x = 1 < 2;</script>", 400))
	}
	b := encode(t, charset.GB18030, page.String())
	for _, declared := range []string{"", "iso-8859-1", "big5", "euc-kr"} {
		if got, as, err := charset.Decode(b, declared); err != nil || got != page.String() {
			t.Errorf("declared %q: as %s, %v", declared, as, err)
		}
	}
}

func TestDeclaredInDocument(t *testing.T) {
	for in, want := range map[string]string{
		`<meta charset="gbk">`:                                                 "gbk",
		`<META CHARSET = GB2312 >`:                                             "gb2312",
		`<?xml version="1.0" encoding='big5'?><a`:                              "big5",
		`<meta http-equiv="Content-Type" content="text/html; charset=euc-kr">`: "euc-kr",
		`<!-- charset --><meta charset=utf-8>`:                                 "utf-8",
		`<p>encoding="big5"`:                                                   "",
		`<meta charset=`:                                                       "",
		strings.Repeat(" ", 1024) + `<meta charset="gbk">`:                     "",
	} {
		if got := charset.Declared([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range texts {
		for _, enc := range c.encodings {
			f.Add(encode(f, enc, c.text), "")
		}
	}
	f.Add([]byte("\x1B$B4A;z"), "iso-2022-jp")
	f.Add([]byte("\xff\xfe\x00"), "replacement")
	f.Add([]byte("+AGE-"), "x-user-defined")
	f.Fuzz(func(t *testing.T, b []byte, declared string) {
		s, enc, err := charset.Decode(b, declared)
		if err != nil {
			if !errors.Is(err, charset.ErrBinary) || s != "" {
				t.Errorf("%q, %v", s, err)
			}
			return
		}
		if !utf8.ValidString(s) {
			t.Errorf("as %s not UTF-8: %q", enc, s)
		}
		if len(s) > 3*len(b)+3 {
			t.Errorf("as %s %d bytes from %d", enc, len(s), len(b))
		}
		if again, as, err := charset.Decode(b, declared); again != s || as != enc || err != nil {
			t.Errorf("another result the second time: %q as %s, %v", again, as, err)
		}
		_ = charset.Declared(b)
	})
}

func ExampleDecode() {
	gbk := []byte("\xd6\xd0\xce\xc4\xb5\xc4\xd3\xef\xd1\xd4") // declared wrongly
	s, enc, err := charset.Decode(gbk, "iso-8859-1")
	fmt.Println(s, enc, err)
	// Output: 中文的语言 gb18030 <nil>
}
