package chat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// FuzzRender sends arbitrary messages through templates in the manner of real
// ones: no panic, and turns that agree with rendering.
func FuzzRender(f *testing.F) {
	files, err := filepath.Glob("testdata/templates/*.jinja")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	var templates []*Template
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		tmpl, err := Parse(name, string(source))
		if err != nil {
			f.Fatal(err)
		}
		templates = append(templates, tmpl)
	}
	c := loadConversations(f)
	for _, messages := range c.Conversations {
		raw, err := json.Marshal(messages)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var wire []json.RawMessage
		if json.Unmarshal(raw, &wire) != nil || len(wire) > 8 {
			t.Skip()
		}
		in := Input{Now: goldenTime, Vars: map[string]Value{"bos_token": String("<s>"), "eos_token": String("</s>")}}
		for _, r := range wire {
			m, err := MessageFromJSON(r)
			if err != nil {
				t.Skip()
			}
			in.Messages = append(in.Messages, m)
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
				if turn.Message == 0 {
					continue
				}
				served := in
				served.Messages, served.AddGenerationPrompt = in.Messages[:turn.Message], true
				if text, err := tmpl.Render(served); err != nil || text != turn.Prompt {
					t.Errorf("prompt %q, serving renders %q, %v", turn.Prompt, text, err)
				}
			}
		}
	})
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
