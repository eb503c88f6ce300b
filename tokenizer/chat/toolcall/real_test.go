package toolcall_test

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/troikaml/troika/tokenizer/chat"
	"github.com/troikaml/troika/tokenizer/chat/toolcall"
)

var realDir = flag.String("real", "", "directory with NAME/tokenizer_config.json of real models")

// TestReal reads back the calls that the templates of real models write, which are not
// in the repository: what a model was trained to write is what its template writes.
func TestReal(t *testing.T) {
	if *realDir == "" {
		t.Skip("no -real DIR: put NAME/tokenizer_config.json there")
	}
	tools := []byte(`[{"type":"function","function":{"name":"weather","description":"Tells the weather.","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]`)
	calls := []byte(`[{"id":"a1b2c3d4e","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Köln \\\"😀\\\"\", \"n\": [1, 2.5, true, null, {\"a\": \"</tool_call>\"}]}"}}]`)
	want := []call{{"weather", `{"city": "Köln \"😀\"", "n": [1, 2.5, true, null, {"a": "</tool_call>"}]}`}}
	for name, format := range map[string]toolcall.Format{
		"qwen3": toolcall.Hermes, "qwen2_5": toolcall.Hermes, "llama3_1": toolcall.Plain,
		"mistral_nemo": toolcall.Mistral, "gemma3": toolcall.Plain,
	} {
		files := os.DirFS(filepath.Join(*realDir, name))
		sources, err := chat.Resolve(files)
		if err != nil {
			t.Fatal(err)
		}
		chosen, err := chat.Select(sources, true)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := toolcall.Detect(sources[chosen]); got != format {
			t.Errorf("%s: format %q, want %q", name, got, format)
			continue
		}
		tmpl, err := chat.Parse(name, sources[chosen])
		if err != nil {
			t.Fatal(err)
		}
		vars, err := chat.SpecialTokens(files)
		if err != nil {
			t.Fatal(err)
		}
		in := chat.Input{
			Tools: tools, DecodeArguments: true, Vars: vars, Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
			Messages: []chat.Message{
				{Role: "user", Content: "How is the weather in Köln?"},
				{Role: "assistant", NoContent: true, ToolCalls: calls},
			},
		}
		if chat.NeedsContent(tmpl, vars) {
			in.Messages[1].NoContent = false
		}
		if !strings.Contains(sources[chosen], "tools") {
			if in, _, err = chat.DescribeTools(in); err != nil {
				t.Fatal(err)
			}
		}
		turns, err := tmpl.Turns(in)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text := turns[len(turns)-1].Completion
		for _, end := range []string{"<|im_end|>", "<|eot_id|>", "</s>", "<end_of_turn>"} {
			text = strings.TrimSuffix(strings.TrimRight(text, "\n"), end)
		}
		content, got := read(t, toolcall.NewParser(format, []string{"weather"}, false), text)
		content = strings.TrimPrefix(content, "<think>\n\n</think>") // what Qwen3 has not thought
		if strings.TrimSpace(content) != "" || !reflect.DeepEqual(got, want) {
			t.Errorf("%s writes %q\nread as %q and %q", name, text, content, got)
		}
	}
}
