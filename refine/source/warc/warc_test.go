package warc_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine/source/warc"
)

const limit = 1 << 20

// record writes a record as crawlers do.
func record(kind, uri, contentType, block string) string {
	return fmt.Sprintf("WARC/1.0\r\nWARC-Type: %s\r\nWARC-Target-URI: %s\r\nWARC-Date: 2024-05-06T07:08:09Z\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n",
		kind, uri, contentType, len(block), block)
}

func answer(headers, body string) string { return "HTTP/1.1 200 OK\r\n" + headers + "\r\n\r\n" + body }

func page(n int) string {
	return record("response", fmt.Sprintf("http://h.example/%d", n), "application/http; msgtype=response",
		answer("Content-Type: text/html; charset=gbk", fmt.Sprintf("<p>page %d", n)))
}

func gz(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

// read renders what a file yields.
func read(t testing.TB, in string, o warc.Options) string {
	t.Helper()
	if o.MaxBody == 0 {
		o.MaxBody = limit
	}
	var got []string
	for rec, err := range warc.Records(strings.NewReader(in), o) {
		if bad, ok := errors.AsType[*warc.Error](err); ok {
			got = append(got, bad.Error())
		} else if err != nil {
			got = append(got, "! "+err.Error())
		} else {
			got = append(got, fmt.Sprintf("%d %s %d %.40q", rec.Number, rec.URI, rec.Status, rec.Body))
		}
	}
	return strings.Join(got, "\n")
}

func Example() {
	file := record("response", "http://h.example/", "application/http", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>Pears")
	for rec, err := range warc.Records(strings.NewReader(file), warc.Options{MaxBody: 1 << 20}) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(rec.URI, rec.Date.Format("2006"), rec.Status, rec.MediaType, string(rec.Body))
	}
	// Output: http://h.example/ 2024 200 text/html <p>Pears
}

func line(n, number int) string {
	return fmt.Sprintf("%d http://h.example/%d 200 \"<p>page %d\"", number, n, n)
}

func TestBroken(t *testing.T) {
	whole := page(1) + page(2) + page(3)
	long := record("resource", "http://h.example/long", "text/plain", strings.Repeat("x", limit+300<<10))
	wrong := strings.Replace(page(1), "Content-Length: ", "Content-Length: 1", 1)
	for _, c := range []struct{ name, in, want string }{
		{"plain", whole, line(1, 1) + "\n" + line(2, 2) + "\n" + line(3, 3)},
		{"a member a record", gz(page(1)) + gz(page(2)), line(1, 1) + "\n" + line(2, 2)},
		{"one member", gz(whole), line(1, 1) + "\n" + line(2, 2) + "\n" + line(3, 3)},
		{"cut in a block", page(1) + page(2)[:len(page(2))-8], line(1, 1) + "\nrecord 2 (http://h.example/2): record is cut off after 62 of 66 bytes"},
		{"cut in a header", page(1) + page(2)[:40], line(1, 1) + "\nrecord 2: record is cut off"},
		{"cut in a member", gz(page(1)) + gz(page(2))[:60], line(1, 1) + "\nrecord 2: record is cut off"},
		{"length too great", wrong + page(2) + page(3), "record 1 (http://h.example/1): record is cut off: no empty lines where it is said to end\n" + line(2, 2) + "\n" + line(3, 3)},
		{"garbage between", page(1) + "garbage\r\nmore\r\n" + page(2), line(1, 1) + "\nrecord 2: broken record header: it begins with \"garba\"\n" + line(2, 3)},
		{"no length", strings.Replace(page(1), "Content-Length", "Content-Lengths", 1) + page(2), "record 1: broken record header: no WARC-Type or Content-Length\n" + line(2, 2)},
		{"broken member", gz(page(1)) + breakAt(gz(page(2)), 40) + gz(page(3)), line(1, 1) + "\nrecord 2: broken gzip member: flate: corrupt input before offset 49\n" + line(3, 3)},
		{"broken checksum", breakAt(gz(page(1)), -6) + gz(page(2)), "record 1: broken gzip member: gzip: invalid checksum\n" + line(2, 2)},
		{"garbage between members", gz(page(1)) + "\x1f\x8bgarbage\x1f" + gz(page(2)), line(1, 1) + "\nrecord 2: broken gzip member: gzip: invalid header\n" + line(2, 3)},
		{"too large", long + page(2), "record 1 (http://h.example/long): record too large: 1355776 bytes, the limit is 1048576\n" + line(2, 2)},
		{"cut by the crawler", strings.Replace(page(1), "WARC-Date", "WARC-Truncated: length\r\nWARC-Date", 1) + page(2), "record 1 (http://h.example/1): the crawler cut it: length\n" + line(2, 2)},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := read(t, c.in, warc.Options{}); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func breakAt(s string, i int) string {
	if i < 0 {
		i += len(s)
	}
	return s[:i] + string(s[i]^0x55) + s[i+1:]
}

func TestAnswer(t *testing.T) {
	const html = "<p>Pears are sweet."
	chunked := "5;x=y\r\n<p>Pe\r\ne\r\nars are sweet.\r\n0\r\n\r\n"
	bomb := gz(strings.Repeat("x", 3<<20))
	for _, c := range []struct{ name, headers, body, want string }{
		{"as it is", "", html, html},
		{"gzip", "Content-Encoding: gzip", gz(html), html},
		{"stored decoded", "Content-Encoding: gzip\r\nTransfer-Encoding: chunked", html, html},
		{"chunked", "Transfer-Encoding: chunked", chunked, html},
		{"brotli stored decoded", "Content-Encoding: br", html, html},
		{"both", "Transfer-Encoding: chunked\r\nContent-Encoding: gzip", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(gz(html)), gz(html)), html},
		{"chunks cut", "Transfer-Encoding: chunked", chunked[:20], "!record is cut off: its chunks stop after 8 bytes"},
		{"gzip cut", "Content-Encoding: gzip", gz(html)[:20], "!decode gzip: record is cut off: unexpected EOF"},
		{"bomb", "Content-Encoding: gzip", bomb, "!decode gzip: record too large: the limit is 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := record("response", "u", "application/http", answer(strings.TrimSpace("X: y\r\n"+c.headers), c.body)) + page(2)
			want := fmt.Sprintf("1 u 200 %.40q", c.want)
			if why, ok := strings.CutPrefix(c.want, "!"); ok {
				want = "record 1 (u): " + why
			}
			want += "\n" + line(2, 2)
			if got := read(t, in, warc.Options{}); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestThirdParty reads what warcio wrote: response, resource, request,
// metadata and conversion records, chunked and gzipped bodies.
func TestThirdParty(t *testing.T) {
	want, err := os.ReadFile("testdata/crawl.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"testdata/crawl.warc", "testdata/crawl.warc.gz"} {
		f, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for rec, err := range warc.Records(bytes.NewReader(f), warc.Options{MaxBody: limit, Want: func(h warc.Header) bool {
			return h.Type == "response" || h.Type == "resource" || h.Type == "conversion"
		}}) {
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %s %s %s %d %s\n%s\n", rec.Type, rec.URI, rec.Date.Format("2006-01-02T15:04:05Z"), rec.MediaType, rec.Status, "--", rec.Body)
		}
		if b.String() != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, &b, want)
		}
	}
}

// endless is a record that claims and delivers more than any memory.
type endless struct{ left int64 }

func (e *endless) Read(b []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), e.left))
	clear(b[:n])
	e.left -= int64(n)
	return n, nil
}

func TestHugeRecord(t *testing.T) {
	const size = 2 << 30
	head := fmt.Sprintf("WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: %d\r\n\r\n", size)
	in := io.MultiReader(strings.NewReader(head), &endless{size}, strings.NewReader("\r\n\r\n"+page(2)))
	var got []string
	for rec, err := range warc.Records(in, warc.Options{MaxBody: limit}) {
		got = append(got, fmt.Sprint(rec.URI, err))
	}
	want := "[record 1: record too large: 2147483648 bytes, the limit is 1048576 http://h.example/2<nil>]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzRecords(f *testing.F) {
	for _, s := range []string{page(1) + page(2), gz(page(1)) + gz(page(2)), gz(page(1))[:50], "WARC/1.0\r\n\r\n", "\x1f\x8b\x08", page(1) + "x\nWARC/1.0\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		n := 0
		for rec, err := range warc.Records(bytes.NewReader(in), warc.Options{MaxBody: 1 << 10}) {
			if n++; n > 2*len(in)+2 {
				t.Fatal("more records than bytes")
			}
			if err == nil && len(rec.Body) > 1<<10+256<<10 {
				t.Fatalf("%d bytes in a body", len(rec.Body))
			}
		}
	})
}
