package charset

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// Encoding is the name of an encoding, as the WHATWG Encoding Standard spells
// it in lower case.
type Encoding string

// The encodings that are recognised.
const (
	UTF8        Encoding = "utf-8"
	UTF16LE     Encoding = "utf-16le"
	UTF16BE     Encoding = "utf-16be"
	GB18030     Encoding = "gb18030"
	Big5        Encoding = "big5"
	ShiftJIS    Encoding = "shift_jis"
	EUCJP       Encoding = "euc-jp"
	EUCKR       Encoding = "euc-kr"
	Windows1252 Encoding = "windows-1252"
)

// ErrBinary says that the bytes are no text in any encoding that is known.
var ErrBinary = errors.New("not text in a known encoding")

// Decode returns b as UTF-8 without a byte order mark, and the encoding it was
// in. declared is a name in any case, or empty. A name that nobody knows, or
// that the bytes contradict, is passed over. Bytes that the encoding does not
// allow become U+FFFD. The only error is ErrBinary.
func Decode(b []byte, declared string) (string, Encoding, error) {
	enc := Detect(b, declared)
	if enc == "" {
		return "", "", fmt.Errorf("decode %d bytes: %w", len(b), ErrBinary)
	}
	if enc == UTF8 {
		b = bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF"))
		return strings.ToValidUTF8(string(b), "\uFFFD"), enc, nil
	}
	out, err := decoder(enc).NewDecoder().Bytes(b)
	if err != nil {
		return "", enc, fmt.Errorf("decode %s: %w", enc, err)
	}
	s := strings.TrimPrefix(strings.ToValidUTF8(string(out), "\uFFFD"), "\uFEFF")
	return s, enc, nil
}

// Detect returns the encoding that Decode would use, or "" for what is no text.
func Detect(b []byte, declared string) Encoding {
	switch {
	case bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")):
		return UTF8
	case bytes.HasPrefix(b, []byte("\xFF\xFE")):
		return UTF16LE
	case bytes.HasPrefix(b, []byte("\xFE\xFF")):
		return UTF16BE
	}
	name := known(declared)
	if name == "iso-2022-jp" && bytes.Contains(b, []byte("\x1B$")) {
		return name
	}
	if enc := wide(b); enc != "" {
		return enc
	}
	s := sample(b)
	if isBinary(s) {
		return ""
	}
	if isUTF8(b) {
		return UTF8
	}
	return cheapest(gather(b), name)
}

// known returns the standard's name of a declared encoding, or "".
func known(declared string) Encoding {
	enc, err := htmlindex.Get(declared)
	if err != nil {
		return ""
	}
	name, err := htmlindex.Name(enc)
	switch {
	case err != nil || enc == encoding.Replacement:
		return ""
	case name == "gbk":
		return GB18030
	}
	return Encoding(name)
}

func decoder(enc Encoding) encoding.Encoding {
	switch enc { //nolint:exhaustive // the others are found by name
	case UTF16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case UTF16BE:
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case GB18030:
		return simplifiedchinese.GB18030
	case Big5:
		return traditionalchinese.Big5
	case ShiftJIS:
		return japanese.ShiftJIS
	case EUCJP:
		return japanese.EUCJP
	case EUCKR:
		return korean.EUCKR
	}
	e, err := htmlindex.Get(string(enc))
	if err != nil {
		return encoding.Replacement
	}
	return e
}

// isUTF8 reports text that is UTF-8 but for a character cut off at the end and
// for damage: one broken byte to at least twenty sound characters.
func isUTF8(b []byte) bool {
	if utf8.Valid(b) {
		return true
	}
	sound, broken := 0, 0
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		switch {
		case r != utf8.RuneError || size > 1:
			sound++
		case i > len(b)-utf8.UTFMax && !utf8.FullRune(b[i:]):
			return sound >= 20*broken && sound > 0
		default:
			broken++
		}
		i += size
	}
	return sound >= 20*broken
}

// sampleSize bounds what is looked at: some thousand characters decide.
const sampleSize = 8 << 10

// margin is how many ASCII bytes beside others are looked at.
const margin = 16

// sample returns the bytes from shortly before the first one beyond ASCII.
func sample(b []byte) []byte {
	from := max(0, nextHigh(b)-margin)
	return b[from:min(len(b), from+sampleSize)]
}

// gather joins the pieces that have bytes beyond ASCII: in a page of markup and
// scripts they may be few and far between.
func gather(b []byte) []byte {
	var s []byte
	for len(s) < sampleSize {
		at := nextHigh(b)
		if at < 0 {
			break
		}
		from := max(0, at-margin)
		to, last := at, at
		for to < len(b) && to-last <= margin && len(s)+to-from < sampleSize {
			if b[to] >= utf8.RuneSelf {
				last = to
			}
			to++
		}
		s = append(s, b[from:to]...)
		b = b[to:]
	}
	return s
}

// nextHigh returns where the first byte beyond ASCII is, or -1.
func nextHigh(b []byte) int {
	return bytes.IndexFunc(b, func(r rune) bool { return r >= utf8.RuneSelf })
}

// isBinary reports bytes that have more than a tenth of control characters.
func isBinary(s []byte) bool {
	control := 0
	for _, c := range s {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1B || c == 0x7F {
			control++
		}
	}
	return 10*control > len(s)
}

// Declared returns the encoding that the beginning of an HTML or XML document
// names (WHATWG HTML, "prescan a byte stream": the first 1024 bytes), or "".
func Declared(document []byte) string {
	const head = 1024
	lower := bytes.ToLower(document[:min(len(document), head)])
	for _, key := range []string{"charset", "encoding"} {
		if key == "encoding" && !bytes.HasPrefix(bytes.TrimSpace(lower), []byte("<?xml")) {
			break
		}
		rest := lower
		for {
			_, after, ok := bytes.Cut(rest, []byte(key))
			if !ok {
				break
			}
			if name := value(after); name != "" {
				return name
			}
			rest = after
		}
	}
	return ""
}

// value reads ="NAME".
func value(b []byte) string {
	const spaces = " \t\r\n"
	b, ok := bytes.CutPrefix(bytes.TrimLeft(b, spaces), []byte("="))
	if !ok {
		return ""
	}
	b = bytes.TrimLeft(b, spaces+"\"'")
	end := bytes.IndexAny(b, spaces+"\"'>/;?")
	if end < 0 {
		return ""
	}
	return string(b[:end])
}
