package refine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine"
)

func file(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content)} }

func TestFolder(t *testing.T) {
	fsys := fstest.MapFS{
		"fruit/apple.txt":               file("Apples are round.\r\n"),
		"fruit/deep/er/pear.md":         file("# Pear\n\nA **pear** is not [round](x.html).\n"),
		"fruit/en/fig.html":             file("<html lang=de><title>Fig</title><body><h1>Fig</h1><p>Figs are sweet.</p>"),
		"fruit/zh-CN/fig.htm":           file("<title>无花果</title><body><p>无花果很甜。</p>"),
		"fruit/lang.html":               file("<html lang=pt-br><body><p>O abacaxi</p>"),
		"fruit/zh.txt":                  file("苹果是圆的。"),
		"fruit/empty.html":              file("<title>Only a title</title><h1>Only a title</h1>"),
		"tools/net/saw.txt":             file("A saw cuts."), // "net" has three letters: no language
		"tools/hammer.text":             file("A hammer drives nails."),
		"tools/.hidden.txt":             file("no"),
		"tools/_draft/x.txt":            file("no"),
		".git/config":                   file("no"),
		"tools/pipe.txt":                {Mode: fs.ModeNamedPipe},
		"tools/photo.jpg":               file("\xff\xd8"),
		"tools/binary.txt":              file("a\x00b"),
		"tools/latin1.txt":              file("caf\xe9 caf\xe9"),
		"tools/mended.txt":              file(strings.Repeat("fine ", 100) + "\xff"),
		"readme.txt":                    file("not below a label"),
		"more.jsonl":                    file(`{"text":"An awl pierces.","label":"tools","id":"awl"}` + "\n\n" + `{"text":"x"}` + "\n"),
		"tools/charset.html":            file("<meta charset=klingon><p>caf\xe9"),
		"tools/gbk.html":                file("<meta charset=\"gbk\"><p>\xd6\xd0\xce\xc4"),
		"tools/" + "unreadable/x.txt/y": file("not read: no kind"),
	}
	docs, failures, err := refine.Folder(fsys)
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ label, lang, group, title, text string }
	got := map[string]row{}
	for _, d := range docs {
		got[d.ID] = row{d.Label, d.Lang, d.Group, d.Title, d.Text}
		if d.ID != "awl" && (d.Source != d.ID || d.Raw != troika.Sum(fsys[d.ID].Data)) {
			t.Errorf("%s: source %s, raw %s", d.ID, d.Source, d.Raw)
		}
	}
	want := map[string]row{
		"fruit/apple.txt":       {"fruit", "", "", "", "Apples are round."},
		"fruit/deep/er/pear.md": {"fruit", "", "", "Pear", "A pear is not round."},
		"fruit/en/fig.html":     {"fruit", "en", "fruit/fig", "Fig", "Figs are sweet."},
		"fruit/zh-CN/fig.htm":   {"fruit", "zh-CN", "fruit/fig", "无花果", "无花果很甜。"},
		"fruit/lang.html":       {"fruit", "pt-BR", "", "", "O abacaxi"},
		"fruit/zh.txt":          {"fruit", "zh", "", "", "苹果是圆的。"},
		"fruit/empty.html":      {"fruit", "", "", "Only a title", ""},
		"tools/net/saw.txt":     {"tools", "", "", "", "A saw cuts."},
		"tools/hammer.text":     {"tools", "", "", "", "A hammer drives nails."},
		"tools/mended.txt":      {"tools", "", "", "", strings.Repeat("fine ", 100) + "\uFFFD"},
		"tools/gbk.html":        {"tools", "zh", "", "", "中文"},
		"awl":                   {"tools", "", "", "", "An awl pierces."},
	}
	for id, w := range want {
		if got[id] != w {
			t.Errorf("%s: got %+v, want %+v", id, got[id], w)
		}
		delete(got, id)
	}
	for id, r := range got {
		t.Errorf("unexpected document %s: %+v", id, r)
	}
	wantFailures := []string{
		`more.jsonl:3: field "label" is missing or empty`,
		"readme.txt: not in the folder of a label, and not a .jsonl file",
		"tools/binary.txt: byte 1 is NUL: not a text file",
		`tools/charset.html: parse html: charset "klingon" is not known`,
		"tools/latin1.txt: not UTF-8: the first of 2 broken bytes is byte 3",
		`tools/photo.jpg: files of kind ".jpg" are not read`,
		"tools/pipe.txt: not a regular file",
		`tools/unreadable/x.txt/y: files of kind "" are not read`,
	}
	for i, f := range failures {
		if i >= len(wantFailures) || f.Error() != wantFailures[i] {
			t.Errorf("failure %d: %s", i, f.Error())
		}
	}
	if len(failures) != len(wantFailures) {
		t.Errorf("%d failures, want %d", len(failures), len(wantFailures))
	}
	t.Run("any number of processors", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		again, _, err := refine.Folder(fsys)
		if err != nil || !reflect.DeepEqual(again, docs) {
			t.Errorf("one processor gives other documents (%v)", err)
		}
	})
}

