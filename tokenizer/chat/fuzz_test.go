package chat

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// allTemplates parses every template of testdata.
func allTemplates(t testing.TB) []*Template {
	t.Helper()
	files, err := filepath.Glob("testdata/templates/*.jinja")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var out []*Template
	for _, name := range files {
		out = append(out, loadTemplate(t, strings.TrimSuffix(filepath.Base(name), ".jinja")))
	}
	return out
}

// wireInput reads a JSON array of messages; ok is false for anything else.
func wireInput(raw []byte) (in Input, ok bool) {
	var wire []json.RawMessage
	if json.Unmarshal(raw, &wire) != nil || len(wire) > 8 {
		return Input{}, false
	}
	in = Input{Now: goldenTime, Vars: map[string]Value{"bos_token": String("<s>"), "eos_token": String("</s>")}}
	for _, r := range wire {
		m, err := MessageFromJSON(r)
		if err != nil {
			return Input{}, false
		}
		in.Messages = append(in.Messages, m)
	}
	return in, true
}

// FuzzRender sends arbitrary messages through templates in the manner of real
// ones: no panic, and turns that agree with rendering.
func FuzzRender(f *testing.F) {
	templates := allTemplates(f)
	for _, messages := range loadConversations(f).Conversations {
		raw, err := json.Marshal(messages)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		in, ok := wireInput(raw)
		if !ok {
			t.Skip()
		}
		for _, tmpl := range templates {
			if _, err := tmpl.Render(in); err != nil {
				continue
			}
			turns, err := tmpl.Turns(in)
			if err != nil {
				continue
			}
			for _, turn := range turns {
				checkPrompt(t, tmpl, in, turn)
			}
		}
	})
}

func checkPrompt(t *testing.T, tmpl *Template, in Input, turn Turn) {
	t.Helper()
	if turn.Message == 0 {
		return
	}
	in.Messages, in.AddGenerationPrompt = in.Messages[:turn.Message], true
	if text, err := tmpl.Render(in); err != nil || text != turn.Prompt {
		t.Errorf("prompt %q, serving renders %q, %v", turn.Prompt, text, err)
	}
}

// BenchmarkRender renders a conversation of 100 messages with tools.
func BenchmarkRender(b *testing.B) {
	c := loadConversations(b)
	tmpl := loadTemplate(b, "thinker")
	in := c.input(b, "tools", "tools", goldenVars)
	for len(in.Messages) < 100 {
		in.Messages = append(in.Messages, in.Messages[1:]...)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Render(in); err != nil {
			b.Fatal(err)
		}
	}
}
