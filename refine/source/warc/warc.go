package warc

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
)

// maxHead bounds the header of a record and that of an HTTP answer.
const maxHead = 256 << 10

// Options bound reading.
type Options struct {
	// MaxBody bounds the bytes of a payload, and of a block before it.
	MaxBody int64
	// Want says from the header alone whether a record is read; the others are
	// passed over in silence. Nil wants every record.
	Want func(Header) bool
	// Wrap is put around the decompressed bytes, to count them. It may be nil.
	Wrap func(io.Reader) io.Reader
}

// Header is what a record says about itself.
type Header struct {
	Number int
	// Type is warcinfo, response, resource, request, metadata, revisit,
	// conversion or continuation.
	Type string
	// URI is the target, without the angle brackets that some writers put.
	URI string
	// Date is zero where it cannot be read.
	Date time.Time
	// ContentType is the block's media type.
	ContentType string
	// Truncated is why the crawler cut the block, or empty.
	Truncated string
	length    int64
}

// Record is a record with its block.
type Record struct {
	Header
	// Status is the HTTP status, 0 where the block is no HTTP answer.
	Status int
	// MediaType is the payload's media type as declared, parameters included.
	MediaType string
	// Body is the payload. The receiver owns it.
	Body []byte
}

// Error says which record cannot be read. The records after it follow.
type Error struct {
	Number int
	// URI is empty where the header cannot be read.
	URI string
	Err error
}

// Error renders record N (URI): reason.
func (e *Error) Error() string {
	if e.URI == "" {
		return fmt.Sprintf("record %d: %v", e.Number, e.Err)
	}
	return fmt.Sprintf("record %d (%s): %v", e.Number, e.URI, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// The reasons for which records cannot be read.
var (
	ErrHeader    = errors.New("broken record header")
	ErrCut       = errors.New("record is cut off")
	ErrTooLarge  = errors.New("record too large")
	ErrTruncated = errors.New("the crawler cut it")
	ErrGzip      = errors.New("broken gzip member")
)

// Records yields the records of r. An error that is an *Error concerns one
// record; any other, such as one of r itself, is the last.
func Records(r io.Reader, o Options) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if o.Wrap == nil {
			o.Wrap = func(r io.Reader) io.Reader { return r }
		}
		in := &source{r: r}
		p := &parser{o: o, in: in, file: bufio.NewReaderSize(in, 64<<10), yield: yield}
		magic, _ := p.file.Peek(2) // a short file is no gzip file
		if string(magic) == "\x1f\x8b" {
			p.members()
		} else {
			p.plain = p.file
			p.records()
		}
		p.release()
		if in.err != nil && !p.stopped {
			yield(Record{}, in.err)
		}
	}
}

// source remembers the error of the input, to tell it from broken records.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

type parser struct {
	o       Options
	in      *source
	file    *bufio.Reader // the input as it is
	plain   *bufio.Reader // the records, decompressed
	number  int
	yield   func(Record, error) bool
	held    *Record
	stopped bool
	lost    bool // looking for the next record since an error was told
}

// bad tells a broken record once, however long it takes to find the next.
func (p *parser) bad(uri string, err error) {
	p.release()
	if !p.lost && !p.stopped {
		p.stopped = !p.yield(Record{}, &Error{Number: p.number, URI: uri, Err: err})
	}
	p.lost = true
}

