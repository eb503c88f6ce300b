package main

import (
	"testing"

	"github.com/troikaml/troika/tokenizer/chat/toolcall"
)

func TestSpell(t *testing.T) {
	names := []string{"dial", "stop"}
	for answer, want := range map[string]string{
		`{"name": "dial", "parameters": {"who": "Bo", "at": 1.0}}`:                          `{"name":"dial","arguments":{"at":1.0,"who":"Bo"}}`,
		`{"parameters": {"at": 1.0, "who": "Bo"}, "name": "dial"}`:                          `{"name":"dial","arguments":{"at":1.0,"who":"Bo"}}`,
		`{"name": "dial", "parameters": {"who": "Bo"}}; {"name": "stop", "parameters": {}}`: "{\"name\":\"dial\",\"arguments\":{\"who\":\"Bo\"}}\n{\"name\":\"stop\",\"arguments\":{}}",
		`{"name": "fly", "parameters": {}}`:                                                 "",
		`{"name": "dial", "parameters": {"who": "B`:                                         "",
		`Hello.`: "",
	} {
		if got := spell(toolcall.Plain, names, answer); got != want {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
	}
}
