package file_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime/multipart"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/serve/file"
	"github.com/troikaml/troika/store"
)

// void is a store of blobs that keeps their lengths alone.
type void struct {
	mu    sync.Mutex
	sizes map[troika.Digest]int64
	peak  uint64 // of the heap, while blobs came in
}

func (v *void) Put(_ context.Context, r io.Reader) (troika.Digest, int64, error) {
	var n int64
	buf := make([]byte, 32<<10)
	for {
		k, err := r.Read(buf)
		if n>>24 != (n+int64(k))>>24 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			v.peak = max(v.peak, m.HeapAlloc)
		}
		n += int64(k)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return troika.Digest{}, 0, err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	d := troika.Sum(fmt.Append(nil, n))
	v.sizes[d] = n
	return d, n, nil
}

func (v *void) Open(_ context.Context, d troika.Digest) (io.ReadCloser, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n, ok := v.sizes[d]
	if !ok {
		return nil, store.ErrNotFound
	}
	return io.NopCloser(io.LimitReader(zeros{}, n)), nil
}

func (v *void) Has(_ context.Context, d troika.Digest) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.sizes[d] > 0, nil
}

func (v *void) Delete(_ context.Context, d troika.Digest) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.sizes, d)
	return nil
}

func (v *void) List(context.Context) iter.Seq2[troika.Digest, error] {
	return func(func(troika.Digest, error) bool) {}
}

// zeros is an endless file.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// client returns a client that leaves no connection behind.
func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// sendZeros sends a file of size zeros as a form, without ever having it in memory.
func sendZeros(t *testing.T, url string, size int64) (int, string) {
	t.Helper()
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		f, err := form.CreateFormFile("file", "zeros")
		if err == nil {
			_, err = io.CopyN(f, zeros{}, size)
		}
		if err == nil {
			err = errors.Join(form.WriteField("purpose", "user_data"), form.Close())
		}
		w.CloseWithError(err)
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/files", r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	res, err := client(t).Do(req)
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

// The largest file passes through a few buffers, there and back.
func TestStreams(t *testing.T) {
	size := int64(file.MaxFile)
	if testing.Short() {
		size = 64 << 20
	}
	blobs := &void{sizes: map[troika.Digest]int64{}}
	s := open(t, t.TempDir(), blobs, file.Options{})
	url := listen(t, s, nil)
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	status, body := sendZeros(t, url, size)
	if status != http.StatusOK || !strings.Contains(body, fmt.Sprintf(`"bytes":%d,`, size)) {
		t.Fatal(status, body)
	}
	if blobs.peak > before.HeapAlloc+16<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before.HeapAlloc, blobs.peak)
	}
	files, _, err := s.List(t.Context(), file.Query{Limit: 1})
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/files/"+files[0].ID+"/content", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err != nil || n != size || res.ContentLength != size {
		t.Errorf("%d bytes came back, %v", n, err)
	}
}

func TestTooLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("it sends 512 MB")
	}
	blobs := &void{sizes: map[troika.Digest]int64{}}
	s := open(t, t.TempDir(), blobs, file.Options{})
	url := listen(t, s, nil)
	for _, over := range []int64{1, 2 << 20} {
		if status, body := sendZeros(t, url, file.MaxFile+over); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%d bytes too many: %d %s", over, status, body)
		}
	}
	if len(blobs.sizes) != 0 {
		t.Errorf("%d contents are left", len(blobs.sizes))
	}
}

// An upload that is cut in the middle leaves nothing.
func TestCut(t *testing.T) {
	f := newFixture(t)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 1000000\r\n\r\n"+
		"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n%s", strings.Repeat("x", 100_000))
	<-time.After(50 * time.Millisecond)
	conn.Close()
	// A later request finds the store as it was: nothing of the cut one is in it.
	for range 50 {
		<-time.After(10 * time.Millisecond)
		if files, _, err := f.List(t.Context(), file.Query{Limit: 10}); err != nil || len(files) != 0 || f.contents(t) != 0 {
			t.Fatalf("%d files and %d contents are left, %v", len(files), f.contents(t), err)
		}
	}
	f.send(t, "whole", "x", "user_data")
	if err := f.Sweep(t.Context()); err != nil || f.contents(t) != 1 {
		t.Errorf("%d contents, %v", f.contents(t), err)
	}
}
