package hub

import (
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseRef(t *testing.T) {
	for text, want := range map[string]string{
		"hf://Qwen/Qwen3-0.6B":             "hf://Qwen/Qwen3-0.6B@main",
		"Qwen/Qwen3-0.6B@v1.0":             "hf://Qwen/Qwen3-0.6B@v1.0",
		"hf://a/b@refs/pr/1":               "hf://a/b@refs/pr/1",
		"_a/b_@" + strings.Repeat("0", 40): "hf://_a/b_@" + strings.Repeat("0", 40),
	} {
		r, err := ParseRef(text)
		if err != nil || r.String() != want {
			t.Errorf("%s: %s, %v; want %s", text, r, err, want)
		}
	}
	for _, text := range []string{
		"", "hf://", "gpt2", "hf://a", "a/b/c", "/b", "a/", "../b", "a/..", ".a/b", "a/b.", "-a/b", "a/b@", "a/b@-x",
		"a/b@../x", "a/b@x/../y", "a/b@/x", "a/b@x/", "a/b@x y", "a/b@x\ny", "a/b@.", "a b/c", "a/b?c", "con/b", "a/nul.x",
		"a/b..c", strings.Repeat("a", 97) + "/b", "a/b@" + strings.Repeat("x", 201), "https://a/b",
	} {
		if r, err := ParseRef(text); !errors.Is(err, ErrName) {
			t.Errorf("%q: %s, %v; want ErrName", text, r, err)
		}
	}
}

func TestSelect(t *testing.T) {
	got, err := selectFiles([]string{
		"config.json", "consolidated.safetensors", "model-00001-of-00002.safetensors", "model.safetensors.index.json",
		"chat_template.jinja", "chat_template.json", "onnx/model.onnx", "sub/model.safetensors", "README.md", "LICENSE.txt",
		"training_args.bin", "model.gguf", "tf_model.h5", "flax_model.msgpack", "tokenizer.model", "additional_chat_templates/tool.jinja",
	}, nil)
	want := []string{
		"config.json", "model-00001-of-00002.safetensors", "model.safetensors.index.json", "chat_template.jinja",
		"chat_template.json", "README.md", "LICENSE.txt", "tokenizer.model", "additional_chat_templates/tool.jinja",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	got, err = selectFiles([]string{"consolidated.safetensors"}, nil)
	if err != nil || len(got) != 1 {
		t.Errorf("consolidated alone: %v, %v", got, err)
	}
}

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		key, value string
		want       time.Duration
	}{
		{"Retry-After", "7", 7 * time.Second},
		{"Retry-After", "-7", 0},
		{"Retry-After", "soon", 0},
		{"Retry-After", "99999999999999999999", 0},
		{"Retry-After", now.Add(time.Minute).Format(http.TimeFormat), time.Minute},
		{"Retry-After", now.Add(-time.Minute).Format(http.TimeFormat), 0},
		{"RateLimit", `"api";r=0;t=55`, 55 * time.Second},
		{"RateLimit", `"api";r=0;t=`, 0},
	} {
		if got := retryAfter(http.Header{http.CanonicalHeaderKey(tt.key): {tt.value}}, now); got != tt.want {
			t.Errorf("%s: %s: %s, want %s", tt.key, tt.value, got, tt.want)
		}
	}
}

func TestNextPage(t *testing.T) {
	for link, want := range map[string]string{
		`<https://hub.test/x?cursor=a>; rel="next"`:                             "https://hub.test/x?cursor=a",
		`<https://hub.test/a>; rel="prev", <https://hub.test/b>;  rel = "next"`: "https://hub.test/b",
		`<https://hub.test/a>; rel="prev"`:                                      "",
		`https://hub.test/a; rel="next"`:                                        "",
		``:                                                                      "",
	} {
		if got := nextPage(http.Header{"Link": {link}}); got != want {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}

func TestCleanMessage(t *testing.T) {
	if got := cleanMessage("a\x1b[31mb\r\nc" + strings.Repeat("字", 300)); got != "a[31mbc"+strings.Repeat("字", 193)+"..." {
		t.Errorf("%q", got)
	}
}

// FuzzNames: what passes the checks stays below the directory it is joined to.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"a/b", "../x", `..\x`, "a/./b", "/x", "C:/x", "nul", "a\x00b", "x/../../y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if checkPath(s) == nil {
			joined := filepath.Join("root", filepath.FromSlash(s))
			if rel, err := filepath.Rel("root", joined); err != nil || filepath.ToSlash(rel) != s || !filepath.IsLocal(rel) {
				t.Fatalf("%q becomes %q", s, joined)
			}
		}
		if r, err := ParseRef(s); err == nil {
			again, err := ParseRef(r.String())
			if err != nil || again.String() != r.String() {
				t.Fatalf("%q -> %q -> %q, %v", s, r, again, err)
			}
			store := Store{"root"}
			for _, p := range []string{store.dir(r, strings.Repeat("0", 40)), store.refPath(r)} {
				rel, err := filepath.Rel(store.root(r), p)
				if err != nil || !filepath.IsLocal(rel) || strings.Count(filepath.ToSlash(rel), "/") > 1 {
					t.Fatalf("%q: %s lies outside", s, p)
				}
			}
		}
	})
}

// FuzzState: a part's state that passes its check describes the file.
func FuzzState(f *testing.F) {
	f.Add(int64(10), int64(4), int64(4), int64(4), int64(2))
	f.Add(int64(1)<<62, int64(1), int64(-1), int64(0), int64(0))
	f.Fuzz(func(t *testing.T, size, chunk, a, b, c int64) {
		if size < 0 {
			return // refused when the hub says it
		}
		s := partState{OID: "x", Size: size, Chunk: chunk, Done: []int64{a, b, c}}
		if s.valid(remote{oid: "x", size: size}) && (s.have() > size || s.have() < 0) {
			t.Fatalf("%+v passes", s)
		}
	})
}
