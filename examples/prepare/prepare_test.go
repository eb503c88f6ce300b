package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/troikaml/troika/dataset"
)

// written writes the splits and reads them as the program does.
func written(t *testing.T, s splits) map[string][]dataset.Example {
	t.Helper()
	dir := t.TempDir()
	if err := s.write(dir); err != nil {
		t.Fatal(err)
	}
	out := map[string][]dataset.Example{}
	for _, split := range dataset.Splits() {
		f, err := os.Open(filepath.Join(dir, split+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		if out[split], err = dataset.ReadChat(f, split); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// apart fails where two splits have a key in common.
func apart(t *testing.T, all map[string][]dataset.Example, key func(dataset.Example) string) {
	t.Helper()
	home := map[string]string{}
	for split, examples := range all {
		for _, e := range examples {
			k := key(e)
			if k == "" {
				t.Errorf("%s: no key", e.Name)
			}
			if first, seen := home[k]; seen && first != split {
				t.Errorf("%q is in %s and %s", k, first, split)
			}
			home[k] = split
		}
	}
}

func TestTools(t *testing.T) {
	src := fstest.MapFS{}
	for i := range 40 {
		var code strings.Builder
		fmt.Fprintf(&code, "package p%d\n", i)
		for j := range 5 {
			fmt.Fprintf(&code, "// F%d does it.\nfunc F%d() {}\n", j, j)
		}
		src[fmt.Sprintf("net/p%d/x.go", i)] = &fstest.MapFile{Data: []byte(code.String())}
	}
	s, err := tools(src)
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]int{}
	apart(t, written(t, s), func(e dataset.Example) string {
		var calls []call
		if err := json.Unmarshal(e.Messages[1].ToolCalls, &calls); err != nil || len(calls) != 1 {
			t.Fatalf("%s: calls %s: %v", e.Name, e.Messages[1].ToolCalls, err)
		}
		functions[calls[0].Function.Name]++
		var arguments map[string]string
		if err := json.Unmarshal([]byte(calls[0].Function.Arguments), &arguments); err != nil {
			t.Fatal(err)
		}
		question := e.Messages[0].Content
		for name, value := range arguments {
			if value == "" || !strings.Contains(question, value) {
				t.Errorf("%s: %s %q is not in the question %q", e.Name, name, value, question)
			}
		}
		if strings.ContainsAny(question, "{}") || len(arguments) != 2 && calls[0].Function.Name != "list_symbols" {
			t.Errorf("%s: %q, %v", e.Name, question, arguments)
		}
		return arguments["package"]
	})
	if len(functions) != len(intents) {
		t.Errorf("functions called: %v", functions)
	}
}

func TestTexts(t *testing.T) {
	type song struct {
		Title, Author string
		Paragraphs    []string
	}
	var songs []song
	for i := range 200 {
		verse := strings.Repeat(string(rune('一'+i)), 60)
		songs = append(songs, song{fmt.Sprintf("戏%d・曲", i/4), "人", []string{verse, "二"}})
	}
	songs = append(songs, songs[7], song{"短・曲", "人", []string{"短"}})
	b, err := json.Marshal(songs)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "songs.json")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := texts(name)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	home := map[rune]string{} // of the four songs of a play
	for split, lines := range s {
		n += len(lines)
		for _, l := range lines {
			text := l.(map[string]string)["text"]
			verse, ok := strings.CutPrefix(text, "曲\n")
			if !ok {
				t.Fatalf("text %q", text)
			}
			play := ([]rune(verse)[0] - '一') / 4
			if first, seen := home[play]; seen && first != split {
				t.Errorf("play %d is in %s and %s", play, first, split)
			}
			home[play] = split
		}
	}
	if n != 200 {
		t.Errorf("%d songs, want 200: one repeats another, one is short", n)
	}
	if err := s.write(t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestPairs(t *testing.T) {
	shard := func(lines ...string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(strings.Join(lines, "\n") + "\n")}
	}
	line := func(from, to string, score float64) string {
		b, err := json.Marshal(map[string]any{"text": from, "translation": to, "score": score})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	s, err := pairs(fstest.MapFS{
		"train-00000.jsonl":      shard(line("Click the button.", "单击按钮。", 0.95), line("Unlikely to be it", "不太像", 0.2), line("Same words.", "Same words.", 1)),
		"validation-00000.jsonl": shard(line("Close the window.", "关闭窗口。", 0.95), line("CLICK the button.", "点按钮。", 0.95)),
		"test-00000.jsonl":       shard(line("Open the window.", "打开窗口。", 0.95), line("Press the button.", "单击按钮。", 0.95), line("Now click the button.", "现在点它。", 0.95)),
	})
	if err != nil {
		t.Fatal(err)
	}
	all := written(t, s)
	for _, split := range dataset.Splits() {
		if len(all[split]) != 1 {
			t.Errorf("%s: %d pairs, want 1: what the train split has in either language, or nearly, is not asked again", split, len(all[split]))
		}
	}
	if got := all[dataset.Test][0].Messages; got[0].Content != "Translate into Chinese: Open the window." || got[1].Content != "打开窗口。" {
		t.Errorf("%+v", got)
	}
	if _, err := pairs(fstest.MapFS{"train-00000.jsonl": shard(`{"text":"a"}`)}); err == nil {
		t.Error("texts were taken for translations")
	}
	if _, err := pairs(fstest.MapFS{}); err == nil {
		t.Error("an empty folder was taken")
	}
}

func TestPreferences(t *testing.T) {
	pages := fstest.MapFS{}
	for i := range 60 {
		for lang, word := range map[string]string{"en": "apple%d pear%d plum%d fig%d", "zh": "苹%d 梨%d 李%d 果%d"} {
			body := fmt.Sprintf(word, i, i, i, i)
			html := fmt.Sprintf("<html lang=%q><title>Title %s %d</title><body><h1>Title %s %d</h1><p>%s</p></body></html>", lang, lang, i, lang, i, body)
			pages[fmt.Sprintf("%s/dir/%02d.html", lang, i)] = &fstest.MapFile{Data: []byte(html)}
		}
	}
	s, err := preferences(pages)
	if err != nil {
		t.Fatal(err)
	}
	all := written(t, s)
	apart(t, all, func(e dataset.Example) string {
		better, worse := strings.Fields(e.Messages[1].Content), strings.Fields(e.Rejected[0].Content)
		if len(better) != 3 || len(worse) != 3 || better[1] != worse[1] || better[2] == worse[2] {
			t.Errorf("%s: %q over %q: want titles of two pages in one language", e.Name, better, worse)
		}
		if question := e.Messages[0].Content; !strings.Contains(question, better[2]) || strings.Contains(question, "Title") {
			t.Errorf("%s: question %q does not show the page of %q, or tells its title", e.Name, question, better)
		}
		return better[2] // a page and its translation
	})
}

func TestKeep(t *testing.T) {
	s := splits{}
	for i := range 10 {
		s.add(dataset.Train, i)
		s.add(dataset.Test, i)
	}
	s.keep(20, 3)
	if got := fmt.Sprint(s[dataset.Train], s[dataset.Test]); got != "[0 1 2 3 4 5 6 7 8 9] [0 3 6]" {
		t.Error(got)
	}
	if err := s.write(t.TempDir()); err == nil {
		t.Error("a split without examples was written")
	}
}
