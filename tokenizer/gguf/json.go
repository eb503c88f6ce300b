package gguf

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxToken bounds the tokens of a SentencePiece vocabulary whose merges are looked
// for, in bytes: longer ones, which none has, would take quadratic time.
const maxToken = 1 << 10

// JSON returns the tokenizer as a tokenizer.json.
func (v *Vocab) JSON() ([]byte, error) {
	if v.HuggingFace != "" {
		return []byte(v.HuggingFace), nil
	}
	var parts object
	var merges [][2]string
	var err error
	model := object{"type": "BPE", "dropout": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil}
	switch v.Kind {
	case KindBPE:
		parts, merges, err = v.bytePieces(model)
	case KindWordPiece:
		return v.wordPieces()
	case KindUnigram:
		return v.unigramPieces()
	default:
		parts, merges, err = v.sentencePieces(model)
	}
	if err != nil {
		return nil, err
	}
	parts["version"], parts["truncation"], parts["padding"] = "1.0", nil, nil
	parts["added_tokens"], parts["post_processor"] = v.addedTokens(), v.postProcessor()
	return v.join(parts, model, merges)
}

// join writes the file; vocabulary and merges, its bulk, are written by hand.
func (v *Vocab) join(parts, model object, merges [][2]string) ([]byte, error) {
	b, err := v.head(24*len(merges), parts, model, []string{
		"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback",
		"ignore_merges",
	})
	if err != nil {
		return nil, err
	}
	b = append(b, '{')
	for id, t := range v.Tokens {
		if v.TypeOf(id) == TypeUnused && v.Kind == KindBPE {
			continue // a filler such as [PAD151700]
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, t), ':')
		b = strconv.AppendInt(b, int64(id), 10)
	}
	b = append(b, `}, "merges": [`...)
	for i, m := range merges {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(append(b, '['), m[0]), ',')
		b = append(appendQuoted(b, m[1]), ']')
	}
	return append(b, "]}}\n"...), nil
}

// head writes the file up to the vocabulary, with the given keys of the model; more is
// room for what follows that.
func (v *Vocab) head(more int, parts, model object, keys []string) (b []byte, err error) {
	b = append(make([]byte, 0, 24*len(v.Tokens)+more+4096), '{')
	for _, key := range []string{
		"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder",
	} {
		if b, err = appendPair(b, key, parts[key]); err != nil {
			return nil, err
		}
		b = append(b, ",\n "...)
	}
	b = append(b, `"model": {`...)
	for _, key := range keys {
		if b, err = appendPair(b, key, model[key]); err != nil {
			return nil, err
		}
		b = append(b, ", "...)
	}
	return append(b, `"vocab": `...), nil
}

func appendPair(b []byte, key string, value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return append(append(appendQuoted(b, key), ": "...), text...), nil
}

// appendQuoted writes a string that is UTF-8 as JSON.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := range len(s) {
		c := s[i]
		if c != '"' && c != '\\' && c >= ' ' {
			continue
		}
		b = append(b, s[done:i]...)
		done = i + 1
		if c < ' ' {
			b = fmt.Appendf(b, `\u%04x`, c)
		} else {
			b = append(b, '\\', c)
		}
	}
	return append(append(b, s[done:]...), '"')
}

func (v *Vocab) bytePieces(model object) (object, [][2]string, error) {
	p, ok := findPre(v.Pre)
	if !ok {
		return nil, nil, fmt.Errorf("tokenizer: the pre kind %q (%spre) is not supported", v.Pre, prefix)
	}
	merges := make([][2]string, len(v.Merges))
	for i, m := range v.Merges {
		left, right, err := cutMerge(m)
		if err != nil {
			return nil, nil, fmt.Errorf("tokenizer: merge %d %q: %w", i, m, err)
		}
		merges[i] = [2]string{left, right}
	}
	model["unk_token"], model["fuse_unk"], model["byte_fallback"], model["ignore_merges"] = nil, false, false, p.ignoreMerges
	parts := object{"pre_tokenizer": component(p.steps), "decoder": byteLevel(true), "normalizer": nil}
	if p.nfc {
		parts["normalizer"] = object{"type": "NFC"}
	}
	return parts, merges, nil
}

