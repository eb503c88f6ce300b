package bundle_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/tokenizer/chat"
)

const starterDir = "../starter"

func ExampleOpen() {
	b, err := bundle.Open("../starter", all.Architectures())
	if err != nil {
		fmt.Println(err)
		return
	}
	ids, err := b.Prompt(bundle.Conversation{Messages: []chat.Message{{Role: "user", Content: "你好"}}})
	fmt.Printf("%q %v\n", b.Tokenizer.Decode(ids, false), err)
	// Output: "<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n" <nil>
}

// A turn's prompt is what serving sends, and its completion ends with a token that
// ends an answer: else a tuned model would never stop.
func TestTurnsMatchServing(t *testing.T) {
	b, err := bundle.Open(starterDir, all.Architectures())
	if err != nil {
		t.Fatal(err)
	}
	c := bundle.Conversation{Messages: []chat.Message{
		{Role: "system", Content: "Be brief."},
		{Role: "user", Content: "One?"},
		{Role: "assistant", Content: "1"},
		{Role: "user", Content: "Two?"},
		{Role: "assistant", Content: "2"},
	}}
	turns, err := b.Turns(c)
	if err != nil || len(turns) != 2 {
		t.Fatalf("%d turns, %v", len(turns), err)
	}
	for _, turn := range turns {
		want, err := b.Prompt(bundle.Conversation{Messages: c.Messages[:turn.Message]})
		if err != nil || !slices.Equal(turn.Prompt, want) {
			t.Errorf("turn %d: prompt %v, serving sends %v (%v)", turn.Message, turn.Prompt, want, err)
		}
		if last := turn.Completion[len(turn.Completion)-1]; !slices.Contains(b.Generation.EOS, last) {
			t.Errorf("turn %d ends with token %d, which ends no answer", turn.Message, last)
		}
	}
}

// copyStarter copies the starter's small files, changed.
func copyStarter(t *testing.T, change map[string]func(string) string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja"} {
		data, err := os.ReadFile(filepath.Join(starterDir, name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if f := change[name]; f != nil {
			if text = f(text); text == "" {
				continue
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func replace(old, with string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, with, 1) }
}

func without(string) string { return "" }

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		file   string
		change func(string) string
		want   string
	}{
		{"config.json", without, "config.json: no such file"},
		{"config.json", replace(`"qwen3"`, `"qwen9"`), `model_type "qwen9" is not supported`},
		{"config.json", replace("8192", "8000"), "tokenizer.json has 8192 tokens, the model's vocabulary is 8000"},
		{"tokenizer.json", replace("{", "["), "tokenizer.json"},
		{"chat_template.jinja", replace("{%-", "{%- nonsense"), "chat_template"},
		{"generation_config.json", replace("{", "["), "generation_config.json"},
	} {
		_, err := bundle.Open(copyStarter(t, map[string]func(string) string{c.file: c.change}), all.Architectures())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

func TestNoTemplate(t *testing.T) {
	b, err := bundle.Open(copyStarter(t, map[string]func(string) string{"chat_template.jinja": without}), all.Architectures())
	if err != nil || b.HasTemplate() {
		t.Fatalf("template found, %v", err)
	}
	if _, err := b.Prompt(bundle.Conversation{Messages: []chat.Message{{Role: "user", Content: "x"}}}); !errors.Is(err, bundle.ErrNoTemplate) {
		t.Errorf("error %v, want %v", err, bundle.ErrNoTemplate)
	}
}

// The end tokens come from config.json where generation_config.json is missing.
func TestGenerationDefaults(t *testing.T) {
	b, err := bundle.Open(copyStarter(t, map[string]func(string) string{"generation_config.json": without}), all.Architectures())
	if err != nil || !slices.Equal(b.Generation.EOS, []int32{8191}) || b.Generation.DoSample {
		t.Errorf("generation %+v, %v", b.Generation, err)
	}
}

func TestDigestChangesWithContent(t *testing.T) {
	open := func(change map[string]func(string) string) string {
		b, err := bundle.Open(copyStarter(t, change), all.Architectures())
		if err != nil {
			t.Fatal(err)
		}
		d, err := b.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return d.String()
	}
	same, again := open(nil), open(nil)
	other := open(map[string]func(string) string{"config.json": replace("1024", "1023")})
	if same != again || same == other {
		t.Errorf("digests %s, %s and %s", same, again, other)
	}
}
