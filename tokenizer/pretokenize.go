package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A step of pre-tokenization cuts or rewrites a piece; it appends the results,
// none empty, to out.
type step interface {
	apply(out []piece, p piece) []piece
}

type stepConfig struct {
	Type             string
	Pretokenizers    []json.RawMessage
	AddPrefixSpace   *bool `json:"add_prefix_space"`
	UseRegex         *bool `json:"use_regex"`
	Pattern          *patternConfig
	Behavior         string
	Invert           bool
	IndividualDigits bool `json:"individual_digits"`
	Replacement      string
	PrependScheme    string `json:"prepend_scheme"`
	Split            *bool
	Delimiter        string
	Length           *int
}

// newSteps reads a pre-tokenizer component as a flat list of steps.
func newSteps(raw []byte) ([]step, error) {
	var c *stepConfig
	if err := json.Unmarshal(raw, &c); err != nil || c == nil {
		return nil, err
	}
	one := func(s step, err error) ([]step, error) { return []step{s}, err }
	switch c.Type {
	case "Sequence":
		var steps []step
		for i, raw := range c.Pretokenizers {
			more, err := newSteps(raw)
			if err != nil {
				return nil, fmt.Errorf("pretokenizers[%d]: %w", i, err)
			}
			steps = append(steps, more...)
		}
		return steps, nil
	case "ByteLevel":
		return byteLevelSteps(c)
	case "Split":
		p, err := c.Pattern.pattern()
		if err != nil {
			return nil, err
		}
		return one(newSplit(p, c.Behavior, c.Invert))
	case "Digits":
		if c.IndividualDigits {
			return one(newSplit(runeFunc(isNumeric), "Isolated", false))
		}
		return one(newSplit(runeFunc(isNumeric), "Contiguous", false))
	case "Punctuation":
		if c.Behavior == "" {
			c.Behavior = "Isolated"
		}
		return one(newSplit(runeFunc(isPunctuation), c.Behavior, false))
	case "Whitespace":
		return one(newSplit(runs{isWord, isSymbol}, "Removed", true))
	case "WhitespaceSplit":
		return one(newSplit(runeFunc(unicode.IsSpace), "Removed", false))
	case "CharDelimiterSplit", "Delimiter":
		if utf8.RuneCountInString(c.Delimiter) != 1 {
			return nil, fmt.Errorf("delimiter %q is not one character", c.Delimiter)
		}
		return one(newSplit(literal(c.Delimiter), "Removed", false))
	case "BertPreTokenizer":
		spaces, err := newSplit(runeFunc(unicode.IsSpace), "Removed", false)
		if err != nil {
			return nil, err
		}
		signs, err := newSplit(runeFunc(isPunctuation), "Isolated", false)
		return []step{spaces, signs}, err
	case "FixedLength":
		return one(newFixedLength(c.Length))
	case "Metaspace":
		return one(newMetaspace(c))
	default:
		return nil, fmt.Errorf("type %q is not supported", c.Type)
	}
}

func isSymbol(c rune) bool { return !isWord(c) && !unicode.IsSpace(c) }

