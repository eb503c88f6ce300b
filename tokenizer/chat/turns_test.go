package chat

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

func loadTemplate(t testing.TB, name string) *Template {
	t.Helper()
	source, err := os.ReadFile("testdata/templates/" + name + ".jinja")
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := Parse(name, string(source))
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

var goldenVars = map[string]string{"bos_token": "<s>", "eos_token": "</s>"}

func TestTurns(t *testing.T) {
	c := loadConversations(t)
	tests := []struct {
		template, conversation string
		want                   []Turn
	}{
		{"chatml", "multi", []Turn{
			{1, "<|turn|>system\nBe brief.<|end|>\n<|turn|>user\na<|end|>\n<|turn|>assistant\n", "b<|end|>", "\n"},
			{3, "<|turn|>system\nBe brief.<|end|>\n<|turn|>user\na<|end|>\n<|turn|>assistant\nb<|end|>\n<|turn|>user\nc\n\nd<|end|>\n<|turn|>assistant\n", "e 😀<|end|>", "\n"},
		}},
		// Reasoning is part of the last turn alone.
		{"thinker", "thinking", []Turn{
			{1, "<|turn|>user\n6*7?<|end|>\n<|turn|>assistant\n", "<think>\nsix times seven\n</think>\n\n42<|end|>", "\n"},
			{3, "<|turn|>user\n6*7?<|end|>\n<|turn|>assistant\n42<|end|>\n<|turn|>user\nsure?<|end|>\n<|turn|>assistant\n", "<think>\ncheck\n</think>\n\nYes.<|end|>", "\n"},
		}},
		{"thinker", "text_arguments", []Turn{
			{1, "<|turn|>user\nx<|end|>\n<|turn|>assistant\n", "<think>\n\n</think>\n\n<call>\n{\"name\": \"now\", \"arguments\": {\"a\": 1}}\n</call><|end|>", "\n"},
		}},
		// The template appends its prompt whether asked to or not.
		{"headers_always", "multi", []Turn{
			{1, "<s><|head|>user<|/head|>\n\na<|over|><|head|>assistant<|/head|>\n\n", "b<|over|>", ""},
			{3, "<s><|head|>user<|/head|>\n\na<|over|><|head|>assistant<|/head|>\n\nb<|over|><|head|>user<|/head|>\n\nc\n\nd<|over|><|head|>assistant<|/head|>\n\n", "e 😀<|over|>", ""},
		}},
		// The template never has a prompt.
		{"inst", "pair", []Turn{{1, "<s>[ASK] Hello [/ASK]", " Hi there! </s>", ""}}},
		{"turns", "system", []Turn{{2, "<s><open>user\nBe kind.\nAlways.\n\n1 < 2 & \"3\"?<close>\n<open>model\n", "Yes: '3' > 2.<close>", "\n"}}},
		{"turns", "parts", []Turn{{2, "<s><open>user\nLook.\n\n<picture>What is it?Say.<close>\n<open>model\n", "A cat.<close>", "\n"}}},
		{"generation", "pair", []Turn{{1, "<|turn|>user\n  Hello <|end|>\n\n<|turn|>assistant\n", " Hi there!\n<|end|>", "\n"}}},
	}
	for _, tt := range tests {
		got, err := loadTemplate(t, tt.template).Turns(c.input(t, tt.conversation, "plain", goldenVars))
		if err != nil {
			t.Errorf("%s %s: %v", tt.template, tt.conversation, err)
			continue
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %s:\n got %+v\nwant %+v", tt.template, tt.conversation, got, tt.want)
		}
	}
}

// TestTurnsOfAllTemplates holds every turn against what serving renders.
func TestTurnsOfAllTemplates(t *testing.T) {
	c := loadConversations(t)
	for _, name := range []string{"batch_calls", "chatml", "generation", "headers_always", "headers_tools", "inst", "macros", "roles", "thinker", "turns"} {
		t.Run(name, func(t *testing.T) { checkTurns(t, loadTemplate(t, name), &c, goldenVars) })
	}
}

func TestTurnsErrors(t *testing.T) {
	c := loadConversations(t)
	tests := []struct {
		name, source, conversation string
		stable                     bool // the error is not about stability
		want                       string
	}{
		{"a prompt that the history lacks", "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]<think>{% endif %}", "multi", false, "assistant message 1: the chat template is not prefix-stable: at byte 18"},
		{"a text that the template drops", "{% for m in messages if m.role == 'user' or loop is defined %}{{ m.content }}{% endfor %}{{ messages|length }}", "pair", false, "not prefix-stable"},
		{"a hidden prompt", "{{ messages[0].role[:0] }}{% for m in messages %}[{{ m.role }}]{{ m.content }};{% endfor %}[assistant]{{ messages[0].x.y if messages|length == 0 }}", "multi", true, "the end of the turn is not known"},
		{"the template's own error", "{% for m in messages %}{{ raise_exception('no answers') if m.role == 'assistant' }}{% endfor %}", "multi", true, "no answers"},
	}
	for _, tt := range tests {
		tmpl, err := Parse("t", tt.source)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tmpl.Turns(c.input(t, tt.conversation, "plain", goldenVars))
		if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, ErrNotPrefixStable) == tt.stable {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
	in := c.input(t, "pair", "continue", goldenVars)
	if _, err := loadTemplate(t, "chatml").Turns(in); !errors.Is(err, ErrInput) {
		t.Errorf("continuing a turn: got %v", err)
	}
}

// spanTexts cuts the spans out of a text.
func spanTexts(text string, spans []Span) []string {
	var out []string
	for _, s := range spans {
		out = append(out, text[s.Start:s.End])
	}
	return out
}

func TestRenderSpans(t *testing.T) {
	c := loadConversations(t)
	tests := []struct {
		template, conversation string
		want                   []string
	}{
		{"generation", "multi", []string{"b<|end|>", "e 😀<|end|>"}},
		{"chatml", "multi", []string{"b<|end|>", "e 😀<|end|>"}},
		{"headers_always", "multi", []string{"b<|over|>", "e 😀<|over|>"}},
		{"inst", "pair", []string{" Hi there! </s>"}},
		{"turns", "system", []string{"Yes: '3' > 2.<close>"}},
		{"thinker", "pair", []string{"<think>\n\n</think>\n\n Hi there!\n<|end|>"}},
	}
	for _, tt := range tests {
		tmpl := loadTemplate(t, tt.template)
		in := c.input(t, tt.conversation, "plain", goldenVars)
		text, spans, err := tmpl.RenderSpans(in)
		if err != nil {
			t.Errorf("%s %s: %v", tt.template, tt.conversation, err)
			continue
		}
		if got := spanTexts(text, spans); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %s: got %q, want %q", tt.template, tt.conversation, got, tt.want)
		}
		if plain, err := tmpl.Render(in); err != nil || plain != text {
			t.Errorf("%s %s: text %q differs from Render's %q, %v", tt.template, tt.conversation, text, plain, err)
		}
	}
	if _, _, err := loadTemplate(t, "thinker").RenderSpans(c.input(t, "thinking", "plain", goldenVars)); !errors.Is(err, ErrNotPrefixStable) {
		t.Errorf("dropped reasoning: got %v", err)
	}
	tmpl, err := Parse("t", "{% macro m(x) %}{% generation %}{{ x }}{% endgeneration %}{% endmacro %}\n{% for x in messages %}{{ m(x.content) }}{% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := tmpl.RenderSpans(c.input(t, "pair", "plain", nil)); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a generation block in a macro: got %v", err)
	}
}
