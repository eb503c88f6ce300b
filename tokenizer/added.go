package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxAddedToken bounds the content of an added token in bytes: matching costs
// at most this many steps a byte of text.
const maxAddedToken = 1 << 12

// addedToken is an entry of added_tokens.
type addedToken struct {
	Content    string
	SingleWord bool `json:"single_word"`
	LStrip     bool
	RStrip     bool
	Normalized bool
	Special    bool

	id int32
	// spelled is the content after normalization, which is what is matched
	// and decoded where Normalized is set.
	spelled string
	// skipped says that decoding leaves the token out on request. Hugging Face
	// looks the spelling up among the contents of special tokens, so that one
	// changed by normalization stays.
	skipped bool
}

// matcher finds added tokens in text: leftmost first, the longest of those.
type matcher struct {
	tokens []*addedToken
	first  [256]bool
	only   int // the one first byte there is, or -1
	edges  map[uint32]int32
	leaf   []int32 // by node: index into tokens plus one
}

func newMatcher(tokens []*addedToken) (*matcher, error) {
	if len(tokens) == 0 {
		return nil, nil
	}
	m := &matcher{tokens: tokens, edges: map[uint32]int32{}, leaf: []int32{0}}
	starts := map[byte]bool{}
	for i, t := range tokens {
		if t.spelled == "" {
			return nil, fmt.Errorf("added token %q is empty after normalization", t.Content)
		}
		node := int32(0)
		for _, b := range []byte(t.spelled) {
			key := uint32(node)<<8 | uint32(b)
			if m.edges[key] == 0 {
				m.edges[key] = int32(len(m.leaf))
				m.leaf = append(m.leaf, 0)
			}
			node = m.edges[key]
		}
		if other := m.leaf[node]; other != 0 {
			return nil, fmt.Errorf("added tokens %q and %q are the same text", tokens[other-1].Content, t.Content)
		}
		if len(m.leaf) >= 1<<24 {
			return nil, errors.New("added tokens are too long together")
		}
		m.leaf[node] = int32(i) + 1
		m.first[t.spelled[0]] = true
		starts[t.spelled[0]] = true
		m.only = int(t.spelled[0])
	}
	if len(starts) > 1 {
		m.only = -1
	}
	return m, nil
}

// find returns the first match at or after i.
func (m *matcher) find(s string, i int) (start, end int, t *addedToken) {
	for ; i < len(s); i++ {
		if m.only >= 0 {
			n := strings.IndexByte(s[i:], byte(m.only))
			if n < 0 {
				break
			}
			i += n
		} else if !m.first[s[i]] {
			continue
		}
		node := int32(0)
		for j := i; j < len(s); j++ {
			if node = m.edges[uint32(node)<<8|uint32(s[j])]; node == 0 {
				break
			}
			if leaf := m.leaf[node]; leaf != 0 {
				end, t = j+1, m.tokens[leaf-1]
			}
		}
		if t != nil {
			return i, end, t
		}
	}
	return len(s), len(s), nil
}

// cut calls text for each stretch of s between added tokens and token for each
// of those. With plain set special tokens count as text. White space that a
// token takes in on its right may still match as a token of its own, unless
// that one takes in white space on its left: this is how Hugging Face has it.
func (m *matcher) cut(s string, plain bool, text func(start, end int), token func(id int32)) {
	done := 0
	for i := 0; m != nil && i < len(s); {
		start, end, t := m.find(s, i)
		i = end
		if t == nil {
			break
		}
		if plain && t.Special || t.SingleWord && !standsAlone(s, start, end) {
			continue
		}
		if t.LStrip {
			start = max(done, len(strings.TrimRightFunc(s[:start], unicode.IsSpace)))
		}
		if t.RStrip {
			end = len(s) - len(strings.TrimLeftFunc(s[end:], unicode.IsSpace))
		}
		if done < start {
			text(done, start)
		}
		if start < end {
			token(t.id)
		}
		done = end
	}
	if done < len(s) {
		text(done, len(s))
	}
}

func standsAlone(s string, start, end int) bool {
	before, n := utf8.DecodeLastRuneInString(s[:start])
	after, w := utf8.DecodeRuneInString(s[end:])
	return (n == 0 || !isWord(before)) && (w == 0 || !isWord(after))
}

// addTokens gives added tokens their ids as Hugging Face does: that of the
// vocabulary where the content is there, else the next one free. The id that
// the file states is advice.
func addTokens(list []addedToken, v *vocab, n normalizer) ([]*addedToken, error) {
	var tokens []*addedToken
	byContent := map[string]*addedToken{}
	next := int32(v.count)
	for i, t := range list {
		switch {
		case t.Content == "":
			continue
		case len(t.Content) > maxAddedToken:
			return nil, fmt.Errorf("added_tokens[%d]: %d bytes of content, at most %d are supported",
				i, len(t.Content), maxAddedToken)
		}
		t.spelled = t.Content
		if t.Normalized && n != nil {
			t.spelled = n.normalize(piece{t.Content, true}).s
		}
		if old := byContent[t.Content]; old != nil {
			t.id = old.id
			*old = t
			continue
		}
		if t.id = v.id(t.Content); t.id < 0 {
			if t.id = next; next > maxID {
				return nil, fmt.Errorf("added_tokens[%d]: id %d is over %d", i, next, maxID)
			}
			next++
		}
		byContent[t.Content] = &t
		tokens = append(tokens, &t)
	}
	for _, t := range tokens {
		s := byContent[t.spelled]
		t.skipped = s != nil && s.Special
	}
	return tokens, nil
}

// matchers splits tokens by whether they match before or after normalization.
func matchers(tokens []*addedToken) (exact, normalized *matcher, err error) {
	var sides [2][]*addedToken
	for _, t := range tokens {
		i := 0
		if t.Normalized {
			i = 1
		}
		sides[i] = append(sides[i], t)
	}
	if exact, err = newMatcher(slices.Clip(sides[0])); err != nil {
		return nil, nil, err
	}
	normalized, err = newMatcher(slices.Clip(sides[1]))
	return exact, normalized, err
}
