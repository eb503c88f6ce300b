package dataset_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/lineage"
	"github.com/troikaml/troika/store"
)

const chats = `{"messages": [{"role":"user","content":"2 < 3?"}, {"role":"assistant","content":"yes","mood":[1, 2]}]}
{"tools":[{"type":"function","function":{"name":"add"}}],"messages":[{"role":"user","content":"1+1"},{"role":"assistant","content":"wrong","weight":0},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"add","arguments":"{}"}}]}]}

{"messages":[{"role":"user","content":"2 < 3?"},{"role":"assistant","content":"yes"}]}
`

func readChats(t testing.TB, text, name string) []dataset.Example {
	t.Helper()
	examples, err := dataset.ReadChat(strings.NewReader(text), name)
	if err != nil {
		t.Fatal(err)
	}
	return examples
}

// alike fails unless a template and the loss see the same in two examples.
func alike(t testing.TB, got, want dataset.Example) {
	t.Helper()
	if !reflect.DeepEqual(got.Weights, want.Weights) || len(got.Messages) != len(want.Messages) {
		t.Fatalf("%s: %+v, want %+v", got.Name, got, want)
	}
	for i := range got.Messages {
		a, err := got.Messages[i].Value(false)
		if err != nil {
			t.Fatal(err)
		}
		b, err := want.Messages[i].Value(false)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s, message %d: %+v, want %+v", got.Name, i+1, got.Messages[i], want.Messages[i])
		}
	}
	var a, b any
	if len(want.Tools) > 0 {
		if err := errors.Join(json.Unmarshal(got.Tools, &a), json.Unmarshal(want.Tools, &b)); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%s: tools %s, want %s", got.Name, got.Tools, want.Tools)
	}
}

func TestFromChats(t *testing.T) {
	train, valid := readChats(t, chats, "a.jsonl"), readChats(t, chats[:strings.Index(chats, "\n")], "valid.jsonl")
	v, err := dataset.FromChats(map[string][]dataset.Example{dataset.Train: train, dataset.Validation: valid})
	if err != nil {
		t.Fatal(err)
	}
	// The digest is part of the format: another program that reads these lines
	// must come to the same.
	const want = "sha256:207be3c42e2b38b4d2459ad61189cacc7ce311727793e3c00ecada44fca1161d"
	if got := v.Digest().String(); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	renamed, err := dataset.FromChats(map[string][]dataset.Example{
		dataset.Train: readChats(t, chats, "elsewhere/b.jsonl"), dataset.Validation: valid,
	})
	if err != nil || renamed.Digest() != v.Digest() {
		t.Errorf("the file's name changes the version: %v", err)
	}
	split, err := dataset.FromChats(map[string][]dataset.Example{dataset.Train: train, dataset.Test: valid})
	if err != nil || split.Digest() == v.Digest() {
		t.Errorf("another split is the same version: %v", err)
	}

	blobs := &store.Memory{}
	s, db := home(t, t.TempDir(), blobs)
	e, err := s.Add(t.Context(), "faq", v)
	if err != nil || e.Ref() != "faq@1" || e.Records != 4 {
		t.Fatalf("%+v, %v", e, err)
	}
	log, err := lineage.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if made, err := log.Of(t.Context(), v.Digest()); err != nil || len(made) != 1 || len(made[0].Inputs) != 1 {
		t.Errorf("lineage: %+v, %v", made, err)
	}
	if v, err = s.Open(t.Context(), "faq"); err != nil {
		t.Fatal(err)
	}
	back, err := v.Examples(dataset.Train, dataset.Prompt{Instruction: "Not for conversations."})
	if err != nil || len(back) != len(train) {
		t.Fatalf("%d examples, %v", len(back), err)
	}
	for i, e := range back {
		alike(t, e, train[i])
	}
	if back[2].Name != "train/00000003" {
		t.Errorf("the last is named %q", back[2].Name)
	}

	// What is exported is read as conversations again.
	dir := t.TempDir()
	if _, err := v.Export(dir, dataset.ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "train.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range readChats(t, string(text), "train.jsonl") {
		alike(t, e, train[i])
	}
}

func TestFromChatsRefuses(t *testing.T) {
	train := readChats(t, chats, "a.jsonl")
	labelled := dataset.Prompt{}.Example(dataset.Record{ID: "a", Text: "b", Label: "c"})
	for want, splits := range map[string]map[string][]dataset.Example{
		"too few documents": {dataset.Train: nil},
		"splits are [train": {"dev": train},
		"a was not read":    {dataset.Train: {labelled}},
	} {
		if _, err := dataset.FromChats(splits); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
