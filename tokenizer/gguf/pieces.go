package gguf

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A WordPiece vocabulary lies in GGUF with its words after "▁" and the others, which
// continue a word, as they are; in a tokenizer.json words are as they are and the others
// come after "##".
const (
	wordMark     = "▁"
	continueMark = "##"
	longestWord  = 100 // characters, in llama.cpp and by default in tokenizer.json
)

// phantom returns the spelling of a token in GGUF.
func (v *Vocab) phantom(id int) string {
	t := v.Tokens[id]
	if v.Types[id] != TypeNormal {
		return t
	}
	if rest, ok := strings.CutPrefix(t, continueMark); ok {
		return rest
	}
	return wordMark + t
}

// word returns the spelling of a token in tokenizer.json.
func (v *Vocab) word(id int) string {
	t := v.Tokens[id]
	if v.TypeOf(id) != TypeNormal {
		return t
	}
	if rest, ok := strings.CutPrefix(t, wordMark); ok {
		return rest
	}
	return continueMark + t
}

// part is a component of a tokenizer.json, as far as Unigram and WordPiece need it.
type part struct {
	Type          string
	Normalizers   []part
	PreTokenizers []part `json:"pretokenizers"`
	Charsmap      []byte `json:"precompiled_charsmap"`
	Pattern       struct{ String, Regex string }
	Content       string
	Replacement   string
	Scheme        string `json:"prepend_scheme"`
	CleanText     *bool  `json:"clean_text"`
	Han           *bool  `json:"handle_chinese_chars"`
	StripAccents  *bool  `json:"strip_accents"`
	Lowercase     *bool  `json:"lowercase"`
}

// readPart reads a component; one that is absent has no type.
func readPart(raw json.RawMessage) (p part, err error) {
	if len(raw) > 0 {
		err = json.Unmarshal(raw, &p)
	}
	return p, err
}

func (v *Vocab) fromWordPiece(s *source) error {
	n, err := readPart(s.Normalizer)
	if err != nil || n.Type != "BertNormalizer" {
		return fmt.Errorf("tokenizer.json: normalizer %s: %w", s.Normalizer, errNotHeld)
	}
	if pre, err := readPart(s.PreTokenizer); err != nil || pre.Type != "BertPreTokenizer" {
		return fmt.Errorf("tokenizer.json: pre_tokenizer %s: %w", s.PreTokenizer, errNotHeld)
	}
	if p := s.Model.Prefix; p != nil && *p != continueMark {
		return fmt.Errorf("tokenizer.json: continuing_subword_prefix %q: %w", *p, errNotHeld)
	}
	lower := n.Lowercase == nil || *n.Lowercase
	strip := lower
	if n.StripAccents != nil {
		strip = *n.StripAccents
	}
	v.Kind, v.Pre, v.Lowercase, v.StripAccents = KindWordPiece, "default", &lower, &strip
	for id := range v.Tokens {
		v.Tokens[id] = v.phantom(id)
	}
	return nil
}

func (v *Vocab) wordPieces() ([]byte, error) {
	if v.Unknown == None {
		return nil, fmt.Errorf("tokenizer of kind %q: metadata %sunknown_token_id is missing", v.Kind, prefix)
	}
	lower := v.Lowercase == nil || *v.Lowercase
	strip := lower
	if v.StripAccents != nil {
		strip = *v.StripAccents
	}
	normalizer := object{
		"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": strip, "lowercase": lower,
	}
	parts := v.around(normalizer, object{"type": "BertPreTokenizer"}, object{"type": "WordPiece", "prefix": continueMark, "cleanup": true})
	b, err := v.head(0, parts, object{
		"type": "WordPiece", "unk_token": v.word(v.Unknown), "continuing_subword_prefix": continueMark, "max_input_chars_per_word": longestWord,
	}, []string{"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word"})
	if err != nil {
		return nil, err
	}
	b = append(b, '{')
	for id := range v.Tokens {
		if v.TypeOf(id) == TypeUnused {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(appendQuoted(b, v.word(id)), ':'), int64(id), 10)
	}
	return append(b, "}}}\n"...), nil
}

// around returns the parts of a tokenizer.json beside its model.
func (v *Vocab) around(normalizer, pre, decoder any) object {
	return object{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": v.addedTokens(), "normalizer": normalizer,
		"pre_tokenizer": pre, "post_processor": v.postProcessor(), "decoder": decoder,
	}
}

// scored is an entry of a Unigram vocabulary.
type scored struct {
	token string
	score float64
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *scored) UnmarshalJSON(data []byte) error {
	pair := [2]any{&s.token, &s.score}
	return json.Unmarshal(data, &pair)
}

func (s *source) scores() (list []scored, err error) {
	if err = json.Unmarshal(s.Model.Vocab, &list); err != nil {
		return nil, fmt.Errorf("tokenizer.json: vocab: %w", err)
	}
	return list, nil
}

