package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// home makes a folder as the examples leave it.
func home(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRun(t *testing.T) {
	dir := home(t, map[string]string{
		"data/chat-tools/test.jsonl":  `{"messages":[{"role":"user","content":"Ring Bo."},{"role":"assistant","tool_calls":[{"function":{"name":"dial","arguments":"{\"who\":\"Bo\"}"}}]}],"tools":[{"type":"function","function":{"name":"dial"}}]}`,
		"data/completion/test.jsonl":  `{"text":"tune\nfirst verse\nsecond verse\nthird"}`,
		"data/translation/test.jsonl": `{"messages":[{"role":"user","content":"Translate: yes"},{"role":"assistant","content":"是"}]}`,
		"data/preference/test.jsonl":  `{"input":{"messages":[{"role":"user","content":"Title?"}]},"preferred_output":[{"role":"assistant","content":"Good"}],"non_preferred_output":[{"role":"assistant","content":"Bad"}]}`,
		"quickstart.json":             `{"name":"helpdesk","instruction":"Which?","samples":[{"text":"a page","label":"calc"}]}`,
	})
	asked := map[string]map[string]any{}
	serves := `{"data":[{"id":"chat-tools"},{"id":"completion"},{"id":"helpdesk"},{"id":"translation"}]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/models" {
			_, _ = fmt.Fprint(w, serves)
			return
		}
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		model, _ := body["model"].(string)
		asked[model] = body
		switch {
		case r.URL.Path == "/v1/completions":
			_, _ = fmt.Fprint(w, `{"choices":[{"text":"a second\nverse"}]}`)
		case model == "chat-tools":
			_, _ = fmt.Fprint(w, `{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"dial","arguments":"{}"}}]}}]}`)
		case model == "translation":
			_, _ = fmt.Fprint(w, `{"choices":[{"message":{"content":"对"}}]}`)
		default:
			_, _ = fmt.Fprint(w, `{"choices":[{"message":{"content":"base"}}]}`)
		}
	}))
	defer server.Close()
	var out strings.Builder
	if err := run(dir, server.URL, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"chat-tools", `dial{}`, `dial{"who":"Bo"}`, "a second verse", "second verse third", "base", "calc", "对", "是"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if len(asked) != 4 || asked["preference"] != nil {
		t.Errorf("asked %v, want the four models that are served", asked)
	}
	if got := asked["completion"]["prompt"]; got != "tune\nfirst verse\n" {
		t.Errorf("prompt %q", got)
	}
	if asked["chat-tools"]["tools"] == nil || asked["translation"]["tools"] != nil {
		t.Error("tools are for chat-tools alone")
	}
	if got := fmt.Sprint(asked["helpdesk"]["messages"]); !strings.Contains(got, "Which?\n\na page") {
		t.Errorf("messages %s", got)
	}

	serves = `{"data":[{"id":"starter"}]}`
	if err := run(dir, server.URL, &out); err == nil || !strings.Contains(err.Error(), "serves no model of an example") {
		t.Errorf("error %v", err)
	}
}

func TestRunFails(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/models" {
			_, _ = fmt.Fprint(w, `{"data":[{"id":"translation"}]}`)
			return
		}
		http.Error(w, "no memory", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	good := `{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}`
	for want, file := range map[string]string{
		"translation: 503 Service Unavailable: no memory":     good,
		"the first test example of translation has no answer": `{"messages":[{"role":"user","content":"q"}]}`,
		"EOF": "",
	} {
		err := run(home(t, map[string]string{"data/translation/test.jsonl": file}), server.URL, &strings.Builder{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
