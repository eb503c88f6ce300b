package source

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"github.com/troikaml/troika/text/charset"
)

// sampleSize is how much of a table is looked at to tell its encoding.
const sampleSize = 64 << 10

// asUTF8 returns a reader of r's text as UTF-8, without a byte order mark. Its
// first bytes tell the encoding; where they are UTF-8, all is passed on as it is.
func asUTF8(r io.Reader, declared string) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, sampleSize)
	head, err := in.Peek(sampleSize)
	if err != nil && err != io.EOF { //nolint:errorlint // bufio returns io.EOF itself
		if len(head) == 0 || errors.Is(err, ErrBomb) {
			return nil, err
		}
	}
	enc, skip, err := encodingOf(head, declared)
	if err != nil {
		return nil, err
	}
	if _, err := in.Discard(skip); err != nil || enc == nil {
		return in, err
	}
	return bufio.NewReaderSize(enc.NewDecoder().Reader(in), sampleSize), nil
}

// encoding tells the encoding of head, nil for UTF-8, and the length of its
// byte order mark. Single lines that are no UTF-8, in a file that is, are
// failures of their own.
func encodingOf(head []byte, declared string) (encoding.Encoding, int, error) {
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		return nil, 3, nil
	}
	switch name := charset.Detect(trimRune(head), declared); name {
	case charset.UTF8:
		return nil, 0, nil
	case "":
		return nil, 0, charset.ErrBinary
	case charset.UTF16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), 0, nil
	case charset.UTF16BE:
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM), 0, nil
	default:
		enc, err := htmlindex.Get(string(name))
		return enc, 0, err
	}
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
