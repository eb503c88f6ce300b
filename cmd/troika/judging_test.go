package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Our own server is an endpoint that can judge; what it said replays without it.
func TestJudgedByOwnServer(t *testing.T) {
	home := t.TempDir()
	data, rubric := filepath.Join(home, "sky.jsonl"), filepath.Join(home, "rubric.txt")
	line := `{"messages":[{"role":"user","content":"sky?"},{"role":"assistant","content":"blue"}]}` + "\n"
	err := errors.Join(os.WriteFile(data, []byte(line), 0o600), os.WriteFile(rubric, []byte("Is it a colour?"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) (string, error) {
		var out, log bytes.Buffer
		// The key in the environment is no key of this server, which asks for none.
		env := func(name string) string {
			if name == judgeKey {
				return "secret"
			}
			return os.Getenv(name)
		}
		a := &app{In: strings.NewReader(""), Out: &out, Err: &log, Getenv: env}
		if code := run(t.Context(), a, append(args, "--home", home)); code != 0 {
			return "", fmt.Errorf("%v: exit code %d: %s", args, code, &log)
		}
		return out.String(), nil
	}
	if _, err := command("tune", "--data", data, "--name", "sky", "--rank", "2", "--steps", "1", "--accumulate", "1"); err != nil {
		t.Fatal(err)
	}
	a := &app{Err: io.Discard, Getenv: os.Getenv, home: home}
	if err := a.setup(); err != nil {
		t.Fatal(err)
	}
	eval := func(more ...string) (string, error) {
		return command(append([]string{"eval", "--model", "sky", "--data", data, "--judge-model", starterName}, more...)...)
	}
	page := filepath.Join(home, "page.html")
	var judged string
	err = a.serve(t.Context(), serveOptions{listen: "127.0.0.1:0", models: []string{starterName}, context: 1024}, func(url string) error {
		var err error
		if judged, err = eval("--judge", url+"/v1", "--json"); err != nil {
			return err
		}
		return errSeen
	})
	if !errors.Is(err, errSeen) {
		t.Fatal(err)
	}
	if !strings.Contains(judged, `"judgement":{"model":"starter","examples":1,"win_rate":{"name":"win rate","value":`) {
		t.Errorf("the report is %s", judged)
	}
	again, err := eval("--json")
	if err != nil || again != judged {
		t.Errorf("replayed without a server: %v\n%s\nwant\n%s", err, again, judged)
	}
	table, err := eval("--html", page)
	if err != nil || !strings.Contains(table, "judged by starter: win rate of tuned over base 0.") {
		t.Errorf("%v\n%s", err, table)
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "judged by starter: win rate") {
		t.Errorf("the page does not tell of the judge: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(home, "judge.jsonl")); err != nil || strings.Contains(string(text), "secret") || !strings.Contains(string(text), `{"request":"sha256:`) {
		t.Errorf("recorded %s, %v", text, err)
	}
	for want, more := range map[string][]string{
		"a response is not on record": {"--judge-rubric", rubric},
		"--judge-parallel 0":          {"--judge-parallel", "0"},
	} {
		if _, err := eval(more...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v", more, err)
		}
	}
	if _, err := command("eval", "--model", starterName, "--data", data, "--judge-model", "m"); err == nil || !strings.Contains(err.Error(), "a base alone has no answers to compare") {
		t.Errorf("a base alone: %v", err)
	}
	if _, err := command("eval", "--model", starterName, "--data", data, "--judge", "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "--judge-model is missing") {
		t.Errorf("no model: %v", err)
	}
}
