package gguf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The kinds of tokenizer this package knows.
const (
	KindBPE           = "gpt2"  // byte-level BPE
	KindSentencePiece = "llama" // SentencePiece BPE
	KindWordPiece     = "bert"  // BERT's
	KindUnigram       = "t5"    // SentencePiece Unigram
)

var kinds = []string{KindBPE, KindSentencePiece, KindWordPiece, KindUnigram}

// Types of tokens, as GGUF numbers them.
const (
	TypeNormal  = 1
	TypeUnknown = 2
	TypeControl = 3 // special
	TypeUser    = 4 // added, and not special
	TypeUnused  = 5
	TypeByte    = 6
)

// Vocab is a tokenizer as GGUF holds it. Token ids are indices; None stands for no
// token.
type Vocab struct {
	Kind   string
	Pre    string
	Tokens []string
	Types  []int     // nil when all are normal
	Scores []float32 // SentencePiece, of either model
	Merges []string  // byte-level: two tokens with a space between
	// BOS and the others are ids of special tokens.
	BOS, EOS, Unknown, Padding int
	// AddBOS and the others are nil when the file does not say. BOS and EOS of WordPiece
	// are its classifier and separator tokens.
	AddBOS, AddEOS, AddSpacePrefix *bool
	Lowercase, StripAccents        *bool  // WordPiece
	TrimSpaces                     *bool  // Unigram: runs of spaces are one, and none at the ends
	Charsmap                       []byte // Unigram: SentencePiece's compiled normaliser, or nil
	// HuggingFace is an embedded tokenizer.json, "" for none.
	HuggingFace string
}

// None is the id of a token that is not there.
const None = -1

// Metadata is what this package reads of a GGUF file.
type Metadata interface {
	Has(key string) bool
	Text(key string) (string, error)
	Bool(key string) (bool, error)
	Int(key string) (int, error)
	Ints(key string) ([]int, error)
	Floats(key string) ([]float32, error)
	Strings(key string) ([]string, error)
}

const prefix = "tokenizer.ggml."

// separatorKey is spelled as in llama.cpp.
const separatorKey = prefix + "seperator_token_id" //nolint:misspell // see above

// embeddedKey is where a whole tokenizer.json may lie.
const embeddedKey = "tokenizer.huggingface.json"

// Read reads the tokenizer of a GGUF file. What it returns shares the metadata's
// memory.
func Read(m Metadata) (*Vocab, error) {
	r := reader{m: m}
	v := &Vocab{
		Kind: get(&r, prefix+"model", "", m.Text), Pre: get(&r, prefix+"pre", "", m.Text),
		Tokens: get(&r, prefix+"tokens", nil, m.Strings),
		Types:  get(&r, prefix+"token_type", nil, m.Ints),
		Scores: get(&r, prefix+"scores", nil, m.Floats),
		Merges: get(&r, prefix+"merges", nil, m.Strings),
		BOS:    get(&r, prefix+"bos_token_id", None, m.Int), EOS: get(&r, prefix+"eos_token_id", None, m.Int),
		Unknown: get(&r, prefix+"unknown_token_id", None, m.Int), Padding: get(&r, prefix+"padding_token_id", None, m.Int),
		AddBOS: flag(&r, prefix+"add_bos_token"), AddEOS: flag(&r, prefix+"add_eos_token"),
		AddSpacePrefix: flag(&r, prefix+"add_space_prefix"),
		Lowercase:      flag(&r, prefix+"normalizer.lowercase"), StripAccents: flag(&r, prefix+"normalizer.strip_accents"),
		TrimSpaces:  flag(&r, prefix+"remove_extra_whitespaces"),
		HuggingFace: get(&r, embeddedKey, "", m.Text),
	}
	for _, b := range get(&r, prefix+"precompiled_charsmap", nil, m.Ints) {
		v.Charsmap = append(v.Charsmap, byte(b)) // some writers have signed bytes
	}
	if v.Kind == KindWordPiece {
		v.BOS = get(&r, prefix+"cls_token_id", v.BOS, m.Int)
		v.EOS = get(&r, separatorKey, v.EOS, m.Int)
	}
	if r.err != nil {
		return nil, r.err
	}
	v.defaults()
	return v, v.check()
}

// defaults sets the special tokens that llama.cpp takes for granted.
func (v *Vocab) defaults() {
	for id, want := range map[string]map[*int]int{
		KindSentencePiece: {&v.Unknown: 0, &v.BOS: 1, &v.EOS: 2},
		KindWordPiece:     {&v.Padding: 0, &v.Unknown: 100, &v.BOS: 101, &v.EOS: 102},
		KindUnigram:       {&v.Padding: 0, &v.EOS: 1, &v.Unknown: 2},
	}[v.Kind] {
		if *id == None && want < len(v.Tokens) {
			*id = want
		}
	}
}

type reader struct {
	m   Metadata
	err error
}

// get reads a value that may be missing.
func get[T any](r *reader, key string, missing T, read func(string) (T, error)) T {
	if r.err != nil || !r.m.Has(key) {
		return missing
	}
	var v T
	v, r.err = read(key)
	return v
}

func flag(r *reader, key string) *bool {
	if !r.m.Has(key) {
		return nil
	}
	b := get(r, key, false, r.m.Bool)
	return &b
}

