package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/troikaml/troika"
)

// MaxFileSize bounds tokenizer.json in bytes. The largest in use (Gemma 3)
// has 33 MB.
const MaxFileSize = 256 << 20

// maxComponent bounds a normalizer, pre-tokenizer, post-processor or decoder.
const maxComponent = 4 << 20

// Load reads a tokenizer.json. Every part that would change ids and is not
// supported is an error that names it: a model other than BPE, WordPiece and Unigram, dropout, a
// regular expression that neither this package nor Go can run.
func Load(r io.Reader) (*Tokenizer, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("read tokenizer: %w", err)
	}
	return Parse(data)
}

// Parse is [Load] of a file in memory, which it does not keep.
func Parse(data []byte) (*Tokenizer, error) {
	if len(data) > MaxFileSize {
		return nil, fmt.Errorf("load tokenizer: longer than %d bytes", MaxFileSize)
	}
	t, err := load(data)
	if err != nil {
		return nil, fmt.Errorf("load tokenizer: %w", err)
	}
	return t, nil
}

func load(data []byte) (*Tokenizer, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	f, err := readFile(data)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{hash: troika.Sum(data), scratch: &sync.Pool{}}
	if t.normalizer, err = newNormalizer(f.component("normalizer")); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	if t.steps, err = newSteps(f.component("pre_tokenizer")); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if t.frame, err = newFrame(f.component("post_processor")); err != nil {
		return nil, fmt.Errorf("post_processor: %w", err)
	}
	if t.decoder, err = newDecoderConfig(f.component("decoder")); err != nil {
		return nil, fmt.Errorf("decoder: %w", err)
	}
	t.outBytes = len(t.decoder) == 1 && t.decoder[0].Type == "ByteLevel"
	if err := t.addModel(f.model); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if err := t.addTokens(f.component("added_tokens")); err != nil {
		return nil, err
	}
	t.frame.ids(func(id int32) {
		if _, ok := t.Token(id); !ok && err == nil {
			err = fmt.Errorf("post_processor: adds the id %d, which has no token", id)
		}
	})
	return t, err
}

// file is tokenizer.json taken apart.
type file struct {
	parts map[string][]byte
	model *modelFile
}

// component returns the JSON of a part; one that is absent is null.
func (f *file) component(name string) []byte {
	if raw, ok := f.parts[name]; ok {
		return raw
	}
	return []byte("null")
}

