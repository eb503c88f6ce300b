package gguf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troikaml/troika/tokenizer"
)

// source is what of a tokenizer.json is read to store it in GGUF.
type source struct {
	Added []struct {
		ID             int
		Content        string
		Special        bool
		SingleWord     bool `json:"single_word"`
		LStrip, RStrip bool
		Normalized     bool
	} `json:"added_tokens"`
	Normalizer   json.RawMessage
	PreTokenizer json.RawMessage `json:"pre_tokenizer"`
	Post         json.RawMessage `json:"post_processor"`
	Model        struct {
		Type         string
		Unk          *string `json:"unk_token"`
		ByteFallback bool    `json:"byte_fallback"`
		IgnoreMerges bool    `json:"ignore_merges"`
		Prefix       *string `json:"continuing_subword_prefix"`
		MaxWord      *int    `json:"max_input_chars_per_word"`
		UnkID        *int    `json:"unk_id"`
		Vocab        json.RawMessage
		Merges       []json.RawMessage
	}
}

// maxTokens bounds a vocabulary: the largest published have a quarter of a million.
const maxTokens = 1 << 22

// FromJSON returns what GGUF holds of a tokenizer.json and of what the
// tokenizer_config.json beside it says; size is the number of rows of the model's
// embedding, which may be larger than the vocabulary. Where GGUF's own keys do not
// give the same ids back, the tokenizer.json is embedded as well, and loss says in
// which way llama.cpp, which does not read that, may differ.
func FromJSON(data []byte, c tokenizer.Config, size int) (v *Vocab, loss string, err error) {
	var s source
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, "", fmt.Errorf("tokenizer.json: %w", err)
	}
	t, err := tokenizer.Load(bytes.NewReader(data))
	if err != nil {
		return nil, "", err
	}
	v = &Vocab{BOS: None, EOS: None, Unknown: None, Padding: None}
	if err := v.fillTokens(&s, t, max(size, t.VocabSize())); err != nil {
		return nil, "", err
	}
	merges, err := readMerges(s.Model.Merges)
	if err != nil {
		return nil, "", err
	}
	switch {
	case s.Model.Type == "WordPiece":
		err = v.fromWordPiece(&s)
	case s.Model.Type == "Unigram":
		err = v.fromUnigram(&s)
	case s.Model.ByteFallback:
		err = v.fromSentencePiece(&s, merges)
	default:
		err = v.fromByteLevel(&s, merges)
	}
	if err != nil {
		return nil, "", err
	}
	v.specials(&s, t, c)
	same, loss, err := v.compare(data, merges)
	if err == nil && !same {
		v.HuggingFace = string(data)
	}
	return v, loss, err
}

func (v *Vocab) fillTokens(s *source, t *tokenizer.Tokenizer, size int) error {
	if size > maxTokens {
		return fmt.Errorf("tokenizer.json: %d tokens, at most %d are supported", size, maxTokens)
	}
	v.Tokens, v.Types = make([]string, size), make([]int, size)
	for id := range v.Tokens {
		token, ok := t.Token(int32(id))
		v.Tokens[id], v.Types[id] = token, TypeNormal
		if !ok {
			v.Tokens[id], v.Types[id] = fmt.Sprintf("[PAD%d]", id), TypeUnused
		}
	}
	for _, a := range s.Added {
		v.Types[a.ID] = TypeUser
		if a.Special {
			v.Types[a.ID] = TypeControl
		}
	}
	return nil
}

func readMerges(raw []json.RawMessage) ([][2]string, error) {
	merges := make([][2]string, 0, len(raw))
	for i, r := range raw {
		var pair [2]string
		var text string
		if json.Unmarshal(r, &text) == nil {
			left, right, ok := strings.Cut(text, " ")
			if !ok && i == 0 && strings.HasPrefix(text, "#version") {
				continue
			}
			pair = [2]string{left, right}
		} else if err := json.Unmarshal(r, &pair); err != nil {
			return nil, fmt.Errorf("tokenizer.json: merge %d: %w", i, err)
		}
		merges = append(merges, pair)
	}
	return merges, nil
}

