package file_test

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the checksum that OpenAI's clients send
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/file"
	"github.com/troikaml/troika/serve/servetest"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/sqlite"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "file")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(ctx, filepath.Join(dir, "troika.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	files, err := file.Open(ctx, db, new(store.Memory), file.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	content, err := files.Stage(ctx, strings.NewReader("{}\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer content.Release(ctx)
	f, err := files.Create(ctx, file.New{Filename: "train.jsonl", Purpose: file.FineTune}, content)
	fmt.Println(f.Filename, f.Bytes, err)
	// Output: train.jsonl 3 <nil>
}

// fixture is a store behind a server.
type fixture struct {
	*file.Store
	blobs  *store.Memory
	client openai.Client
	url    string

	mu  sync.Mutex
	now time.Time
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// says returns what the server says of an error.
func says(err error) string {
	if apiErr, ok := errors.AsType[*openai.Error](err); ok {
		return apiErr.Message
	}
	return fmt.Sprint(err)
}

// open returns a store on the database of a folder.
func open(t *testing.T, dir string, blobs store.Blobs, o file.Options) *file.Store {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "troika.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := file.Open(t.Context(), db, blobs, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listen puts a store on a port until the test ends.
func listen(t *testing.T, s *file.Store, keys *serve.KeySet) string {
	t.Helper()
	server, err := serve.New(servetest.NewEngine(), serve.Options{Routes: s.Routes(), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	return web.URL
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{blobs: new(store.Memory), now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
	f.Store = open(t, t.TempDir(), f.blobs, file.Options{Now: f.clock})
	f.url = listen(t, f.Store, nil)
	f.client = openai.NewClient(option.WithBaseURL(f.url+"/v1"), option.WithAPIKey("any"), option.WithMaxRetries(0))
	return f
}

// contents counts the blobs.
func (f *fixture) contents(t *testing.T) int {
	t.Helper()
	n := 0
	for _, err := range f.blobs.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// named is content with a name, as the SDK wants it.
type named struct {
	*strings.Reader
	name string
}

func (n named) Name() string { return n.name }

func (f *fixture) send(t *testing.T, name, text string, purpose openai.FilePurpose) *openai.FileObject {
	t.Helper()
	got, err := f.client.Files.New(t.Context(), openai.FileNewParams{File: named{strings.NewReader(text), name}, Purpose: purpose})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestSDKFiles(t *testing.T) {
	f := newFixture(t)
	one := f.send(t, "/home/me/训练.jsonl", "{}\n", openai.FilePurposeFineTune)
	if one.Filename != "训练.jsonl" || one.Bytes != 3 || one.Purpose != "fine-tune" || one.Object != "file" ||
		one.CreatedAt != f.now.Unix() || one.ExpiresAt != 0 {
		t.Errorf("made %+v", one)
	}
	var ids []string
	for i := range 5 {
		ids = append(ids, f.send(t, fmt.Sprint(i), "x", []openai.FilePurpose{openai.FilePurposeBatch, openai.FilePurposeUserData}[i%2]).ID)
	}
	if got, err := f.client.Files.Get(t.Context(), one.ID); err != nil || got.RawJSON() == "" || got.ID != one.ID {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := f.client.Files.Get(t.Context(), ids[0]); err != nil || got.ExpiresAt != f.now.Add(30*24*time.Hour).Unix() {
		t.Errorf("a batch's file expires at %d, %v", got.ExpiresAt, err)
	}
	list := func(p openai.FileListParams) string {
		t.Helper()
		var got []string
		pages := f.client.Files.ListAutoPaging(t.Context(), p)
		for pages.Next() {
			got = append(got, pages.Current().Filename)
		}
		if pages.Err() != nil {
			t.Error(pages.Err())
		}
		return strings.Join(got, " ")
	}
	for want, p := range map[string]openai.FileListParams{
		"4 3 2 1 0 训练.jsonl": {Limit: openai.Int(2)},
		"训练.jsonl 0 1 2 3 4": {Limit: openai.Int(4), Order: openai.FileListParamsOrderAsc},
		"4 2 0":              {Purpose: openai.String("batch")},
		"1 0 训练.jsonl":       {After: openai.String(ids[2])},
	} {
		if got := list(p); got != want {
			t.Errorf("listed %s, want %s", got, want)
		}
	}
	res, err := f.client.Files.Content(t.Context(), one.ID)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || string(b) != "{}\n" || res.Header.Get("Content-Disposition") != "attachment; filename*=utf-8''%E8%AE%AD%E7%BB%83.jsonl" {
		t.Errorf("content %q, %v, %v", b, err, res.Header)
	}
	if n := f.contents(t); n != 2 {
		t.Errorf("%d contents, want 2: files of the same bytes share one", n)
	}
	for i, id := range append(ids, one.ID) {
		gone, err := f.client.Files.Delete(t.Context(), id)
		if err != nil || !gone.Deleted || gone.ID != id {
			t.Errorf("deleted %+v, %v", gone, err)
		}
		if want := []int{2, 2, 2, 2, 1, 0}[i]; f.contents(t) != want {
			t.Errorf("%d contents after %d files were deleted, want %d", f.contents(t), i+1, want)
		}
	}
	var apiErr *openai.Error
	if _, err := f.client.Files.Get(t.Context(), one.ID); !errors.As(err, &apiErr) || apiErr.StatusCode != http.StatusNotFound ||
		apiErr.Param != "id" || apiErr.Type != "invalid_request_error" || apiErr.Message != "No such File object: "+one.ID {
		t.Errorf("a deleted file: %v", err)
	}
}

func TestSDKUploads(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	text := strings.Repeat("{}\n", 100)
	up, err := f.client.Uploads.New(ctx, openai.UploadNewParams{
		Bytes: int64(len(text)), Filename: "big.jsonl", MimeType: "application/jsonl", Purpose: openai.FilePurposeFineTune,
	})
	if err != nil || up.Status != "pending" || up.ExpiresAt != f.now.Add(time.Hour).Unix() || up.Object != "upload" {
		t.Fatal(up, err)
	}
	part := func(text string) string {
		p, err := f.client.Uploads.Parts.New(ctx, up.ID, openai.UploadPartNewParams{Data: strings.NewReader(text)})
		if err != nil || p.UploadID != up.ID || p.Object != "upload.part" {
			t.Fatal(p, err)
		}
		return p.ID
	}
	last, first, spare := part(text[100:]), part(text[:100]), part("spare")
	sum := md5.Sum([]byte(text)) //nolint:gosec // as above
	complete := func(sum string, ids ...string) (*openai.Upload, error) {
		p := openai.UploadCompleteParams{PartIDs: ids}
		if sum != "" {
			p.Md5 = openai.String(sum)
		}
		return f.client.Uploads.Complete(ctx, up.ID, p)
	}
	for want, ids := range map[string][]string{
		"come to 200 bytes, the upload was created for 300": {last},
		"part_ids[1]":      {first, first},
		"is no part of":    {"part_x", last},
		"names no parts":   {},
		"have MD5":         {first, last},
		"come to 305":      {first, last, spare},
		"come to 100 byte": {first},
	} {
		if _, err := complete(strings.Repeat("0", 32), ids...); err == nil || !strings.Contains(says(err), want) {
			t.Errorf("parts %v: %s, want %s", ids, says(err), want)
		}
	}
	for range 2 { // as after a broken connection
		done, err := complete(hex.EncodeToString(sum[:]), first, last)
		if err != nil || done.Status != "completed" || done.File.Bytes != int64(len(text)) || done.File.Filename != "big.jsonl" {
			t.Fatal(done, err)
		}
		res, err := f.client.Files.Content(ctx, done.File.ID)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(b) != text {
			t.Errorf("the file has %d bytes, %v", len(b), err)
		}
	}
	if n := f.contents(t); n != 1 {
		t.Errorf("%d contents are left, want the file's", n)
	}
	_, err = f.client.Uploads.Parts.New(ctx, up.ID, openai.UploadPartNewParams{Data: strings.NewReader("more")})
	if err == nil || !strings.Contains(says(err), "is completed") {
		t.Errorf("a part of a completed upload: %v", err)
	}
	if _, err := f.client.Uploads.Cancel(ctx, up.ID); err == nil || !strings.Contains(says(err), "is completed") {
		t.Errorf("cancelling a completed upload: %v", err)
	}
}

// Uploads that are cancelled or run out leave nothing.
func TestUploadsEnd(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	begin := func() *openai.Upload {
		up, err := f.client.Uploads.New(ctx, openai.UploadNewParams{Bytes: 10, Filename: "x", MimeType: "text/plain", Purpose: "user_data"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.client.Uploads.Parts.New(ctx, up.ID, openai.UploadPartNewParams{Data: strings.NewReader(up.ID)}); err != nil {
			t.Fatal(err)
		}
		return up
	}
	up := begin()
	for range 2 {
		if got, err := f.client.Uploads.Cancel(ctx, up.ID); err != nil || got.Status != "cancelled" {
			t.Fatal(got, err)
		}
	}
	if n := f.contents(t); n != 0 {
		t.Errorf("%d contents after cancelling", n)
	}
	up = begin()
	f.pass(time.Hour)
	_, err := f.client.Uploads.Parts.New(ctx, up.ID, openai.UploadPartNewParams{Data: strings.NewReader("late")})
	if err == nil || !strings.Contains(says(err), "is expired") {
		t.Errorf("a late part: %v", err)
	}
	if err := f.Sweep(ctx); err != nil || f.contents(t) != 0 {
		t.Errorf("%d contents after an upload ran out, %v", f.contents(t), err)
	}
}

func TestExpiry(t *testing.T) {
	f := newFixture(t)
	send := func(seconds int64) (*openai.FileObject, error) {
		return f.client.Files.New(t.Context(), openai.FileNewParams{
			File: named{strings.NewReader("x"), "x"}, Purpose: openai.FilePurposeUserData,
			ExpiresAfter: openai.FileNewParamsExpiresAfter{Seconds: seconds},
		})
	}
	for _, seconds := range []int64{3599, 2592001, -1, 1 << 62} {
		if _, err := send(seconds); err == nil || !strings.Contains(says(err), "3600 to 2592000 seconds") {
			t.Errorf("%d seconds: %v", seconds, err)
		}
	}
	got, err := send(3600)
	if err != nil || got.ExpiresAt != f.now.Add(time.Hour).Unix() {
		t.Fatal(got, err)
	}
	f.pass(time.Hour)
	if _, err := f.client.Files.Get(t.Context(), got.ID); err == nil {
		t.Error("a file outlived its time")
	}
	if err := f.Sweep(t.Context()); err != nil || f.contents(t) != 0 {
		t.Errorf("%d contents are left, %v", f.contents(t), err)
	}
}

// call sends a request as it is.
func (f *fixture) call(t *testing.T, method, path, kind, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	res, err := client(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestBadRequests(t *testing.T) {
	f := newFixture(t)
	field := func(name, more, text string) string {
		return "--B\r\nContent-Disposition: form-data; name=\"" + name + `"` + more + "\r\n\r\n" + text + "\r\n"
	}
	const end, form, json = "--B--\r\n", "multipart/form-data; boundary=B", "application/json"
	content := field("file", `; filename="a.jsonl"`, "{}")
	for _, c := range []struct {
		method, path, kind, body string
		status                   int
		want                     string
	}{
		{"POST", "/v1/files", json, "{}", 415, "multipart/form-data"},
		{"POST", "/v1/files", form, content + end, 400, `'purpose' is a required property`},
		{"POST", "/v1/files", form, field("purpose", "", "fine-tune") + end, 400, `"param":"file"`},
		{"POST", "/v1/files", form, field("purpose", "", "fine-tune") + field("file", `; filename="a"`, "") + end, 400, "File is empty."},
		{"POST", "/v1/files", form, content + field("purpose", "", "assistants") + end, 400, "not one of the purposes"},
		{"POST", "/v1/files", form, field("purpose", "", "assistants") + content + end, 400, "not one of the purposes"},
		{"POST", "/v1/files", form, content + content + field("purpose", "", "batch") + end, 400, "two files"},
		{"POST", "/v1/files", form, field("file", "", "{}") + field("purpose", "", "batch") + end, 400, "no name"},
		{"POST", "/v1/files", form, field("purpose", "", strings.Repeat("x", 5000)) + content + end, 400, "more than 4096 bytes"},
		{"POST", "/v1/files", form, strings.Repeat(field("x", "", ""), 200) + end, 400, "more than 100 fields"},
		{"POST", "/v1/files", form, content + field("expires_after[anchor]", "", "now") + end, 400, `"param":"expires_after.anchor"`},
		{"POST", "/v1/files", form, content + field("expires_after[seconds]", "", "soon") + end, 400, `"param":"expires_after.seconds"`},
		{"POST", "/v1/files", form, content, 400, "The form ended early."},
		{"POST", "/v1/files", form, content[:len(content)-4], 400, "The form ended early."},
		{"POST", "/v1/files", form, "--B\r\nno header\r\n\r\n" + end, 400, "could not be read"},
		{"GET", "/v1/files?limit=0", "", "", 400, `"param":"limit"`},
		{"GET", "/v1/files?limit=ten", "", "", 400, `"param":"limit"`},
		{"GET", "/v1/files?order=up", "", "", 400, `"param":"order"`},
		{"GET", "/v1/files?after=file-x", "", "", 404, "No such File object: file-x"},
		{"GET", "/v1/files/file-x/content", "", "", 404, "No such File object: file-x"},
		{"DELETE", "/v1/files/file-x", "", "", 404, "No such File object: file-x"},
		{"PUT", "/v1/files/file-x", json, "{}", 405, "Not allowed to PUT"},
		{"POST", "/v1/uploads", json, `{"bytes":1,"filename":"x"}`, 400, `"param":"purpose"`},
		{"POST", "/v1/uploads", json, `{"bytes":0,"filename":"x","purpose":"batch"}`, 400, `"param":"bytes"`},
		{"POST", "/v1/uploads", json, `{"bytes":8589934593,"filename":"x","purpose":"batch"}`, 400, `"param":"bytes"`},
		{"POST", "/v1/uploads", json, `{"bytes":"1","filename":"x","purpose":"batch"}`, 400, `"param":"bytes"`},
		{"POST", "/v1/uploads", json, `{"bytes":1,"filename":"x","purpose":"batch","expires_after":{"anchor":"created_at","seconds":1}}`, 400, `"param":"expires_after.seconds"`},
		{"POST", "/v1/uploads/upload_x/parts", form, field("data", "", "x") + end, 404, "No such Upload object: upload_x"},
		{"POST", "/v1/uploads/upload_x/complete", json, `{"part_ids":["p"]}`, 404, "No such Upload object"},
		{"POST", "/v1/uploads/upload_x/cancel", json, ``, 404, "No such Upload object"},
	} {
		status, got := f.call(t, c.method, c.path, c.kind, c.body)
		if status != c.status || !strings.Contains(got, c.want) || !strings.HasPrefix(got, `{"error":{"message":"`) {
			t.Errorf("%s %s %.200q\ngave %d %s\nwant %d %s", c.method, c.path, c.body, status, got, c.status, c.want)
		}
	}
	if files, _, err := f.List(t.Context(), file.Query{Limit: 10}); err != nil || len(files) != 0 || f.contents(t) != 0 {
		t.Errorf("refused requests left %d files and %d contents, %v", len(files), f.contents(t), err)
	}
}

func TestKeys(t *testing.T) {
	s := open(t, t.TempDir(), new(store.Memory), file.Options{})
	keys, err := serve.NewKeySet([]serve.Key{{Name: "shop", Digest: troika.Sum([]byte("secret"))}})
	if err != nil {
		t.Fatal(err)
	}
	url := listen(t, s, keys)
	for secret, want := range map[string]bool{"wrong": false, "secret": true} {
		c := openai.NewClient(option.WithBaseURL(url+"/v1"), option.WithAPIKey(secret), option.WithMaxRetries(0))
		got, err := c.Files.New(t.Context(), openai.FileNewParams{File: named{strings.NewReader("x"), "x"}, Purpose: "user_data"})
		if (err == nil) != want {
			t.Errorf("with key %s: %v", secret, err)
		}
		if err != nil {
			continue
		}
		if f, err := s.Get(t.Context(), got.ID); err != nil || f.Key != "shop" {
			t.Errorf("file %+v, %v", f, err)
		}
	}
}

// Sending and deleting the same bytes at the same time never takes the content from
// under a file.
func TestSharedContent(t *testing.T) {
	f := newFixture(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 25 {
				c, err := f.Stage(t.Context(), strings.NewReader("same"))
				if err != nil {
					t.Error(err)
					return
				}
				made, err := f.Create(t.Context(), file.New{Filename: "x", Purpose: file.UserData}, c)
				c.Release(t.Context())
				c.Release(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				_, r, err := f.Open(t.Context(), made.ID)
				if err != nil {
					t.Error(err)
					return
				}
				if b, err := io.ReadAll(r); err != nil || string(b) != "same" {
					t.Errorf("read %q, %v", b, err)
				}
				if err := errors.Join(r.Close(), f.Delete(t.Context(), made.ID)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := f.contents(t); n != 0 {
		t.Errorf("%d contents are left", n)
	}
}

// What a killed process left without a name is removed when the store is opened.
func TestLeftovers(t *testing.T) {
	dir, blobs := t.TempDir(), new(store.Memory)
	s := open(t, dir, blobs, file.Options{})
	c, err := s.Stage(t.Context(), strings.NewReader("kept"))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := s.Create(t.Context(), file.New{ID: "file-1", Filename: "x", Purpose: file.UserData}, c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Create(t.Context(), file.New{ID: "file-1", Filename: "y", Purpose: file.UserData}, c)
	if err != nil || again != kept {
		t.Errorf("made again: %+v, %v, want %+v", again, err, kept)
	}
	left, err := s.Stage(t.Context(), strings.NewReader("left")) // and never released
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, blobs, file.Options{})
	if has, err := blobs.Has(t.Context(), left.Digest); err != nil || has {
		t.Error("leftovers stay for ever", err)
	}
	if _, r, err := s.Open(t.Context(), kept.ID); err != nil {
		t.Error(err)
	} else {
		r.Close()
	}
}

// Ten thousand tiny files are listed in one answer, or in pages.
func TestManyFiles(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 300
	}
	f := newFixture(t)
	for i := range n {
		c, err := f.Stage(t.Context(), bytes.NewReader(fmt.Append(nil, i)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Create(t.Context(), file.New{Filename: "x.jsonl", Purpose: file.FineTune}, c); err != nil {
			t.Fatal(err)
		}
		c.Release(t.Context())
	}
	for _, limit := range []int64{0, 777} {
		p := openai.FileListParams{}
		if limit > 0 {
			p.Limit = openai.Int(limit)
		}
		seen := map[string]bool{}
		pages := f.client.Files.ListAutoPaging(t.Context(), p)
		for pages.Next() {
			seen[pages.Current().ID] = true
		}
		if pages.Err() != nil || len(seen) != n {
			t.Errorf("limit %d: %d files of %d, %v", limit, len(seen), n, pages.Err())
		}
	}
}