func (v *Vocab) sentencePieces(model object) (object, [][2]string, error) {
	merges, err := v.scoredMerges()
	if err != nil {
		return nil, nil, err
	}
	model["unk_token"], model["fuse_unk"], model["byte_fallback"], model["ignore_merges"] = nil, true, true, false
	if v.Unknown != None {
		model["unk_token"] = v.Tokens[v.Unknown]
	}
	space := func(from, to string) object {
		return object{"type": "Replace", "pattern": object{"String": from}, "content": to}
	}
	normalizer := space(" ", "▁")
	decoders := objects{space("▁", " "), object{"type": "ByteFallback"}, object{"type": "Fuse"}}
	if v.spacePrefix() {
		normalizer = object{"type": "Sequence", "normalizers": objects{object{"type": "Prepend", "prepend": "▁"}, normalizer}}
		decoders = append(decoders, object{"type": "Strip", "content": " ", "start": 1, "stop": 0})
	}
	return object{
		"normalizer": normalizer, "pre_tokenizer": nil, "decoder": object{"type": "Sequence", "decoders": decoders},
	}, merges, nil
}

// scoredMerges returns the merges of a SentencePiece vocabulary in the order of
// transformers: every split of a token into two others, by falling score of the
// token; equal scores by falling length of the left and the right part in
// characters, then by the ids of token, left and right.
func (v *Vocab) scoredMerges() ([][2]string, error) {
	ids := make(map[string]int, len(v.Tokens))
	for id, t := range v.Tokens {
		if _, ok := ids[t]; !ok {
			ids[t] = id
		}
	}
	type merge struct {
		score            float32
		left, right      int // lengths in characters
		id, idLeft, idRt int
		cut              int
	}
	var list []merge
	for id, t := range v.Tokens {
		if len(t) > maxToken {
			return nil, fmt.Errorf("tokenizer: token %d has %d bytes", id, len(t))
		}
		if ids[t] != id {
			continue
		}
		n, total := 0, utf8.RuneCountInString(t)
		for cut := range t {
			if cut == 0 {
				continue
			}
			n++
			l, okLeft := ids[t[:cut]]
			r, okRight := ids[t[cut:]]
			if okLeft && okRight {
				list = append(list, merge{v.Scores[id], n, total - n, id, l, r, cut})
			}
		}
	}
	slices.SortFunc(list, func(a, b merge) int {
		return cmp.Or(
			cmp.Compare(b.score, a.score), cmp.Compare(b.left, a.left), cmp.Compare(b.right, a.right),
			cmp.Compare(a.id, b.id), cmp.Compare(a.idLeft, b.idLeft), cmp.Compare(a.idRt, b.idRt),
		)
	})
	merges := make([][2]string, len(list))
	for i, m := range list {
		t := v.Tokens[m.id]
		merges[i] = [2]string{t[:m.cut], t[m.cut:]}
	}
	return merges, nil
}

// addedTokens lists the tokens that are cut out of a text before anything else.
func (v *Vocab) addedTokens() objects {
	list := objects{}
	for id, t := range v.Tokens {
		switch v.TypeOf(id) {
		case TypeUnknown, TypeControl, TypeUser:
			list = append(list, object{
				"id": id, "content": t, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
				"special": v.TypeOf(id) != TypeUser,
			})
		}
	}
	return list
}

// postProcessor puts beginning and end of sequence around a text.
func (v *Vocab) postProcessor() any {
	bos, eos := v.Adds()
	if !bos && !eos {
		if v.Kind == KindBPE {
			return byteLevel(true)
		}
		return nil
	}
	special := object{}
	token := func(id, kind int) object {
		t := v.Tokens[id]
		special[t] = object{"id": t, "ids": []int{id}, "tokens": []string{t}}
		return object{"SpecialToken": object{"id": t, "type_id": kind}}
	}
	var single, pair objects
	for kind, name := range []string{"A", "B"} {
		var framed objects
		if bos {
			framed = append(framed, token(v.BOS, kind))
		}
		framed = append(framed, object{"Sequence": object{"id": name, "type_id": kind}})
		if eos {
			framed = append(framed, token(v.EOS, kind))
		}
		if kind == 0 {
			single = framed
		}
		pair = append(pair, framed...)
	}
	return object{"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": special}
}

var errNotHeld = errors.New("no kind of tokenizer in GGUF works like this")