func isNFC(raw json.RawMessage) (nfc, ok bool) {
	var c *struct{ Type string }
	if json.Unmarshal(raw, &c) != nil {
		return false, false
	}
	return c != nil && c.Type == "NFC", c == nil || c.Type == "NFC"
}

func (v *Vocab) fromByteLevel(s *source, merges [][2]string) error {
	nfc, ok := isNFC(s.Normalizer)
	if len(s.Normalizer) == 0 {
		nfc, ok = false, true
	}
	if !ok {
		return fmt.Errorf("tokenizer.json: normalizer %s: %w", s.Normalizer, errNotHeld)
	}
	steps, ok := readSteps(s.PreTokenizer)
	if !ok {
		return fmt.Errorf("tokenizer.json: pre_tokenizer %s: %w", s.PreTokenizer, errNotHeld)
	}
	p, ok := matchPre(steps, nfc, s.Model.IgnoreMerges)
	if !ok {
		return fmt.Errorf("tokenizer.json: pre_tokenizer %s: %w", s.PreTokenizer, errNotHeld)
	}
	v.Kind, v.Pre = KindBPE, p.names[0]
	v.Merges = make([]string, len(merges))
	for i, m := range merges {
		if strings.Contains(m[0], " ") || strings.Contains(m[1], " ") {
			return fmt.Errorf("tokenizer.json: merge %d of %q and %q: %w", i, m[0], m[1], errNotHeld)
		}
		v.Merges[i] = m[0] + " " + m[1]
	}
	return nil
}

// spaces reads how a SentencePiece tokenizer spells spaces: whether it puts one
// before a text, and whether it does what GGUF can say at all.
func (s *source) spaces() (prepends, ok bool) {
	type part struct {
		Type        string
		Normalizers []part
		Prepend     string
		Pattern     struct{ String string }
		Content     string
		Replacement string
		Scheme      string `json:"prepend_scheme"`
	}
	var normalizer, pre part
	for raw, p := range map[*json.RawMessage]*part{&s.Normalizer: &normalizer, &s.PreTokenizer: &pre} {
		if len(*raw) > 0 && json.Unmarshal(*raw, p) != nil {
			return false, false
		}
	}
	list := normalizer.Normalizers
	if normalizer.Type != "Sequence" && normalizer.Type != "" {
		list = []part{normalizer}
	}
	replaces := false
	for _, n := range list {
		switch {
		case n.Type == "Prepend" && n.Prepend == "▁":
			prepends = true
		case n.Type == "Replace" && n.Pattern.String == " " && n.Content == "▁":
			replaces = true
		default:
			return false, false
		}
	}
	switch pre.Type {
	case "Metaspace":
		return pre.Scheme != "never", len(list) == 0 && pre.Replacement == "▁"
	case "", "Split": // at spaces, of which none are left
		return prepends, replaces
	}
	return false, false
}

// fromSentencePiece gives each token the score that puts its merges where the file
// has the first of them.
func (v *Vocab) fromSentencePiece(s *source, merges [][2]string) error {
	prepends, ok := s.spaces()
	if !ok {
		return fmt.Errorf("tokenizer.json: normalizer %s, pre_tokenizer %s: %w", s.Normalizer, s.PreTokenizer, errNotHeld)
	}
	v.Kind, v.Pre, v.AddSpacePrefix = KindSentencePiece, "default", &prepends
	v.Scores = make([]float32, len(v.Tokens))
	ids := make(map[string]int, len(v.Tokens))
	for id, t := range v.Tokens {
		v.Scores[id] = -float32(len(merges)) - 1
		ids[t] = id
		if len(t) == 6 && strings.HasPrefix(t, "<0x") && v.Types[id] == TypeNormal {
			v.Types[id] = TypeByte
		}
	}
	for rank, m := range merges {
		if id, ok := ids[m[0]+m[1]]; ok && v.Scores[id] < -float32(len(merges)) {
			v.Scores[id] = -float32(rank)
		}
	}
	if s.Model.Unk != nil {
		if id, ok := ids[*s.Model.Unk]; ok {
			v.Unknown, v.Types[id] = id, TypeUnknown
		}
	}
	return nil
}

