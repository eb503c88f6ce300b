package chat

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// show renders what a template sees of the messages.
func show(t *testing.T, in Input, source string) string {
	t.Helper()
	tmpl, err := Parse("show", source)
	if err != nil {
		t.Fatal(err)
	}
	text, err := tmpl.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestMessageFromJSON(t *testing.T) {
	tests := []struct{ raw, want string }{
		{`{"content":"hi","role":"user"}`, `{"content": "hi", "role": "user"}`},
		{`{"role":"user","content":"a","zeta":1.0,"alpha":[1,{"b":null,"a":2}],"nil":null}`, `{"role": "user", "content": "a", "zeta": 1.0, "alpha": [1, {"b": null, "a": 2}]}`},
		{`{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f","arguments":"{\"z\":1,\"a\":2.0}"},"id":"x"}]}`, `{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{\"z\":1,\"a\":2.0}"}, "id": "x"}]}`},
		{`{"role":"assistant","tool_calls":null,"content":""}`, `{"role": "assistant", "content": ""}`},
		{`{"role":"user","content":[{"type":"text","text":"x"}],"name":"n"}`, `{"role": "user", "content": [{"type": "text", "text": "x"}], "name": "n"}`},
		{`{"role":"assistant","content":"a","reasoning":"r"}`, `{"thinking": "r", "role": "assistant", "content": "a", "reasoning": "r", "reasoning_content": "r"}`},
		{`{"role":"assistant","reasoning_content":"","content":"a"}`, `{"thinking": "", "role": "assistant", "reasoning_content": "", "content": "a"}`},
	}
	for _, tt := range tests {
		m, err := MessageFromJSON(json.RawMessage(tt.raw))
		if err != nil {
			t.Errorf("%s: %v", tt.raw, err)
			continue
		}
		if got := show(t, Input{Messages: []Message{m}}, "{{ messages[0]|tojson }}"); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.raw, got, tt.want)
		}
	}
}