func TestFolderWithNothingInIt(t *testing.T) {
	for name, fsys := range map[string]fstest.MapFS{
		"empty":        {},
		"only refused": {"a/b.jpg": file("")},
	} {
		if _, failures, err := refine.Folder(fsys); err == nil || len(failures) != len(fsys) {
			t.Errorf("%s: %v, %v", name, failures, err)
		}
	}
}

func TestFolderRefusesHugeFiles(t *testing.T) {
	fsys := fstest.MapFS{"a/huge.txt": {Data: bytes.Repeat([]byte("x"), 16<<20+1)}, "a/b.txt": file("fine")}
	docs, failures, err := refine.Folder(fsys)
	if err != nil || len(docs) != 1 || len(failures) != 1 || failures[0].Error() != "a/huge.txt: over 16777216 bytes" {
		t.Errorf("%d documents, %v, %v", len(docs), failures, err)
	}
}

func TestReadLabelled(t *testing.T) {
	in := "\ufeff" + `{"text": "one\r\ntwo ", "label": " a", "lang": "en", "group": "g", "more": [1]}` + "\r\n" +
		"   \n" +
		`{"text": "one", "label": 7}` + "\n" +
		`{"text": "one", "label": "a"` + "\n" +
		`["text"]` + "\n" +
		`{"label": "a"}` + "\n" +
		`{"text": " ", "label": "a"}` + "\n" +
		"{\"text\": \"\xff\", \"label\": \"a\"}\n" +
		`{"text": "one", "label": "a"} {}` + "\n" +
		`{"text": "` + strings.Repeat("x", refine.MaxLine) + `", "label": "a"}` + "\n" +
		`{"text": "last", "label": "b"}` // no line end
	docs, failures := refine.ReadLabelled(strings.NewReader(in), "in.jsonl")
	if len(docs) != 2 {
		t.Fatalf("%d documents, want 2: %v", len(docs), docs)
	}
	d := docs[0]
	if d.ID != "in.jsonl:1" || d.Source != "in.jsonl:1" || d.Text != "one\ntwo" || d.Label != "a" || d.Lang != "en" || d.Group != "g" {
		t.Errorf("first document: %+v", d)
	}
	if docs[1].ID != "in.jsonl:11" || docs[1].Text != "last" {
		t.Errorf("last document: %+v", docs[1])
	}
	want := []string{
		`in.jsonl:3: field "label" is a JSON number`,
		`in.jsonl:4: broken JSON at byte 28: unexpected end of JSON input`,
		`in.jsonl:5: not a JSON object`,
		`in.jsonl:6: field "text" is missing`,
		`in.jsonl:7: field "text" is empty`,
		`in.jsonl:8: byte 11 is not UTF-8`,
		`in.jsonl:9: broken JSON at byte 31: invalid character '{' after top-level value`,
		`in.jsonl:10: line too long: 4194330 bytes, the limit is 4194304`,
	}
	for i, f := range failures {
		if i >= len(want) || f.Error() != want[i] {
			t.Errorf("failure %d: %s", i, f.Error())
		}
	}
	if len(failures) != len(want) || !errors.Is(failures[len(failures)-1], refine.ErrLineTooLong) {
		t.Errorf("%d failures, want %d", len(failures), len(want))
	}
}

