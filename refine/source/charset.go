package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// sampleSize is how much of a table is looked at to tell its encoding.
const sampleSize = 64 << 10

// utf8 returns a reader of r's text as UTF-8, without a byte order mark.
// Where the first bytes are UTF-8, the rest is passed on as it is.
func (rd *reader) utf8(r io.Reader, declared string) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, sampleSize)
	head, err := in.Peek(sampleSize)
	if err != nil && err != io.EOF { //nolint:errorlint // bufio returns io.EOF itself
		if len(head) == 0 || errors.Is(err, ErrBomb) {
			return nil, err
		}
	}
	enc, skip, err := rd.encoding(head, declared)
	if err != nil {
		return nil, err
	}
	if _, err := in.Discard(skip); err != nil || enc == nil {
		return in, err
	}
	return bufio.NewReaderSize(enc.NewDecoder().Reader(in), sampleSize), nil
}

// encoding tells the encoding of head, nil for UTF-8, and the length of its
// byte order mark.
func (rd *reader) encoding(head []byte, declared string) (encoding.Encoding, int, error) {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return nil, 3, nil
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), 2, nil
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), 2, nil
	case utf8.Valid(trimRune(head)):
		return nil, 0, nil
	}
	if rd.o.Charset != nil {
		enc, err := rd.o.Charset(head)
		return enc, 0, err
	}
	if declared != "" {
		enc, err := htmlindex.Get(declared)
		if err != nil {
			return nil, 0, fmt.Errorf("charset %q is not known", declared)
		}
		return enc, 0, nil
	}
	// Single lines that are no UTF-8 are failures of their own.
	return nil, 0, nil
}

// trimRune cuts a rune that is not complete off the end.
func trimRune(b []byte) []byte {
	for i := 1; i <= min(utf8.UTFMax-1, len(b)); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}
