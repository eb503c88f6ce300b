package serve

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/troikaml/troika"
)

func TestKeys(t *testing.T) {
	key, secret, err := NewKey("ann", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	set, err := NewKeySet([]Key{key})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := set.Write(&file); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(file.String(), secret) || strings.Contains(file.String(), strings.TrimPrefix(secret, keyPrefix)) {
		t.Error("the secret is kept")
	}
	back, err := ReadKeys(&file)
	if err != nil {
		t.Fatal(err)
	}
	if name, ok := back.find(secret); !ok || name != "ann" {
		t.Errorf("find = %q, %v", name, ok)
	}
	if _, ok := back.find(secret + "x"); ok {
		t.Error("another secret was taken")
	}
	d := troika.Sum([]byte("x"))
	for name, keys := range map[string][]Key{
		"no name":   {{Digest: d}},
		"no digest": {{Name: "a"}},
		"one name":  {{Name: "a", Digest: d}, {Name: "a", Digest: troika.Sum(nil)}},
		"one key":   {{Name: "a", Digest: d}, {Name: "b", Digest: d}},
	} {
		if _, err := NewKeySet(keys); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, text := range []string{"", "{", `{"keys":[{"name":"a","digest":"sha256:00"}]}`} {
		if _, err := ReadKeys(strings.NewReader(text)); err == nil {
			t.Errorf("read %q: no error", text)
		}
	}
	if _, _, err := NewKey("", time.Now()); err == nil {
		t.Error("a key without a name: no error")
	}
}

// FuzzChat holds the parser to its promise: any body is a checked request or
// a failure with a client's status.
func FuzzChat(f *testing.F) {
	for _, s := range []string{
		`{"model":"m","messages":[{"role":"user","content":"x"}]}`,
		`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"stop":["a"],"tools":[]}`,
		`{"model":"m","messages":[{"role":"assistant","tool_calls":[]}],"stream":true,"stream_options":{}}`,
		`{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}}}`,
		`{"model":"m","messages":[{"role":"user","content":"x"}],"structured_outputs":{"choice":["a"],"disable_any_whitespace":true}}`,
		`{"tool_choice":{"type":"function"},"tools":{}}`, `[]`, `{`, ``, "null", `{"model":1e999}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		req, _, fail := parseChat(b)
		if fail != nil {
			if fail.status != http.StatusBadRequest || fail.Message == "" {
				t.Fatalf("failure %+v", fail)
			}
			return
		}
		if req.Model == "" || len(req.Messages) == 0 || len(req.Stop) > maxStop || req.MaxTokens < 0 {
			t.Fatalf("request %+v", req)
		}
		for _, m := range req.Messages {
			if m.Role == "" {
				t.Fatalf("message %+v", m)
			}
		}
	})
}