func TestMessageFromJSONErrors(t *testing.T) {
	tests := []struct{ raw, want string }{
		{``, "unexpected EOF"},
		{`[]`, "JSON object"},
		{`{"content":"a"}`, "role is missing"},
		{`{"role":1}`, "role must be a string"},
		{`{"role":"user","content":5}`, "content must be a string or an array"},
		{`{"role":"user","tool_calls":{}}`, "tool_calls must be an array"},
		{`{"role":"user","name":[]}`, "name must be a string"},
		{`{"role":"user"} x`, "more text after the value"},
		{`{"role":"user","x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, "nest deeper"},
	}
	for _, tt := range tests {
		if _, err := MessageFromJSON(json.RawMessage(tt.raw)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.60s: got %v, want %s", tt.raw, err, tt.want)
		}
	}
}

// TestMessageFields changes a message that came as JSON: fields win, order
// stays.
func TestMessageFields(t *testing.T) {
	m, err := MessageFromJSON(json.RawMessage(`{"weight":1,"content":"old","role":"assistant"}`))
	if err != nil {
		t.Fatal(err)
	}
	m.Content, m.Name = "new", "ann"
	if got, want := show(t, Input{Messages: []Message{m}}, "{{ messages[0]|tojson }}"), `{"weight": 1, "content": "new", "role": "assistant", "name": "ann"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	made := Message{Role: "assistant", NoContent: true, ToolCalls: json.RawMessage(`[{"function":{"name":"f","arguments":"{\"b\":1,\"a\":2.0}"}},{"function":{"name":"g","arguments":"not JSON"}},{"x":1}]`), ReasoningContent: "r"}
	in := Input{Messages: []Message{made}, DecodeArguments: true}
	want := `{"thinking": "r", "role": "assistant", "reasoning_content": "r", "tool_calls": [{"function": {"name": "f", "arguments": {"b": 1, "a": 2.0}}}, {"function": {"name": "g", "arguments": "not JSON"}}, {"x": 1}]}`
	if got := show(t, in, "{{ messages[0]|tojson }}"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestInputErrors(t *testing.T) {
	tmpl, err := Parse("t", "{% for m in messages %}{{ m.content|trim }}{% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	user := []Message{{Role: "user", Content: "a"}}
	tests := []struct {
		in   Input
		want string
	}{
		{Input{}, "at least one message"},
		{Input{Messages: user, AddGenerationPrompt: true, ContinueFinalMessage: true}, "exclude each other"},
		{Input{Messages: user, Vars: map[string]Value{"messages": String("x")}}, `variable "messages"`},
		{Input{Messages: user, Tools: json.RawMessage(`{}`)}, "tools must be a JSON array"},
		{Input{Messages: user, Tools: json.RawMessage(`[1,]`)}, "tools: decode JSON"},
		{Input{Messages: []Message{{Role: "user", Parts: json.RawMessage(`[`)}}}, "message 0"},
		{Input{Messages: []Message{{Role: "user", NoContent: true}}, ContinueFinalMessage: true}, "no content to continue"},
		{Input{Messages: []Message{{Role: "user", Parts: json.RawMessage(`[{"type":"image"}]`)}}, ContinueFinalMessage: true}, "no text to continue"},
	}
	for _, tt := range tests {
		if _, err := tmpl.Render(tt.in); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func TestNow(t *testing.T) {
	in := Input{Messages: []Message{{Role: "user"}}, Now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.FixedZone("X", 3600))}
	if got := show(t, in, "{{ strftime_now('%F %T%z') }}"); got != "2030-01-02 03:04:05" {
		t.Errorf("got %s", got)
	}
	in.Now = time.Time{}
	if got := show(t, in, "{{ strftime_now('%Y') }}"); got < "2024" {
		t.Errorf("now is the year %s", got)
	}
}

func TestHash(t *testing.T) {
	a, _ := Parse("a", "{{ x }}")
	b, _ := Parse("b", "{{ x }}")
	c, _ := Parse("c", "{{ x }} ")
	if a.Hash() != b.Hash() || a.Hash() == c.Hash() || a.Hash().IsZero() {
		t.Errorf("hashes %s, %s, %s", a.Hash(), b.Hash(), c.Hash())
	}
}

func TestResolve(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	config := file(`{"chat_template":"config","bos_token":"<s>","eos_token":{"content":"</s>","lstrip":false},"pad_token":null}`)
	tests := []struct {
		name  string
		files fstest.MapFS
		want  map[string]string
	}{
		{"nothing", fstest.MapFS{}, map[string]string{}},
		{"null", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template":null}`)}, map[string]string{}},
		{"config", fstest.MapFS{"tokenizer_config.json": config}, map[string]string{"default": "config"}},
		{"list", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template":[{"name":"default","template":"d"},{"name":"tool_use","template":"t"}]}`)}, map[string]string{"default": "d", "tool_use": "t"}},
		{"legacy", fstest.MapFS{"tokenizer_config.json": file(`{}`), "chat_template.json": file(`{"chat_template":"legacy"}`)}, map[string]string{"default": "legacy"}},
		{"config before legacy", fstest.MapFS{"tokenizer_config.json": config, "chat_template.json": file(`{"chat_template":"legacy"}`)}, map[string]string{"default": "config"}},
		{"file", fstest.MapFS{"tokenizer_config.json": config, "chat_template.jinja": file("jinja\n")}, map[string]string{"default": "jinja\n"}},
		{"more files", fstest.MapFS{"tokenizer_config.json": config, "chat_template.jinja": file("jinja"), "additional_chat_templates/tool_use.jinja": file("tools"), "additional_chat_templates/readme.md": file("no")}, map[string]string{"default": "jinja", "tool_use": "tools"}},
		{"only more files", fstest.MapFS{"tokenizer_config.json": config, "additional_chat_templates/rag.jinja": file("rag")}, map[string]string{"rag": "rag"}},
	}
	for _, tt := range tests {
		got, err := Resolve(tt.files)
		if err != nil || len(got) != len(tt.want) {
			t.Errorf("%s: got %v, %v, want %v", tt.name, got, err, tt.want)
			continue
		}
		for name, text := range tt.want {
			if got[name] != text {
				t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
			}
		}
	}
	for _, bad := range []fstest.MapFS{
		{"tokenizer_config.json": file(`{`)},
		{"tokenizer_config.json": file(`{"chat_template":5}`)},
	} {
		if _, err := Resolve(bad); err == nil || !strings.Contains(err.Error(), "tokenizer_config.json") {
			t.Errorf("got %v", err)
		}
	}
	vars, err := SpecialTokens(fstest.MapFS{"tokenizer_config.json": config, "special_tokens_map.json": file(`{"bos_token":"no","unk_token":"<unk>"}`)})
	if err != nil || len(vars) != 3 {
		t.Fatalf("got %v, %v", vars, err)
	}
	for name, want := range map[string]string{"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"} {
		if got, _ := vars[name].Str(); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if _, err := Resolve(os.DirFS(t.TempDir())); err != nil {
		t.Error(err)
	}
}

func TestSelect(t *testing.T) {
	both := map[string]string{"default": "", "tool_use": ""}
	tests := []struct {
		templates map[string]string
		tools     bool
		want      string
	}{
		{both, true, "tool_use"},
		{both, false, "default"},
		{map[string]string{"default": ""}, true, "default"},
		{map[string]string{"rag": ""}, false, ""},
		{nil, false, ""},
	}
	for _, tt := range tests {
		if got, err := Select(tt.templates, tt.tools); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%v %v: got %q, %v", tt.templates, tt.tools, got, err)
		}
	}
}