func TestReadLabelledReportsTheReader(t *testing.T) {
	broken := errors.New("disk on fire")
	r := io.MultiReader(strings.NewReader(`{"text":"a","label":"b"}`+"\n"+`{"te`), iotest.ErrReader(broken))
	docs, failures := refine.ReadLabelled(r, "x")
	if len(docs) != 1 || len(failures) != 1 || !errors.Is(failures[0], broken) || failures[0].Line != 2 {
		t.Errorf("%v, %v", docs, failures)
	}
}

func TestLines(t *testing.T) {
	for in, want := range map[string]string{
		"":                  "",
		"\n":                "1:|",
		"a":                 "1:a|",
		"a\n":               "1:a|",
		"a\nb":              "1:a|2:b|",
		"a\r\n\r\nb\r\n":    "1:a|2:|3:b|",
		"12345\n":           "1:12345|",
		"12345\r\n":         "1:12345|",
		"123456\nb\n":       "1:!6|2:b|",
		"123456\r\nb\n":     "1:!6|2:b|",
		"1234567":           "1:!7|",
		"\xef\xbb\xbfa\nb":  "1:a|2:b|",
		"a\n\xef\xbb\xbfb ": "1:a|2:\xef\xbb\xbfb |",
	} {
		var got strings.Builder
		for line, err := range refine.Lines(iotest.OneByteReader(strings.NewReader(in)), 5) {
			if err != nil {
				var size int
				if _, scan := fmt.Sscanf(err.Error(), "line too long: %d bytes", &size); scan != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&got, "%d:!%d|", line.Number, size)
				continue
			}
			fmt.Fprintf(&got, "%d:%s|", line.Number, line.Bytes)
		}
		if got.String() != want {
			t.Errorf("Lines(%q) = %q, want %q", in, got.String(), want)
		}
	}
}

func FuzzReadLabelled(f *testing.F) {
	f.Add([]byte(`{"text":"a","label":"b"}` + "\n{\n"))
	f.Add([]byte("\xef\xbb\xbf{}\r\n\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		docs, failures := refine.ReadLabelled(bytes.NewReader(in), "f")
		lines := bytes.Count(in, []byte("\n")) + 1
		if len(docs)+len(failures) > lines {
			t.Errorf("%d documents and %d failures from %d lines", len(docs), len(failures), lines)
		}
		for _, d := range docs {
			if d.Text == "" || d.Label == "" || d.ID == "" {
				t.Errorf("%+v", d)
			}
		}
	})
}

func TestFailuresAreBounded(t *testing.T) {
	var many refine.Failures
	if many.Err() != nil {
		t.Error("no failures are an error")
	}
	for i := range 150 {
		many = append(many, refine.Failure{Path: "x", Line: i + 1, Err: errors.New("bad")})
	}
	lines := strings.Split(many.Err().Error(), "\n")
	if len(lines) != 102 || lines[0] != "150 skipped" || lines[100] != "x:100: bad" || lines[101] != "... and 50 more" {
		t.Errorf("%d lines: %q ... %q", len(lines), lines[0], lines[len(lines)-1])
	}
}

func TestGuessLang(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"plain English":          "",
		"这是中文，with some English": "zh",
		"これは日本語です":               "ja",
		"한국어입니다":                 "ko",
	} {
		if got := refine.GuessLang(in); got != want {
			t.Errorf("GuessLang(%q) = %q, want %q", in, got, want)
		}
	}
}

func Example() {
	docs, failures, err := refine.Folder(fstest.MapFS{
		"animals/cat.html": {Data: []byte("<title>Cat</title><h1>Cat</h1><p>It purrs.</p>")},
		"plants/oak.txt":   {Data: []byte("It grows slowly.")},
		"plants/oak.png":   {Data: []byte("...")},
	})
	for _, d := range docs {
		fmt.Println(d.Label, d.ID, d.Text)
	}
	fmt.Println(failures.Err(), err)
	// Output:
	// animals animals/cat.html It purrs.
	// plants plants/oak.txt It grows slowly.
	// 1 skipped
	// plants/oak.png: files of kind ".png" are not read <nil>
}
