package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// piece is a stretch of text on its way through the tokenizer. first says that
// it still starts with the first character of the input, which Metaspace's
// prepend scheme "first" asks about. Where that character became several and a
// cut falls between them, Hugging Face counts both parts as first; here only
// the former is.
type piece struct {
	s     string
	first bool
}

// A normalizer rewrites text before it is split.
type normalizer interface {
	normalize(p piece) piece
}

type normalizerConfig struct {
	Type        string
	Normalizers []json.RawMessage
	Prepend     string
	Pattern     *patternConfig
	Content     string
	StripLeft   bool `json:"strip_left"`
	StripRight  bool `json:"strip_right"`
	// of BertNormalizer
	CleanText    *bool `json:"clean_text"`
	HanApart     *bool `json:"handle_chinese_chars"`
	StripAccents *bool `json:"strip_accents"`
	Lowercase    *bool
	// of Precompiled
	Charsmap *string `json:"precompiled_charsmap"`
}

// patternConfig is {"String": s} or {"Regex": s}.
type patternConfig struct {
	String *string
	Regex  *string
}

func (c *patternConfig) pattern() (pattern, error) {
	switch {
	case c == nil || (c.String == nil) == (c.Regex == nil):
		return nil, errors.New("pattern: want either String or Regex")
	case c.Regex != nil:
		return newPattern(*c.Regex)
	case *c.String == "":
		return nil, errors.New("pattern: empty string")
	default:
		return literal(*c.String), nil
	}
}

// newNormalizer reads a normalizer component; null gives nil.
func newNormalizer(raw []byte) (normalizer, error) {
	var c *normalizerConfig
	if err := json.Unmarshal(raw, &c); err != nil || c == nil {
		return nil, err
	}
	switch c.Type {
	case "Sequence":
		var seq normalizerSequence
		for i, raw := range c.Normalizers {
			n, err := newNormalizer(raw)
			if err != nil {
				return nil, fmt.Errorf("normalizers[%d]: %w", i, err)
			}
			if n != nil {
				seq = append(seq, n)
			}
		}
		return seq, nil
	case "NFC":
		return normalForm{compose: true}, nil
	case "NFD":
		return normalForm{}, nil
	case "NFKC":
		return normalForm{compose: true, compatible: true}, nil
	case "NFKD":
		return normalForm{compatible: true}, nil
	case "Lowercase":
		return mapText(lowercase), nil
	case "Nmt":
		return filterRunes{drop: nmtDrops, replace: nmtReplaces}, nil
	case "StripAccents":
		return filterRunes{drop: isOldMark}, nil
	case "Strip":
		return strip{c.StripLeft, c.StripRight}, nil
	case "Prepend":
		return prepend(c.Prepend), nil
	case "Replace":
		p, err := c.Pattern.pattern()
		return replace{p, c.Content}, err
	case "ByteLevel":
		return mapText(toByteLevel), nil
	case "BertNormalizer":
		return newBertNormalizer(c), nil
	case "Precompiled":
		return newCharsmap(c.Charsmap)
	default:
		return nil, fmt.Errorf("type %q is not supported", c.Type)
	}
}

type normalizerSequence []normalizer

func (seq normalizerSequence) normalize(p piece) piece {
	for _, n := range seq {
		p = n.normalize(p)
	}
	return p
}

// mapText rewrites text and keeps its beginning.
type mapText func(string) string

func (f mapText) normalize(p piece) piece { return piece{f(p.s), p.first} }

// lowercase maps each character by itself: a final sigma is not special.
func lowercase(s string) string {
	return strings.Map(lowerRune, strings.ReplaceAll(s, "\u0130", "i\u0307"))
}

// lowerRune is Rust's char::to_lowercase (Unicode 17) where that gives one
// character: Go's tables stop at Unicode 15.0.
func lowerRune(c rune) rune {
	switch {
	case c < 0x1c89:
		return unicode.ToLower(c)
	case c == 0xa7cb:
		return 0x264
	case c == 0xa7dc:
		return 0x19b
	case c == 0x1c89, c == 0xa7cc, c == 0xa7ce, c == 0xa7d2, c == 0xa7d4, c == 0xa7da:
		return c + 1
	case 0x10d50 <= c && c <= 0x10d65:
		return c + 0x20
	case 0x16ea0 <= c && c <= 0x16eb8:
		return c + 0x1b
	}
	return unicode.ToLower(c)
}

type prepend string

func (n prepend) normalize(p piece) piece {
	if p.s != "" {
		p.s = string(n) + p.s
	}
	return p
}

type strip struct{ left, right bool }

func (n strip) normalize(p piece) piece {
	if n.left {
		s := strings.TrimLeftFunc(p.s, unicode.IsSpace)
		p = piece{s, p.first && len(s) == len(p.s)}
	}
	if n.right {
		p.s = strings.TrimRightFunc(p.s, unicode.IsSpace)
	}
	return p
}

type replace struct {
	pattern pattern
	content string
}

func (n replace) normalize(p piece) piece {
	start, _ := n.pattern.find(p.s, 0)
	if start < 0 {
		return p
	}
	return piece{n.text(p.s), p.first && (start > 0 || n.content != "")}
}

func (n replace) text(s string) string {
	if p, ok := n.pattern.(literal); ok {
		return strings.ReplaceAll(s, string(p), n.content)
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		start, end := n.pattern.find(s, i)
		if start < 0 {
			out.WriteString(s[i:])
			break
		}
		out.WriteString(s[i:start])
		out.WriteString(n.content)
		i = end
	}
	return out.String()
}

// filterRunes drops some characters and replaces others.
type filterRunes struct {
	drop    func(rune) bool
	replace func(rune) rune
}

func (n filterRunes) normalize(p piece) piece {
	first, _ := utf8.DecodeRuneInString(p.s)
	s := strings.Map(func(c rune) rune {
		if n.drop(c) {
			return -1
		}
		if n.replace != nil {
			return n.replace(c)
		}
		return c
	}, p.s)
	return piece{s, p.first && !n.drop(first)}
}

func nmtDrops(c rune) bool {
	return 1 <= c && c <= 8 || c == 0xb || 0xe <= c && c <= 0x1f || c == 0x7f || c == 0x8f || c == 0x9f
}

func nmtReplaces(c rune) rune {
	switch {
	case c == '\t', c == '\n', c == '\f', c == '\r', c == 0x1680, 0x200b <= c && c <= 0x200f,
		c == 0x2028, c == 0x2029, c == 0x2581, c == 0xfeff, c == 0xfffd:
		return ' '
	}
	return c
}
