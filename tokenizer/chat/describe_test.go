package chat

import (
	"reflect"
	"strings"
	"testing"
)

// Some templates look into a content that is not there.
func TestNeedsContent(t *testing.T) {
	for source, want := range map[string]bool{
		"{% for m in messages %}{{ m.content }}{% endfor %}":                                                                      false,
		"{% for m in messages %}{{ m.content.strip() }}{% endfor %}":                                                              true,
		"{% for m in messages %}{% if m.content is defined %}{{ m.content.strip() }}{% endif %}{% endfor %}":                      false,
		"{% for m in messages %}{% if m.tool_calls %}{{ raise_exception('no') }}{% else %}{{ m.content }}{% endif %}{% endfor %}": false,
	} {
		tmpl, err := Parse("x", source)
		if err != nil {
			t.Fatal(err)
		}
		if got := NeedsContent(tmpl, nil); got != want {
			t.Errorf("%s: %v", source, got)
		}
	}
}

// A conversation with tools becomes one of system, user and assistant whose roles take
// turns.
func TestDescribeTools(t *testing.T) {
	in := Input{
		Tools: []byte(`[{"type":"function","function":{"name":"now", "parameters":{"b":1, "a":2}}}]`),
		Messages: []Message{
			{Role: "user", Content: "When?"},
			{Role: "assistant", NoContent: true, ToolCalls: []byte(`[{"id":"a","function":{"name":"now","arguments":"{\"z\": 1}"}},{"id":"b","function":{"name":"x","arguments":{}}}]`)},
			{Role: "tool", ToolCallID: "a", Content: "noon"},
			{Role: "tool", ToolCallID: "b", Parts: []byte(`[{"type":"text","text":"ok"}]`)},
			{Role: "user", Content: "And?"},
			{Role: "assistant", Content: "Noon."},
		},
	}
	out, origins, err := DescribeTools(in)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.Messages[0].Content, "\n\n"+`{"name":"now","parameters":{"b":1,"a":2}}`) || out.Tools != nil {
		t.Errorf("system %q, tools %s", out.Messages[0].Content, out.Tools)
	}
	want := []Message{
		{Role: "system", Content: out.Messages[0].Content},
		{Role: "user", Content: "When?"},
		{Role: "assistant", Content: `{"name": "now", "parameters": {"z": 1}}; {"name": "x", "parameters": {}}`},
		{Role: "user", Content: "Result of now:\nnoon\n\nResult of x:\nok\n\nAnd?"},
		{Role: "assistant", Content: "Noon."},
	}
	if !reflect.DeepEqual(out.Messages, want) || !reflect.DeepEqual(origins, []int{-1, 0, 1, 4, 5}) {
		t.Errorf("messages %+v, origins %v", out.Messages, origins)
	}
	in.Messages = []Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "?"}}
	out, _, err = DescribeTools(in)
	if err != nil || len(out.Messages) != 2 || !strings.HasPrefix(out.Messages[0].Content, "Be brief.\n\nYou can call") {
		t.Errorf("messages %+v, %v", out.Messages, err)
	}
	for _, bad := range []string{`{}`, `[{}]`, `[`} {
		in.Tools = []byte(bad)
		if _, _, err := DescribeTools(in); err == nil {
			t.Errorf("tools %s: no error", bad)
		}
	}
}