// members reads a compressed file, gzip member by gzip member.
func (p *parser) members() {
	var z *gzip.Reader
	for !p.stopped && p.in.err == nil {
		if _, err := p.file.Peek(1); err != nil {
			return
		}
		var err error
		if z == nil {
			z, err = gzip.NewReader(p.file)
		} else {
			err = z.Reset(p.file)
		}
		if err != nil {
			p.number++
			p.bad("", fmt.Errorf("%w: %w", ErrGzip, err))
			z = nil
			if !p.findMember() {
				return
			}
			continue
		}
		z.Multistream(false)
		member := &source{r: z}
		counted := &source{r: p.o.Wrap(member)}
		p.plain = bufio.NewReaderSize(counted, 64<<10)
		p.records()
		p.drain()
		switch {
		case member.err != nil:
			if errors.Is(member.err, gzip.ErrChecksum) {
				p.held = nil
			} else if !p.lost {
				p.number++
			}
			p.bad("", fmt.Errorf("%w: %w", ErrGzip, member.err))
			if !p.findMember() {
				return
			}
		case counted.err != nil:
			p.bad("", counted.err)
			return
		}
	}
}

// drain reads a member to its end, where its checksum is.
func (p *parser) drain() {
	if !p.stopped {
		_, _ = io.Copy(io.Discard, p.plain) // the sources remember their errors
	}
}

// findMember moves to what looks like the head of a gzip member (RFC 1952,
// section 2.3): magic, deflate, no reserved flag, a level and a system that
// exist.
func (p *parser) findMember() bool {
	for {
		b, err := p.file.Peek(10)
		if err != nil {
			return false
		}
		skip := bytes.IndexByte(b[1:], 0x1f) + 1
		if string(b[:3]) == "\x1f\x8b\x08" && b[3]&0xe0 == 0 && (b[8] == 0 || b[8] == 2 || b[8] == 4) && (b[9] < 14 || b[9] == 255) {
			return true
		}
		if skip == 0 {
			skip = len(b)
		}
		if _, err := p.file.Discard(skip); err != nil {
			return false
		}
	}
}

// records reads records until plain ends.
func (p *parser) records() {
	for !p.stopped && p.in.err == nil {
		if !p.skipEmpty() {
			return
		}
		if p.lost && !p.findRecord() {
			return
		}
		p.number++
		h, err := p.header()
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = ErrCut
			}
			p.bad("", err)
			continue
		}
		p.lost = false
		h.Number = p.number
		p.record(h)
	}
}

// skipEmpty passes over the line ends between records and reports whether
// anything follows.
func (p *parser) skipEmpty() bool {
	for {
		b, err := p.plain.ReadByte()
		if err != nil {
			return false
		}
		if b != '\r' && b != '\n' {
			return p.plain.UnreadByte() == nil
		}
	}
}

// findRecord moves to the next line that begins with WARC/.
func (p *parser) findRecord() bool {
	for {
		b, err := p.plain.Peek(5)
		if err != nil {
			return false
		}
		if string(b) == "WARC/" {
			return true
		}
		for {
			if _, err = p.plain.ReadSlice('\n'); err == nil {
				break
			}
			if err != bufio.ErrBufferFull { //nolint:errorlint // bufio returns it as it is
				return false
			}
		}
	}
}

// header reads a record's header.
func (p *parser) header() (Header, error) {
	if begin, _ := p.plain.Peek(5); len(begin) == 5 && string(begin) != "WARC/" {
		return Header{}, fmt.Errorf("%w: it begins with %q", ErrHeader, begin)
	}
	lines, err := headLines(p.plain)
	if err != nil {
		return Header{}, err
	}
	h := Header{length: -1}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok {
			return Header{}, fmt.Errorf("%w: line %.40q has no colon", ErrHeader, line)
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "warc-type":
			h.Type = strings.ToLower(value)
		case "warc-target-uri":
			h.URI = strings.TrimSuffix(strings.TrimPrefix(value, "<"), ">")
		case "warc-date":
			if t, err := time.Parse(time.RFC3339Nano, value); err == nil {
				h.Date = t.UTC()
			}
		case "content-type":
			h.ContentType = value
		case "warc-truncated":
			h.Truncated = value
		case "content-length":
			if h.length, err = strconv.ParseInt(value, 10, 64); err != nil || h.length < 0 {
				return Header{}, fmt.Errorf("%w: Content-Length is %.20q", ErrHeader, value)
			}
		}
	}
	if h.length < 0 || h.Type == "" {
		return Header{}, fmt.Errorf("%w: no WARC-Type or Content-Length", ErrHeader)
	}
	return h, nil
}