// byteLevelSteps spells the ByteLevel pre-tokenizer as up to three steps.
func byteLevelSteps(c *stepConfig) ([]step, error) {
	if c.AddPrefixSpace == nil {
		return nil, errors.New("add_prefix_space is missing")
	}
	var steps []step
	if *c.AddPrefixSpace {
		steps = append(steps, prefixSpace{})
	}
	if c.UseRegex == nil || *c.UseRegex {
		s, err := newSplit(scanner{scanGPT2, classes()}, "Isolated", false)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return append(steps, spellBytes{}), nil
}

// prefixSpace gives each piece a leading space.
type prefixSpace struct{}

func (prefixSpace) apply(out []piece, p piece) []piece {
	if !strings.HasPrefix(p.s, " ") {
		p.s = " " + p.s
	}
	return append(out, p)
}

// spellBytes writes each piece in GPT-2's byte alphabet.
type spellBytes struct{}

func (spellBytes) apply(out []piece, p piece) []piece {
	return append(out, piece{toByteLevel(p.s), p.first})
}

// behavior says what becomes of the matches of a Split.
type behavior uint8

const (
	removed behavior = iota
	isolated
	mergedWithPrevious
	mergedWithNext
	contiguous
)

// split cuts a piece at the matches of a pattern; invert swaps matches and
// what lies between them.
type split struct {
	pattern  pattern
	behavior behavior
	invert   bool
}

func newSplit(p pattern, name string, invert bool) (split, error) {
	b, ok := map[string]behavior{
		"Removed": removed, "Isolated": isolated, "MergedWithPrevious": mergedWithPrevious,
		"MergedWithNext": mergedWithNext, "Contiguous": contiguous,
	}[name]
	if !ok {
		return split{}, fmt.Errorf("behavior %q is not known", name)
	}
	return split{p, b, invert}, nil
}

// words returns the scanner where s does nothing but cut its matches apart.
func (s split) words() (scanner, bool) {
	p, ok := s.pattern.(scanner)
	return p, ok && (s.behavior == isolated || s.behavior == removed && s.invert)
}

func (s split) apply(out []piece, p piece) []piece {
	c := cutter{split: s, p: p, out: out, base: len(out)}
	for i := 0; i < len(p.s); {
		start, end := s.pattern.find(p.s, i)
		if start < 0 {
			start, end = len(p.s), len(p.s)
		}
		if start > i {
			c.part(i, start, s.invert)
		}
		if end > start {
			c.part(start, end, !s.invert)
		}
		i = end
	}
	return c.out
}

// cutter collects the parts of one piece.
type cutter struct {
	split
	p     piece
	out   []piece
	base  int // where the parts of p start in out
	start int // where the last part starts in p
	match bool
}

// part takes the next part of the piece, a match of the pattern or not.
// The parts cover the piece in order.
func (c *cutter) part(start, end int, match bool) {
	has := len(c.out) > c.base
	join := false
	switch c.behavior {
	case removed:
		if match {
			return
		}
	case isolated:
	case contiguous:
		join = match == c.match && has
	case mergedWithPrevious:
		join = match && !c.match && has
	case mergedWithNext:
		// A match joins the next part unless that is a match as well.
		join = !match && c.match && has
	}
	c.match = match
	if join {
		c.out[len(c.out)-1].s = c.p.s[c.start:end]
		return
	}
	c.start = start
	c.out = append(c.out, piece{c.p.s[start:end], c.p.first && start == 0})
}

// fixedLength cuts pieces of so many characters.
type fixedLength int

func newFixedLength(n *int) (fixedLength, error) {
	switch {
	case n == nil:
		return 5, nil
	case *n < 1:
		return 0, fmt.Errorf("length %d is not positive", *n)
	}
	return fixedLength(*n), nil
}

func (n fixedLength) apply(out []piece, p piece) []piece {
	start, count := 0, 0
	for i := range p.s {
		if count == int(n) {
			out = append(out, piece{p.s[start:i], p.first && start == 0})
			start, count = i, 0
		}
		count++
	}
	return append(out, piece{p.s[start:], p.first && start == 0})
}

// metaspace writes spaces as a visible character, puts one in front by its
// scheme, and cuts before each.
type metaspace struct {
	mark   string
	scheme string // "first", "always" or "never"
	cut    bool
}

func newMetaspace(c *stepConfig) (metaspace, error) {
	m := metaspace{mark: c.Replacement, scheme: c.PrependScheme, cut: c.Split == nil || *c.Split}
	if utf8.RuneCountInString(m.mark) != 1 {
		return m, fmt.Errorf("replacement %q is not one character", m.mark)
	}
	if m.scheme == "" {
		m.scheme = "always"
		if c.AddPrefixSpace != nil && !*c.AddPrefixSpace {
			return m, errors.New("add_prefix_space does not match prepend_scheme")
		}
	}
	switch m.scheme {
	case "first", "always":
		if c.AddPrefixSpace != nil && !*c.AddPrefixSpace {
			return m, errors.New("add_prefix_space does not match prepend_scheme")
		}
	case "never":
	default:
		return m, fmt.Errorf("prepend_scheme %q is not known", m.scheme)
	}
	return m, nil
}

func (m metaspace) apply(out []piece, p piece) []piece {
	p.s = strings.ReplaceAll(p.s, " ", m.mark)
	if m.scheme == "always" || m.scheme == "first" && p.first {
		if !strings.HasPrefix(p.s, m.mark) {
			p.s = m.mark + p.s
		}
	}
	if !m.cut {
		return append(out, p)
	}
	for start := 0; start < len(p.s); {
		w := 0
		if strings.HasPrefix(p.s[start:], m.mark) {
			w = len(m.mark)
		}
		end := strings.Index(p.s[start+w:], m.mark)
		if end < 0 {
			end = len(p.s)
		} else {
			end += start + w
		}
		out = append(out, piece{p.s[start:end], p.first && start == 0})
		start = end
	}
	return out
}
