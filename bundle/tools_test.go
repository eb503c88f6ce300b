package bundle_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/tokenizer/chat"
	"github.com/troikaml/troika/tokenizer/chat/toolcall"
)

// A template that has no place for tools gets them in the messages, when training as
// when serving.
func TestTools(t *testing.T) {
	b, err := bundle.Open(starterDir, all.Architectures())
	if err != nil {
		t.Fatal(err)
	}
	c := bundle.Conversation{
		Tools: []byte(`[{"type":"function","function":{"name":"now"}}]`),
		Messages: []chat.Message{
			{Role: "user", Content: "When?"},
			{Role: "assistant", NoContent: true, ToolCalls: []byte(`[{"id":"a","type":"function","function":{"name":"now","arguments":"{}"}}]`)},
			{Role: "tool", ToolCallID: "a", Content: "noon"},
			{Role: "assistant", Content: "Noon."},
		},
	}
	turns, err := b.Turns(c)
	if err != nil || len(turns) != 2 || turns[0].Message != 1 || turns[1].Message != 3 {
		t.Fatalf("turns %+v, %v", turns, err)
	}
	for _, turn := range turns {
		want, err := b.Prompt(bundle.Conversation{Tools: c.Tools, Messages: c.Messages[:turn.Message]})
		if err != nil || !slices.Equal(turn.Prompt, want) {
			t.Errorf("turn %d: prompt %v, serving sends %v (%v)", turn.Message, turn.Prompt, want, err)
		}
	}
	if text := b.Tokenizer.Decode(turns[0].Completion, true); text != `{"name": "now", "parameters": {}}` {
		t.Errorf("the call is learnt as %q", text)
	}
	if text := b.Tokenizer.Decode(turns[1].Prompt, true); !strings.Contains(text, `{"name":"now"}`) || !strings.Contains(text, "Result of now:\nnoon") {
		t.Errorf("the result is seen as %q", text)
	}
}

func TestToolFormat(t *testing.T) {
	for template, want := range map[string]toolcall.Format{
		"":                                      toolcall.Plain,
		"{#- tools <tool_call> -#}":             toolcall.Hermes,
		"{#- tools <|strange_calls_begin|> -#}": toolcall.Unknown,
	} {
		b, err := bundle.Open(copyStarter(t, map[string]func(string) string{
			"chat_template.jinja": func(s string) string { return template + s },
		}), all.Architectures())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := b.ToolFormat(); got != want || err != nil {
			t.Errorf("%q: %q, %v", template, got, err)
		}
	}
}