// headLines reads lines up to an empty one; lines that begin with a space
// continue the one before. There is at least one line.
func headLines(in *bufio.Reader) ([]string, error) {
	var lines []string
	size := 0
	for {
		line, err := in.ReadSlice('\n')
		size += len(line)
		switch {
		case err == bufio.ErrBufferFull, size > maxHead: //nolint:errorlint // bufio returns it as it is
			return nil, fmt.Errorf("%w: longer than %d bytes", ErrHeader, maxHead)
		case err != nil:
			return nil, err
		}
		s := strings.ToValidUTF8(strings.TrimRight(string(line), "\r\n"), "\uFFFD")
		switch {
		case s == "" && len(lines) > 0:
			return lines, nil
		case (s == "" || s[0] == ' ' || s[0] == '\t') && len(lines) > 0:
			lines[len(lines)-1] += " " + strings.TrimSpace(s)
		default:
			lines = append(lines, s)
		}
	}
}

// record reads the block that belongs to h and yields what is in it.
func (p *parser) record(h Header) {
	switch {
	case p.o.Want != nil && !p.o.Want(h):
		p.pass(h, nil)
		return
	case h.length > p.o.MaxBody+maxHead:
		p.pass(h, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, h.length, p.o.MaxBody))
		return
	case h.Truncated != "":
		p.pass(h, fmt.Errorf("%w: %s", ErrTruncated, h.Truncated))
		return
	}
	block := make([]byte, 0, min(h.length, 1<<20))
	block, err := readBlock(p.plain, block, h.length)
	if err == nil && !p.ends() {
		err = fmt.Errorf("%w: no empty lines where it is said to end", ErrCut)
		p.again(block)
	}
	if err != nil {
		p.bad(h.URI, err)
		return
	}
	rec := Record{Header: h, MediaType: h.ContentType, Body: block}
	if strings.HasPrefix(strings.ToLower(h.ContentType), "application/http") && h.Type == "response" {
		err = rec.answer(block, p.o)
	} else if h.length > p.o.MaxBody {
		err = fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, h.length, p.o.MaxBody)
	}
	if err != nil {
		p.bad(h.URI, err)
		p.lost = false // the next record is where it should be
		return
	}
	p.release()
	p.held = &rec
}

// release yields the record that was held back until its checksum was seen.
func (p *parser) release() {
	if p.held != nil && !p.stopped {
		p.stopped = !p.yield(*p.held, nil)
	}
	p.held = nil
}

// pass moves over a block, and tells why if it is not by choice.
func (p *parser) pass(h Header, why error) {
	n, err := io.CopyN(io.Discard, p.plain, h.length)
	cut := err != nil || !p.ends()
	switch {
	case why != nil:
		p.bad(h.URI, why)
		p.lost = cut
	case cut:
		p.bad(h.URI, fmt.Errorf("%w after %d of %d bytes", ErrCut, n, h.length))
	}
}

// ends reports whether a block is followed by line ends, or by nothing.
func (p *parser) ends() bool {
	b, err := p.plain.Peek(1)
	return err != nil || b[0] == '\r' || b[0] == '\n'
}

// again gives the records back that a block with a wrong length swallowed.
func (p *parser) again(block []byte) {
	if i := bytes.Index(block, []byte("\nWARC/1.")); i >= 0 {
		p.plain = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(block[i+1:]), p.plain), 64<<10)
	}
}

// readBlock reads n bytes onto b, which grows with what is there, not with what
// is claimed.
func readBlock(r io.Reader, b []byte, n int64) ([]byte, error) {
	buf := bytes.NewBuffer(b)
	got, err := io.CopyN(buf, r, n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w after %d of %d bytes", ErrCut, got, n)
	}
	return buf.Bytes(), err
}
