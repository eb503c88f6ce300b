package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// decoderConfig is one decoder of the flattened chain.
type decoderConfig struct {
	Type          string
	Decoders      []json.RawMessage
	Pattern       *patternConfig
	Content       string
	Start, Stop   int
	Replacement   string
	PrependScheme string `json:"prepend_scheme"`
	AddPrefix     *bool  `json:"add_prefix_space"`
	Suffix        string
	Prefix        string
	Cleanup       bool

	replace replace
	scheme  string
}

func newDecoderConfig(raw []byte) ([]decoderConfig, error) {
	var c *decoderConfig
	if err := json.Unmarshal(raw, &c); err != nil || c == nil {
		return nil, err
	}
	switch c.Type {
	case "Sequence":
		chain := []decoderConfig{}
		for i, raw := range c.Decoders {
			more, err := newDecoderConfig(raw)
			if err != nil {
				return nil, fmt.Errorf("decoders[%d]: %w", i, err)
			}
			chain = append(chain, more...)
		}
		return chain, nil
	case "ByteLevel", "ByteFallback", "Fuse", "BPEDecoder", "WordPiece":
	case "Replace":
		p, err := c.Pattern.pattern()
		if err != nil {
			return nil, err
		}
		c.replace = replace{p, c.Content}
	case "Strip":
		if utf8.RuneCountInString(c.Content) != 1 || c.Start < 0 || c.Stop < 0 {
			return nil, errors.New("strip: want one character and counts that are not negative")
		}
	case "Metaspace":
		m, err := newMetaspace(&stepConfig{
			Replacement: c.Replacement, PrependScheme: c.PrependScheme, AddPrefixSpace: c.AddPrefix,
		})
		if err != nil {
			return nil, err
		}
		c.scheme = m.scheme
	default:
		return nil, fmt.Errorf("type %q is not supported", c.Type)
	}
	return []decoderConfig{*c}, nil
}

// Decode returns the text of ids. Ids without a token are left out, special
// tokens as well where skipSpecial is set. Bytes that form no character become
// U+FFFD.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	d := t.NewDecoder(skipSpecial)
	var out strings.Builder
	for _, id := range ids {
		out.WriteString(d.Push(id))
	}
	out.WriteString(d.Flush())
	return out.String()
}

// Bytes returns the bytes that id stands for inside a text: those of the token
// for byte-level models, and with spaces and byte tokens resolved for
// SentencePiece-style ones. It is nil for an id without a token. The caller
// owns the slice.
func (t *Tokenizer) Bytes(id int32) []byte {
	token, ok := t.spelled(id)
	if !ok {
		return nil
	}
	s := []string{token}
	for _, c := range t.decoder {
		switch c.Type {
		case "ByteLevel":
			if b, ok := appendFromByteLevel(nil, s[0]); ok {
				return b
			}
		case "ByteFallback":
			if b, ok := byteToken(s[0]); ok {
				return []byte{b}
			}
		case "Replace":
			s[0] = c.replace.text(s[0])
		case "Metaspace":
			s[0] = strings.ReplaceAll(s[0], c.Replacement, " ")
		case "BPEDecoder":
			s[0] = strings.ReplaceAll(s[0], c.Suffix, " ")
		case "WordPiece":
			s[0] = joinWord(s[0], c.Prefix)
		}
	}
	return []byte(s[0])
}

// spelled returns the token of id as decoding sees it.
func (t *Tokenizer) spelled(id int32) (string, bool) {
	if a := t.added[id]; a != nil {
		return a.spelled, true
	}
	return t.vocab.token(id)
}

// Decoder decodes ids as they come. What it has returned so far, together with
// what Flush returns, is what [Tokenizer.Decode] returns for all the ids. It
// is made by [Tokenizer.NewDecoder] and not safe for concurrent use.
type Decoder struct {
	t           *Tokenizer
	skipSpecial bool
	kept        map[int32]bool
	stages      []stage
	buf         []byte
	out         strings.Builder
	count       int
}

// NewDecoder returns a Decoder at the beginning of a text.
func (t *Tokenizer) NewDecoder(skipSpecial bool) *Decoder {
	d := &Decoder{t: t, skipSpecial: skipSpecial}
	if !t.outBytes {
		d.stages = newStages(t.decoder)
	}
	return d
}

// Keep makes the decoder spell these special tokens out although it leaves the others
// out. Texts that are no token are ignored.
func (d *Decoder) Keep(tokens ...string) {
	d.kept = make(map[int32]bool, len(tokens))
	for _, token := range tokens {
		if id, ok := d.t.ID(token); ok {
			d.kept[id] = true
		}
	}
}

// Push takes the next id and returns the text that has become certain: bytes
// of an unfinished character are held back until it is whole.
func (d *Decoder) Push(id int32) string {
	token, ok := d.t.spelled(id)
	if a := d.t.added[id]; !ok || d.skipSpecial && a != nil && a.skipped && !d.kept[id] {
		return ""
	}
	if d.t.outBytes {
		return d.pushBytes(token)
	}
	if d.t.decoder == nil && d.count > 0 {
		d.out.WriteByte(' ')
	}
	d.count++
	d.through(0, token)
	return d.take()
}

// Flush ends the text and returns what was held back. The Decoder is then at
// the beginning of a new text.
func (d *Decoder) Flush() string {
	if d.t.outBytes {
		s := replaceInvalid(string(d.buf))
		d.buf = d.buf[:0]
		return s
	}
	for i, s := range d.stages {
		s.flush(func(token string) { d.through(i+1, token) })
	}
	d.count = 0
	d.stages = newStages(d.t.decoder)
	return d.take()
}

func (d *Decoder) take() string {
	s := d.out.String()
	d.out.Reset()
	return s
}

// through sends a token through the stages from i on.
func (d *Decoder) through(i int, token string) {
	if i == len(d.stages) {
		d.out.WriteString(token)
		return
	}
	d.stages[i].push(token, func(token string) { d.through(i+1, token) })
}

func (d *Decoder) pushBytes(token string) string {
	d.buf = appendBytes(d.buf, token)
	keep := incomplete(d.buf)
	n := len(d.buf) - keep
	s := replaceInvalid(string(d.buf[:n]))
	d.buf = append(d.buf[:0], d.buf[n:]...)
	return s
}

// appendBytes appends the bytes that a byte-level token stands for: those it
// spells or, where it is not of the alphabet, its own.
func appendBytes(dst []byte, token string) []byte {
	dst, ok := appendFromByteLevel(dst, token)
	if !ok {
		dst = append(dst, token...)
	}
	return dst
}

// byteToken reads <0xHH>.
func byteToken(s string) (byte, bool) {
	if len(s) != 6 || s[:3] != "<0x" || s[5] != '>' {
		return 0, false
	}
	high, low := hexDigit(s[3]), hexDigit(s[4])
	// Rust's from_str_radix accepts a plus sign in front.
	if s[3] == '+' {
		high = 0
	}
	return byte(high<<4 | low), high >= 0 && low >= 0
}

func hexDigit(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}
