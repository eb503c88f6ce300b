package chat

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var realDir = flag.String("real", "", "directory with NAME/tokenizer_config.json and the expected.json that testdata/generate.py --real made of them")

var goldenTime = time.Date(2026, 3, 5, 7, 8, 9, 0, time.UTC)

// goldenResult is what the reference made of one conversation.
type goldenResult struct {
	Out  *string `json:"out"`
	Err  string  `json:"err"`
	Msg  string  `json:"msg"`
	Same string  `json:"same"` // the setting that gave the same
}

type goldenFamily struct {
	Vars    map[string]string                  `json:"vars"`
	Results map[string]map[string]goldenResult `json:"results"`
}

type goldenSetting struct {
	Tools    bool  `json:"tools"`
	Prompt   bool  `json:"add_generation_prompt"`
	Continue bool  `json:"continue_final_message"`
	Thinking *bool `json:"enable_thinking"`
}

type conversations struct {
	Tools         json.RawMessage              `json:"tools"`
	Conversations map[string][]json.RawMessage `json:"conversations"`
	Settings      map[string]goldenSetting     `json:"settings"`
}

func readJSON(t testing.TB, name string, to any) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func loadConversations(t testing.TB) conversations {
	t.Helper()
	var c conversations
	readJSON(t, "testdata/conversations.json", &c)
	return c
}

// input builds the Input of a golden.
func (c *conversations) input(t testing.TB, conversation, setting string, vars map[string]string) Input {
	t.Helper()
	s := c.Settings[setting]
	in := Input{
		AddGenerationPrompt:  s.Prompt,
		ContinueFinalMessage: s.Continue,
		Vars:                 map[string]Value{},
		Now:                  goldenTime,
	}
	if s.Tools {
		in.Tools = c.Tools
	}
	if s.Thinking != nil {
		in.Vars["enable_thinking"] = Bool(*s.Thinking)
	}
	for name, v := range vars {
		in.Vars[name] = String(v)
	}
	for _, raw := range c.Conversations[conversation] {
		m, err := MessageFromJSON(raw)
		if err != nil {
			t.Fatalf("%s: %v", conversation, err)
		}
		in.Messages = append(in.Messages, m)
	}
	return in
}

// compareFamily renders all conversations of one template and reports every
// difference from the reference. It returns how many results agree.
func compareFamily(t *testing.T, tmpl *Template, c *conversations, want goldenFamily) int {
	t.Helper()
	agree := 0
	for _, conversation := range slices.Sorted(maps.Keys(want.Results)) {
		for setting, result := range want.Results[conversation] {
			if result.Same != "" {
				result = want.Results[conversation][result.Same]
			}
			got, err := tmpl.Render(c.input(t, conversation, setting, want.Vars))
			where := conversation + "/" + setting
			switch {
			case result.Out == nil && err == nil:
				t.Errorf("%s: got %q, want %s: %s", where, got, result.Err, result.Msg)
			case result.Out == nil && !sameMessage(err, result):
				t.Errorf("%s: got error %v, want %s: %s", where, err, result.Err, result.Msg)
			case result.Out != nil && err != nil:
				t.Errorf("%s: got error %v, want %q", where, err, *result.Out)
			case result.Out != nil && got != *result.Out:
				t.Errorf("%s:\n got %q\nwant %q", where, got, *result.Out)
			default:
				agree++
			}
		}
	}
	return agree
}

// sameMessage compares an error with the reference's, word for word where it
// comes from the template.
func sameMessage(err error, want goldenResult) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return string(e.Kind) == want.Err && e.Msg == want.Msg && e.Line > 0
	}
	return errors.Is(err, ErrInput) && want.Err == "ValueError"
}

// TestGoldens compares templates in the manner of well-known families, over
// conversations with tools, reasoning, parts and mistakes, with what
// apply_chat_template makes of them.
func TestGoldens(t *testing.T) {
	c := loadConversations(t)
	var families map[string]goldenFamily
	readJSON(t, "testdata/goldens.json", &families)
	if len(families) < 10 {
		t.Fatalf("only %d templates", len(families))
	}
	for name, want := range families {
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(filepath.Join("testdata/templates", name+".jinja"))
			if err != nil {
				t.Fatal(err)
			}
			tmpl, err := Parse(name, string(source))
			if err != nil {
				t.Fatal(err)
			}
			if n := compareFamily(t, tmpl, &c, want); n < 100 && !t.Failed() {
				t.Errorf("only %d results compared", n)
			}
		})
	}
}

// TestReal does the same with the templates of real models, which are not
// part of this repository.
func TestReal(t *testing.T) {
	if *realDir == "" {
		t.Skip("no -real DIR: put NAME/tokenizer_config.json there and run testdata/generate.py --real DIR")
	}
	c := loadConversations(t)
	var families map[string]goldenFamily
	readJSON(t, filepath.Join(*realDir, "expected.json"), &families)
	for name, want := range families {
		t.Run(name, func(t *testing.T) {
			files := os.DirFS(filepath.Join(*realDir, name))
			templates, err := Resolve(files)
			if err != nil {
				t.Fatal(err)
			}
			vars, err := SpecialTokens(files)
			if err != nil {
				t.Fatal(err)
			}
			for key, text := range want.Vars {
				if got, _ := vars[key].Str(); got != text {
					t.Errorf("%s is %q, want %q", key, got, text)
				}
			}
			tmpl, err := Parse(name, templates["default"])
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d results agree", compareFamily(t, tmpl, &c, want))
			checkTurns(t, tmpl, &c, want.Vars)
		})
	}
}

// checkTurns holds what Turns promises against Render, over all conversations
// that the template renders.
func checkTurns(t *testing.T, tmpl *Template, c *conversations, vars map[string]string) {
	t.Helper()
	found := 0
	var why error
	for _, name := range slices.Sorted(maps.Keys(c.Conversations)) {
		in := c.input(t, name, "plain", vars)
		turns, err := tmpl.Turns(in)
		if err != nil {
			why = err
			continue
		}
		for _, turn := range turns {
			found++
			served := in
			served.Messages, served.AddGenerationPrompt = in.Messages[:turn.Message], true
			if turn.Message > 0 {
				prompt, err := tmpl.Render(served)
				if err != nil || prompt != turn.Prompt {
					t.Errorf("%s turn %d: prompt %q, serving renders %q, %v", name, turn.Message, turn.Prompt, prompt, err)
				}
			}
			served.Messages, served.AddGenerationPrompt = in.Messages[:turn.Message+1], false
			full, err := tmpl.Render(served)
			if err != nil || !strings.HasPrefix(full, turn.Prompt+turn.Completion+turn.Gap) {
				t.Errorf("%s turn %d: %q + %q + %q is not the start of %q, %v", name, turn.Message, turn.Prompt, turn.Completion, turn.Gap, full, err)
			}
		}
	}
	if found == 0 {
		t.Logf("no turns at all: %v", why)
	}
}