func readFile(data []byte) (*file, error) {
	f := &file{parts: map[string][]byte{}}
	c := &cursor{data: data}
	err := c.object(func(key []byte) error {
		name := string(key)
		if name == "model" {
			if f.model != nil {
				return c.errorf("model is there twice")
			}
			f.model = newModelFile()
			if err := f.model.read(c); err != nil {
				return fmt.Errorf("model: %w", err)
			}
			return nil
		}
		raw, err := c.raw()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if len(raw) > maxComponent && name != "added_tokens" {
			return fmt.Errorf("%s: longer than %d bytes", name, maxComponent)
		}
		f.parts[name] = raw
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case c.peek() != 0 || c.pos < len(data):
		return nil, c.errorf("text after the end of the object")
	case f.model == nil:
		return nil, errors.New("there is no model")
	}
	var version *string
	if err := json.Unmarshal(f.component("version"), &version); err != nil {
		return nil, fmt.Errorf("version: %w", err)
	}
	if version != nil && *version != "1.0" {
		return nil, fmt.Errorf("version %q is not known", *version)
	}
	return f, nil
}

// modelFile is the model as the file has it.
type modelFile struct {
	options  modelOptions
	vocab    *vocab
	merges   []byte // concatenated pairs of strings
	pairs    []mergeText
	hasVocab bool
	hasMerge bool
	scores   []float64 // of a Unigram vocabulary, by id
}

// mergeText is where a merge's two tokens lie in modelFile.merges.
type mergeText struct {
	off         uint32
	left, right uint32
}

type modelOptions struct {
	Type         *string
	Dropout      *float64
	UnkToken     *string `json:"unk_token"`
	Prefix       *string `json:"continuing_subword_prefix"`
	Suffix       *string `json:"end_of_word_suffix"`
	FuseUnk      *bool   `json:"fuse_unk"`
	ByteFallback *bool   `json:"byte_fallback"`
	IgnoreMerges *bool   `json:"ignore_merges"`
	UnkID        *int    `json:"unk_id"`
	MaxWord      *int    `json:"max_input_chars_per_word"`
}

func newModelFile() *modelFile { return &modelFile{vocab: &vocab{}} }

func (m *modelFile) read(c *cursor) error {
	options := map[string]json.RawMessage{}
	err := c.object(func(key []byte) error {
		switch name := string(key); name {
		case "vocab":
			if m.hasVocab {
				return c.errorf("vocab is there twice")
			}
			m.hasVocab = true
			return m.readVocab(c)
		case "merges":
			if m.hasMerge {
				return c.errorf("merges is there twice")
			}
			m.hasMerge = true
			return m.readMerges(c)
		default:
			raw, err := c.raw()
			if len(raw) <= maxComponent {
				options[name] = raw
			}
			return err
		}
	})
	if err != nil {
		return err
	}
	raw, err := json.Marshal(options)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &m.options); err != nil {
		return err
	}
	switch kind := m.kind(); {
	case kind != kindBPE && kind != kindWordPiece && kind != kindUnigram:
		return fmt.Errorf("type %q is not supported; known: BPE, WordPiece, Unigram", kind)
	case !m.hasVocab:
		return errors.New("vocab is missing")
	case (m.scores != nil) != (kind == kindUnigram):
		return fmt.Errorf("vocab is not that of a %s model", kind)
	case !m.hasMerge && kind == kindBPE:
		return errors.New("merges is missing")
	}
	return nil
}

// The kinds of models.
const (
	kindBPE       = "BPE"
	kindWordPiece = "WordPiece"
	kindUnigram   = "Unigram"
)

// kind returns the type of the model; older files leave it to be guessed.
func (m *modelFile) kind() string {
	switch {
	case m.options.Type != nil:
		return *m.options.Type
	case m.scores != nil:
		return kindUnigram
	case m.options.MaxWord != nil:
		return kindWordPiece
	}
	return kindBPE
}

func (m *modelFile) readVocab(c *cursor) error {
	if c.peek() == '[' {
		return m.readScored(c)
	}
	// About an eighth of a file with merges is the vocabulary's own text.
	m.vocab.blob = make([]byte, 0, len(c.data)/8)
	var token []byte
	return c.object(func(key []byte) error {
		token = append(token[:0], key...)
		id, err := c.integer()
		if err != nil {
			return fmt.Errorf("vocab: id of %q: %w", token, err)
		}
		if err := m.vocab.add(token, id); err != nil {
			return fmt.Errorf("vocab: %w", err)
		}
		return nil
	})
}

// readScored reads the vocabulary of a Unigram model: tokens with their scores, by
// id.
func (m *modelFile) readScored(c *cursor) error {
	m.scores = []float64{}
	return c.array(func() error {
		id, part := len(m.scores), 0
		err := c.array(func() error {
			part++
			if part == 1 {
				token, err := c.str()
				if err != nil {
					return err
				}
				return m.vocab.add(token, id)
			}
			raw, err := c.raw()
			if err != nil {
				return err
			}
			score, err := strconv.ParseFloat(string(raw), 64)
			m.scores = append(m.scores, score)
			return err
		})
		if err == nil && part != 2 {
			err = c.errorf("want a token and its score")
		}
		if err != nil {
			return fmt.Errorf("vocab[%d]: %w", id, err)
		}
		return nil
	})
}