// Write sets the keys of the tokenizer, of metadata's types.
func (v *Vocab) Write(set func(key string, value any)) {
	set(prefix+"model", v.Kind)
	set(prefix+"pre", v.Pre)
	set(prefix+"tokens", v.Tokens)
	if v.Scores != nil {
		set(prefix+"scores", v.Scores)
	}
	if v.Types != nil {
		types := make([]int32, len(v.Types))
		for i, t := range v.Types {
			types[i] = int32(t)
		}
		set(prefix+"token_type", types)
	}
	if v.Kind == KindBPE {
		set(prefix+"merges", v.Merges)
	}
	for _, id := range []struct {
		key string
		id  int
	}{{"bos", v.BOS}, {"eos", v.EOS}, {"unknown", v.Unknown}, {"padding", v.Padding}} {
		if id.id != None {
			set(prefix+id.key+"_token_id", uint32(id.id))
		}
	}
	for _, f := range []struct {
		key string
		set *bool
	}{
		{"add_bos_token", v.AddBOS},
		{"add_eos_token", v.AddEOS},
		{"add_space_prefix", v.AddSpacePrefix},
		{"normalizer.lowercase", v.Lowercase},
		{"normalizer.strip_accents", v.StripAccents},
		{"remove_extra_whitespaces", v.TrimSpaces},
	} {
		if f.set != nil {
			set(prefix+f.key, *f.set)
		}
	}
	if v.Charsmap != nil {
		set(prefix+"precompiled_charsmap", v.Charsmap)
	}
	if v.Kind == KindWordPiece && v.BOS != None && v.EOS != None {
		set(prefix+"cls_token_id", uint32(v.BOS))
		set(separatorKey, uint32(v.EOS))
	}
	if v.HuggingFace != "" {
		set(embeddedKey, v.HuggingFace)
	}
}

func (v *Vocab) check() error {
	switch {
	case v.Kind == "":
		return fmt.Errorf("metadata %smodel is missing: the file has no tokenizer", prefix)
	case !slices.Contains(kinds, v.Kind) && v.HuggingFace == "":
		return fmt.Errorf("tokenizer of kind %q is not supported; known: %s", v.Kind, strings.Join(kinds, ", "))
	case len(v.Tokens) == 0:
		return fmt.Errorf("metadata %stokens is missing or empty", prefix)
	case v.Types != nil && len(v.Types) != len(v.Tokens):
		return fmt.Errorf("%d token types for %d tokens", len(v.Types), len(v.Tokens))
	case (v.Kind == KindSentencePiece || v.Kind == KindUnigram) && len(v.Scores) != len(v.Tokens):
		return fmt.Errorf("%d scores for %d tokens", len(v.Scores), len(v.Tokens))
	}
	for _, id := range []int{v.BOS, v.EOS, v.Unknown, v.Padding} {
		if id < None || id >= len(v.Tokens) {
			return fmt.Errorf("special token %d of %d tokens", id, len(v.Tokens))
		}
	}
	if i := slices.IndexFunc(v.Tokens, func(t string) bool { return !utf8.ValidString(t) }); i >= 0 {
		return fmt.Errorf("token %d %q is not UTF-8", i, v.Tokens[i])
	}
	return nil
}

// TypeOf returns the type of a token.
func (v *Vocab) TypeOf(id int) int {
	if v.Types == nil {
		return TypeNormal
	}
	return v.Types[id]
}

// Text returns the text of a special token, "" for [None].
func (v *Vocab) Text(id int) string {
	if id == None {
		return ""
	}
	return v.Tokens[id]
}

// Adds reports whether beginning and end of sequence go around a text.
func (v *Vocab) Adds() (bos, eos bool) {
	bos = v.Kind == KindSentencePiece || v.Kind == KindWordPiece
	eos = v.Kind == KindWordPiece || v.Kind == KindUnigram
	if p, ok := findPre(v.Pre); ok && v.Kind == KindBPE {
		bos = p.addBOS
	}
	if v.AddBOS != nil {
		bos = *v.AddBOS
	}
	if v.AddEOS != nil {
		eos = *v.AddEOS
	}
	return bos && v.BOS != None, eos && v.EOS != None
}

func (v *Vocab) spacePrefix() bool { return v.AddSpacePrefix == nil || *v.AddSpacePrefix }

// cutMerge takes a merge apart as llama.cpp does: at the first space that is not its
// first byte.
func cutMerge(m string) (left, right string, err error) {
	if m != "" {
		if i := strings.IndexByte(m[1:], ' '); i >= 0 && i+2 < len(m) {
			return m[:i+1], m[i+2:], nil
		}
	}
	return "", "", errors.New("not two tokens with a space between")
}

// endings are the special tokens by which models end an answer beside their end of
// sequence, as llama.cpp knows them.
var endings = []string{
	"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>",
	"<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>",
	"<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>", "<｜end▁of▁sentence｜>", "[e~[",
}

// Endings returns the ids of all tokens that end an answer, ascending: the end of
// sequence, and control tokens that llama.cpp takes for an end by their name.
func (v *Vocab) Endings() []int32 {
	var ids []int32
	for id, t := range v.Tokens {
		if id == v.EOS || v.TypeOf(id) == TypeControl && slices.Contains(endings, t) {
			ids = append(ids, int32(id))
		}
	}
	return ids
}
