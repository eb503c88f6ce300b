package hub

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
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

// FuzzTree: a page of the tree that passes every check describes files that can
// be fetched, checked and placed.
func FuzzTree(f *testing.F) {
	f.Add([]byte(`[{"type":"file","path":"config.json","size":2,"oid":"9e26dfeeb6e641a33dae4961196235bdb965b21b"}]`))
	f.Add([]byte(`[{"type":"file","path":"a","size":9,"oid":"x","lfs":{"oid":"` + strings.Repeat("0", 64) + `","size":1}},{"type":"directory"}]`))
	f.Add([]byte(`[{"type":"file","path":"../a","size":-1,"oid":""},null]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var page []treeEntry
		if json.Unmarshal(body, &page) != nil {
			return
		}
		files, err := remotes(page)
		if err != nil {
			return
		}
		var names []string
		for _, r := range files {
			names = append(names, r.path)
		}
		if checkPaths(names) != nil {
			return
		}
		kept, err := keep(files, names)
		if err != nil {
			return
		}
		total := int64(0)
		for _, r := range kept {
			total += r.size
			if part := partName("parts", r); r.size < 0 || total < 0 || filepath.Dir(part) != "parts" || !filepath.IsLocal(filepath.FromSlash(r.path)) {
				t.Fatalf("%+v passes", r)
			}
		}
	})
}

// FuzzHeaders: no header makes the client wait for a negative time or skip
// bytes that are not there.
func FuzzHeaders(f *testing.F) {
	f.Add(`<http://hub.test/x>; rel="next"`, "7", "bytes 3-9/10", int64(3), int64(10))
	f.Add(`<,>;`, `"api";r=0;t=-1`, "bytes -1-9/10", int64(0), int64(10))
	f.Fuzz(func(t *testing.T, link, after, contentRange string, from, size int64) {
		h := http.Header{"Link": {link}, "Retry-After": {after}, "Ratelimit": {after}, "Content-Range": {contentRange}}
		if d := retryAfter(h, time.Unix(0, 0)); d < 0 {
			t.Fatalf("%q: %s", after, d)
		}
		_ = nextPage(h) // any text: it is parsed as a URL and compared with the endpoint
		resp := &response{Response: &http.Response{StatusCode: http.StatusPartialContent, Header: h}, location: &url.URL{}}
		skip, err := rangeStart(resp, http.Header{"Range": {"bytes=0-"}}, from, size)
		if err == nil && skip != 0 {
			t.Fatalf("%q: skip %d", contentRange, skip)
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