// specials finds the ids of special tokens, and what goes around a text.
func (v *Vocab) specials(s *source, t *tokenizer.Tokenizer, c tokenizer.Config) {
	id := func(name string) int {
		if id, ok := t.ID(name); ok && name != "" {
			return int(id)
		}
		return None
	}
	v.BOS, v.EOS, v.Padding = id(c.BOSToken), id(c.EOSToken), id(c.PadToken)
	if v.Unknown == None && s.Model.Unk != nil {
		v.Unknown = id(*s.Model.Unk)
	}
	framed := t.Encode("", true)
	begins, ends := false, false
	if bare := t.Encode("", false); len(framed) > len(bare) {
		begins = v.BOS == None || framed[0] == int32(v.BOS)
		ends = v.EOS != None && framed[len(framed)-1] == int32(v.EOS) && (len(framed) > 1 || !begins)
	}
	if begins && v.BOS == None {
		v.BOS = int(framed[0])
	}
	if v.Kind == KindWordPiece && v.EOS == None && len(framed) == 2 {
		v.EOS, ends = int(framed[1]), true // which its configuration calls the separator
	}
	v.AddBOS, v.AddEOS = &begins, &ends
}

// compare reports whether the tokenizer that comes back is the one that went in, by
// the parts that make ids, and if not what llama.cpp does otherwise.
func (v *Vocab) compare(data []byte, merges [][2]string) (same bool, loss string, err error) {
	back, err := v.JSON()
	if err != nil {
		return false, "", err
	}
	var was, is source
	if err := errors.Join(json.Unmarshal(data, &was), json.Unmarshal(back, &is)); err != nil {
		return false, "", err
	}
	again, err := readMerges(is.Model.Merges)
	if err != nil {
		return false, "", err
	}
	if !sameSet(merges, again) {
		return false, "its merges are not those of a SentencePiece model", nil
	}
	for _, a := range was.Added {
		if a.LStrip || a.RStrip || a.SingleWord {
			return false, fmt.Sprintf("the added token %q looks at its neighbours", a.Content), nil
		}
	}
	if was.Model.IgnoreMerges != is.Model.IgnoreMerges {
		return false, "pieces that are tokens are treated otherwise", nil
	}
	if same, err = v.sameIDs(data, back); err != nil {
		return false, "", err
	}
	if same {
		same, loss = v.keepsModel(&was, &is)
	}
	if !same && v.Kind == KindSentencePiece {
		loss = "spaces before a text or after a special token are treated otherwise"
	}
	wasNFC, _ := isNFC(was.Normalizer)
	isNFC, _ := isNFC(is.Normalizer)
	return same && slices.Equal(merges, again) && (v.Kind == KindSentencePiece || wasNFC == isNFC), loss, nil
}

// sameIDs encodes a few texts both ways.
func (v *Vocab) sameIDs(data, back []byte) (bool, error) {
	a, err := tokenizer.Load(bytes.NewReader(data))
	if err != nil {
		return false, err
	}
	b, err := tokenizer.Load(bytes.NewReader(back))
	if err != nil {
		return false, fmt.Errorf("what GGUF holds of the tokenizer: %w", err)
	}
	for _, text := range []string{"", " ", "a  b", "\n\n x\t", "It's 1234 o'clock.", "你好，世界", "é ️🙂", "x" + v.Text(v.EOS) + "y"} {
		if !slices.Equal(a.Encode(text, true), b.Encode(text, true)) {
			return false, nil
		}
	}
	return true, nil
}

func sameSet(a, b [][2]string) bool {
	set := func(list [][2]string) map[[2]string]bool {
		m := make(map[[2]string]bool, len(list))
		for _, x := range list {
			m[x] = true
		}
		return m
	}
	return maps.Equal(set(a), set(b))
}

// Load builds the tokenizer.
func (v *Vocab) Load() (*tokenizer.Tokenizer, error) {
	data, err := v.JSON()
	if err != nil {
		return nil, err
	}
	return tokenizer.Load(bytes.NewReader(data))
}
