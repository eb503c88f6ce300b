package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/hub"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/train"
)

// TestFormatsAreDescribed holds docs/format to the fields that are written.
func TestFormatsAreDescribed(t *testing.T) {
	for page, values := range map[string][]any{
		"dataset.md": {dataset.Manifest{}, dataset.SplitInfo{}, dataset.Shard{}, dataset.Step{}, dataset.Record{}, dataset.Outcome{}, dataset.Card{}, dataset.Source{}, dataset.Input{}},
		"run.md":     {train.Progress{}},
		"adapter.md": {provenance{}, adapter.Config{}, train.Config{}},
		"home.md":    {hub.Manifest{}, hub.File{}, serve.Key{}},
	} {
		text, err := os.ReadFile("../../docs/format/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			of := reflect.TypeOf(v)
			for field := range of.Fields() {
				name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				if name != "" && name != "-" && !strings.Contains(string(text), "`"+name+"`") {
					t.Errorf("%s does not tell of %s, field %s of %v", page, name, field.Name, of)
				}
			}
		}
	}
}