func (m *modelFile) readMerges(c *cursor) error {
	m.merges = make([]byte, 0, len(c.data)/6)
	return c.array(func() error {
		off := len(m.merges)
		left := 0
		if c.peek() == '[' {
			n := 0
			err := c.array(func() error {
				s, err := c.str()
				m.merges = append(m.merges, s...)
				if n++; n == 1 {
					left = len(s)
				}
				return err
			})
			if err == nil && n != 2 {
				err = c.errorf("a merge of %d tokens", n)
			}
			if err != nil {
				return fmt.Errorf("merges[%d]: %w", len(m.pairs), err)
			}
		} else {
			s, err := c.str()
			if err != nil {
				return fmt.Errorf("merges[%d]: %w", len(m.pairs), err)
			}
			if len(m.pairs) == 0 && strings.HasPrefix(string(s), "#version") {
				return nil
			}
			a, b, ok := strings.Cut(string(s), " ")
			if !ok || strings.Contains(b, " ") {
				return fmt.Errorf("merges[%d]: %q is not two tokens with a space between", len(m.pairs), s)
			}
			left = len(a)
			m.merges = append(append(m.merges, a...), b...)
		}
		m.pairs = append(m.pairs, mergeText{uint32(off), uint32(left), uint32(len(m.merges) - off - left)})
		return nil
	})
}

// addModel builds the model from its file and chooses its mode.
func (t *Tokenizer) addModel(f *modelFile) error {
	if d := f.options.Dropout; d != nil && *d != 0 {
		return fmt.Errorf("dropout %v is not supported: ids would be random", *d)
	}
	if err := f.vocab.build(); err != nil {
		return fmt.Errorf("vocab: %w", err)
	}
	t.vocab = f.vocab
	t.size = len(t.vocab.spans)
	var err error
	switch f.kind() {
	case kindWordPiece:
		t.model, err = newWordPiece(f)
	case kindUnigram:
		t.model, err = newUnigram(f)
	default:
		err = t.addBPE(f)
	}
	t.words = t.onlyStep()
	return err
}

// addBPE builds a model of merges.
func (t *Tokenizer) addBPE(f *modelFile) error {
	m := &bpe{
		vocab: f.vocab, unk: -1, fuseUnk: isTrue(f.options.FuseUnk), fallback: isTrue(f.options.ByteFallback),
		ignoreMerges: isTrue(f.options.IgnoreMerges), cache: &wordCache{},
	}
	if f.options.Prefix != nil {
		m.prefix = *f.options.Prefix
	}
	if f.options.Suffix != nil {
		m.suffix = *f.options.Suffix
	}
	if u := f.options.UnkToken; u != nil {
		if m.unk = m.vocab.id(*u); m.unk < 0 {
			return fmt.Errorf("unk_token %q is not in the vocabulary", *u)
		}
	}
	m.fallbackID = byteTokens(m.vocab)
	pairs, err := m.addMerges(f)
	if err != nil {
		return err
	}
	t.model = m
	t.chooseMode(m, pairs)
	return nil
}

func isTrue(b *bool) bool { return b != nil && *b }

// addMerges resolves the merges to ids.
func (m *bpe) addMerges(f *modelFile) ([][2]int32, error) {
	m.merges = newMergeTable(len(f.pairs))
	m.merged = make([]bool, len(m.vocab.spans))
	pairs := make([][2]int32, 0, len(f.pairs))
	text := string(f.merges)
	next := int32(0)
	for rank, p := range f.pairs {
		s := text[p.off : p.off+p.left+p.right]
		a, b := s[:p.left], s[p.left:]
		joined := s
		if m.prefix != "" {
			rest, ok := strings.CutPrefix(b, m.prefix)
			if !ok {
				return nil, fmt.Errorf("merges[%d]: %q does not start with %q", rank, b, m.prefix)
			}
			joined = a + rest
		}
		// Merges mostly make one token after the other: the next one needs no search.
		ids := [3]int32{m.vocab.id(a), m.vocab.id(b), next}
		if t, ok := m.vocab.token(next); !ok || t != joined {
			ids[2] = m.vocab.id(joined)
		}
		for i, token := range [...]string{a, b, joined} {
			if ids[i] < 0 {
				return nil, fmt.Errorf("merges[%d]: %q + %q: token %q is not in the vocabulary", rank, a, b, token)
			}
		}
		next = ids[2] + 1
		m.merges.put(ids[0], ids[1], rank, ids[2])
		m.merged[ids[2]] = true
		pairs = append(pairs, [2]int32{ids[0], ids[1]})
	}
	return pairs, nil
}

