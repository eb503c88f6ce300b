package warc

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// answer takes an HTTP answer apart (RFC 9112) and undoes its encodings.
// Crawlers often store a body already decoded under the headers it came with:
// where the body does not begin as its encoding does, it is taken as it is.
func (rec *Record) answer(block []byte, o Options) error {
	in := bufio.NewReader(bytes.NewReader(block))
	lines, err := headLines(in)
	if err != nil {
		return fmt.Errorf("broken HTTP header: %w", err)
	}
	parts := strings.Fields(lines[0])
	if len(parts) < 2 || !strings.HasPrefix(parts[0], "HTTP/") {
		return fmt.Errorf("broken HTTP header: it begins with %.20q", lines[0])
	}
	if rec.Status, err = strconv.Atoi(parts[1]); err != nil {
		return fmt.Errorf("broken HTTP header: status %.20q", parts[1])
	}
	rec.MediaType = ""
	var transfer, content string
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "content-type":
			rec.MediaType = value
		case "transfer-encoding":
			transfer = strings.ToLower(value)
		case "content-encoding":
			content = strings.ToLower(value)
		}
	}
	body, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if strings.Contains(transfer, "chunked") {
		if body, err = dechunk(body); err != nil {
			return err
		}
	}
	for _, coding := range encodings(content) {
		if body, err = decode(body, coding, o); err != nil {
			return fmt.Errorf("decode %s: %w", coding, err)
		}
	}
	if int64(len(body)) > o.MaxBody {
		return fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, o.MaxBody)
	}
	rec.Body = body
	return nil
}

// encodings splits a Content-Encoding header, the last applied first.
func encodings(header string) []string {
	var out []string
	for c := range strings.SplitSeq(header, ",") {
		out = append([]string{strings.TrimSpace(c)}, out...)
	}
	return out
}

// dechunk joins the chunks of a body.
func dechunk(body []byte) ([]byte, error) {
	var out []byte
	rest := body
	for first := true; ; first = false {
		line, after, ok := bytes.Cut(rest, []byte("\n"))
		digits, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(digits)), 16, 31)
		switch {
		case first && (!ok || err != nil):
			return body, nil //nolint:nilerr // it never was chunked
		case !ok:
			return nil, fmt.Errorf("%w: its chunks stop after %d bytes", ErrCut, len(out))
		case err != nil:
			return nil, fmt.Errorf("broken chunk after %d bytes", len(out))
		case n == 0:
			return out, nil
		case uint64(len(after)) < n:
			return nil, fmt.Errorf("%w: its chunks stop after %d bytes", ErrCut, len(out)+len(after))
		}
		out = append(out, after[:n]...)
		rest = bytes.TrimPrefix(bytes.TrimPrefix(after[n:], []byte("\r")), []byte("\n"))
	}
}

// decode undoes one content coding, within the limit on bodies.
func decode(body []byte, coding string, o Options) ([]byte, error) {
	var r io.Reader
	var err error
	switch coding {
	case "gzip", "x-gzip":
		if !bytes.HasPrefix(body, []byte("\x1f\x8b")) {
			return body, nil
		}
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		// The name means zlib; some servers send bare deflate.
		if r, err = zlib.NewReader(bytes.NewReader(body)); err != nil {
			r, err = flate.NewReader(bytes.NewReader(body)), nil
		}
	case "br":
		r = brotli.NewReader(bytes.NewReader(body))
	case "zstd":
		if !bytes.HasPrefix(body, []byte("\x28\xb5\x2f\xfd")) {
			return body, nil
		}
		var z *zstd.Decoder
		if z, err = zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20), zstd.WithDecoderMaxWindow(64<<20)); err == nil {
			defer z.Close()
			r = z
		}
	default: // identity, and names that nobody knows
		return body, nil
	}
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(o.Wrap(r), o.MaxBody+1))
	switch {
	case int64(len(out)) > o.MaxBody:
		return nil, fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, o.MaxBody)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%w: %w", ErrCut, err)
	case err != nil && (coding == "br" || coding == "deflate") && len(out) == 0:
		return body, nil // stored already decoded
	}
	return out, err
}
