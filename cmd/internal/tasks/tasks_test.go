package tasks_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/troikaml/troika/cmd/internal/tasks"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/starter"
	"github.com/troikaml/troika/tokenizer"
)

func load() (*tokenizer.Tokenizer, error) {
	f, err := starter.Files().Open("tokenizer.json")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return tokenizer.Load(f)
}

func ExampleFolder() {
	dir := fstest.MapFS{}
	for i := range 30 {
		dir[fmt.Sprintf("cats/%d.txt", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "cat number %d sleeps", i*i*7919)}
		dir[fmt.Sprintf("dogs/%d.txt", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "dog number %d barks loudly", i*i*104729)}
	}
	tok, err := load()
	if err != nil {
		fmt.Println(err)
		return
	}
	v, failures, err := tasks.Folder(dir, tok)
	fmt.Println(v.Labels(), len(failures), err)
	// Output: [cats dogs] 0 <nil>
}

// No document is over the excerpt's length, and the recipe names the tokenizer.
func TestExcerpts(t *testing.T) {
	tok, err := load()
	if err != nil {
		t.Fatal(err)
	}
	var long strings.Builder
	for i := range 400 {
		fmt.Fprintf(&long, "word%d ", i*31)
	}
	dir := fstest.MapFS{}
	for i := range 30 {
		dir[fmt.Sprintf("a/%d.txt", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "%d %s", i*7919, long.String())}
		dir[fmt.Sprintf("b/%d.txt", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "short text %d", i*104729)}
	}
	v, _, err := tasks.Folder(dir, tok)
	if err != nil {
		t.Fatal(err)
	}
	for _, split := range dataset.Splits() {
		for _, r := range v.Split(split) {
			if n := len(tok.EncodeOrdinary(r.Text)); n > tasks.ExcerptTokens {
				t.Errorf("%s: %d tokens, want at most %d", r.ID, n, tasks.ExcerptTokens)
			}
		}
	}
}