// longestChecked bounds the tokens whose merges are looked for, in bytes.
const longestChecked = 64

// checkMerged fails when a token consists of two others but no merge joins them:
// text that holds it would silently get other ids than the model was trained with.
// Tokens that stand for themselves, such as <|end|> or [PAD], need no merge.
func (t *Tokenizer) checkMerged() error {
	m, ok := t.model.(*bpe)
	if !ok {
		return nil
	}
	defer func() { m.merged = nil }()
	if m.ignoreMerges || m.prefix != "" || m.suffix != "" {
		return nil
	}
	for id, merged := range m.merged {
		token, ok := m.vocab.token(int32(id))
		if merged || !ok || len(token) > longestChecked || t.added[int32(id)] != nil || int32(id) == m.unk || selfStanding(token) {
			continue
		}
		for i := range token {
			if i == 0 {
				continue
			}
			if m.vocab.id(token[:i]) >= 0 && m.vocab.id(token[i:]) >= 0 {
				return fmt.Errorf("merges: none makes the token %q (id %d), such as %q + %q", token, id, token[:i], token[i:])
			}
		}
	}
	return nil
}

func selfStanding(token string) bool {
	return strings.HasPrefix(token, "<") && strings.HasSuffix(token, ">") ||
		strings.HasPrefix(token, "[") && strings.HasSuffix(token, "]")
}

// chooseMode puts the model in byte mode where the pre-tokenizer ends in its
// only ByteLevel, and cuts pieces at joints elsewhere.
func (t *Tokenizer) chooseMode(m *bpe, pairs [][2]int32) {
	if last := len(t.steps) - 1; last >= 0 && m.prefix == "" && m.suffix == "" && m.everyByte() {
		if _, ok := t.steps[last].(spellBytes); ok {
			m.byteMode = true
			for _, s := range t.steps[:last] {
				if _, ok := s.(spellBytes); ok {
					m.byteMode = false
				}
			}
		}
		if m.byteMode {
			t.steps = t.steps[:last]
		}
	}
	if m.byteMode && m.ignoreMerges {
		m.pieces = m.byteVocab()
	}
	m.joints = newJointSet(m, pairs)
}

// onlyStep returns the hand-written splitter that is the one step there is, or nil.
func (t *Tokenizer) onlyStep() *scanner {
	if len(t.steps) == 1 {
		if s, ok := t.steps[0].(split); ok {
			if p, ok := s.words(); ok {
				return &p
			}
		}
	}
	return nil
}

// everyByte fills byteID and reports whether every byte has a token.
func (m *bpe) everyByte() bool {
	for b := range 256 {
		m.byteID[b] = m.vocab.id(string(byteRunes[b]))
		if m.byteID[b] < 0 {
			return false
		}
	}
	return true
}

// byteVocab returns the vocabulary by the bytes its tokens spell.
func (m *bpe) byteVocab() *vocab {
	v := &vocab{}
	var buf []byte
	for id := range m.vocab.spans {
		token, ok := m.vocab.token(int32(id))
		if !ok {
			continue
		}
		if buf, ok = appendFromByteLevel(buf[:0], token); ok {
			// Spelling is one to one, so neither id nor bytes can repeat.
			_ = v.add(buf, id)
		}
	}
	_ = v.build()
	return v
}

func (t *Tokenizer) addTokens(raw []byte) error {
	var list []addedToken
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("added_tokens: %w", err)
	}
	tokens, err := addTokens(list, t.vocab, t.normalizer)
	if err != nil {
		return err
	}
	t.added = make(map[int32]*addedToken, len(tokens))
	t.addedID = make(map[string]int32, len(tokens))
	for _, a := range tokens {
		t.added[a.id] = a
		t.addedID[a.Content] = a.id
		t.size = max(t.size, int(a.id)+1)
	}
	if t.exact, t.normalized, err = matchers(tokens); err != nil {
		return fmt.Errorf("added_tokens: %w", err)
	}
	if err := t.checkMerged(); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if t.size > math.MaxInt32 {
		return errors.New("too many tokens")
	}
	return nil
}