// unigramSpaces reads how a Unigram tokenizer treats characters and spaces. What it does
// beside that shows when the tokenizer that comes back is compared.
func (s *source) unigramSpaces() (charsmap []byte, trims, prepends bool, err error) {
	n, err := readPart(s.Normalizer)
	if err != nil {
		return nil, false, false, fmt.Errorf("tokenizer.json: normalizer: %w", err)
	}
	pre, err := readPart(s.PreTokenizer)
	if err != nil {
		return nil, false, false, fmt.Errorf("tokenizer.json: pre_tokenizer: %w", err)
	}
	for _, p := range append(n.Normalizers, n) {
		switch p.Type {
		case "Precompiled":
			charsmap = p.Charsmap
		case "Replace":
			trims = trims || p.Pattern.Regex == " {2,}"
		}
	}
	held := false
	for _, p := range append(pre.PreTokenizers, pre) {
		switch p.Type {
		case "WhitespaceSplit":
			trims = true
		case "Metaspace":
			held, prepends = p.Replacement == wordMark, p.Scheme != "never"
		}
	}
	if !held {
		err = fmt.Errorf("tokenizer.json: pre_tokenizer %s: %w", s.PreTokenizer, errNotHeld)
	}
	return charsmap, trims, prepends, err
}

func (v *Vocab) fromUnigram(s *source) error {
	charsmap, trims, prepends, err := s.unigramSpaces()
	if err != nil {
		return err
	}
	list, err := s.scores()
	if err != nil {
		return err
	}
	v.Kind, v.Pre, v.Charsmap, v.TrimSpaces, v.AddSpacePrefix = KindUnigram, "default", charsmap, &trims, &prepends
	v.Scores = make([]float32, len(v.Tokens))
	for id, entry := range list[:min(len(list), len(v.Tokens))] {
		v.Scores[id] = float32(entry.score)
	}
	if id := s.Model.UnkID; id != nil && *id >= 0 && *id < len(v.Tokens) {
		v.Unknown, v.Types[*id] = *id, TypeUnknown
	}
	return nil
}

func (v *Vocab) unigramPieces() ([]byte, error) {
	if v.Unknown == None {
		return nil, fmt.Errorf("tokenizer of kind %q: metadata %sunknown_token_id is missing", v.Kind, prefix)
	}
	var normalizers objects
	if v.Charsmap != nil {
		normalizers = append(normalizers, object{"type": "Precompiled", "precompiled_charsmap": base64.StdEncoding.EncodeToString(v.Charsmap)})
	}
	scheme := "always"
	if !v.spacePrefix() {
		scheme = "never"
	}
	space := object{"type": "Metaspace", "replacement": wordMark, "prepend_scheme": scheme, "split": true}
	var pre any = space
	if v.TrimSpaces == nil || *v.TrimSpaces {
		pre = object{"type": "Sequence", "pretokenizers": objects{object{"type": "WhitespaceSplit"}, space}}
	}
	var normalizer any
	if normalizers != nil {
		normalizer = object{"type": "Sequence", "normalizers": normalizers}
	}
	b, err := v.head(len(v.Charsmap)*4/3, v.around(normalizer, pre, space),
		object{"type": "Unigram", "unk_id": v.Unknown, "byte_fallback": false}, []string{"type", "unk_id", "byte_fallback"})
	if err != nil {
		return nil, err
	}
	b = append(b, '[')
	for id, t := range v.Tokens {
		if v.TypeOf(id) == TypeUnused && strings.HasPrefix(t, "[PAD") {
			break // fillers stand at the end
		}
		if id > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(append(b, '['), t), ',')
		b = append(strconv.AppendFloat(b, float64(v.Scores[id]), 'g', -1, 64), ']')
	}
	return append(b, "]}}\n"...), nil
}

// keepsModel reports whether what GGUF holds of WordPiece or Unigram is all that the
// tokenizer.json says, and what llama.cpp misses; other kinds are compared elsewhere.
func (v *Vocab) keepsModel(was, is *source) (same bool, loss string) {
	const more = "its normalizer or its model says more than GGUF holds"
	switch v.Kind {
	case KindWordPiece:
		n, err := readPart(was.Normalizer)
		yes := func(b *bool) bool { return b == nil || *b }
		if err != nil || !yes(n.CleanText) || !yes(n.Han) || was.Model.MaxWord != nil && *was.Model.MaxWord != longestWord {
			return false, more
		}
	case KindUnigram:
		a, errA := was.scores()
		b, errB := is.scores()
		round := func(x, y scored) bool { return x.token == y.token && float32(x.score) == float32(y.score) }
		if errA != nil || errB != nil || !slices.EqualFunc(a, b, round) || was.Model.ByteFallback {
			return false, more
		}
		return slices.Equal(a, b), "" // scores in float64 are few tokenizers'
	}
	return true, ""
}
