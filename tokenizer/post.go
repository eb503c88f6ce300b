package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// frame is what post-processing puts around the ids of a text. Most templates
// hold the text once; every further occurrence repeats it.
type frame struct {
	head []int32   // ids before the text
	rest [][]int32 // ids after each occurrence of the text
}

type postConfig struct {
	Type          string
	Processors    []json.RawMessage
	Single        []templatePiece
	SpecialTokens map[string]struct{ IDs []int32 } `json:"special_tokens"`
	Cls, Sep      *tokenPair
}

type templatePiece struct {
	Sequence     *struct{ ID string }
	SpecialToken *struct{ ID string }
}

// tokenPair is [token, id].
type tokenPair struct{ id int32 }

// UnmarshalJSON implements [json.Unmarshaler].
func (p *tokenPair) UnmarshalJSON(b []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return errors.New("want [token, id]")
	}
	return json.Unmarshal(pair[1], &p.id)
}

// newFrame reads a post-processor component; nil means that it adds nothing.
func newFrame(raw []byte) (*frame, error) {
	var c *postConfig
	if err := json.Unmarshal(raw, &c); err != nil || c == nil {
		return nil, err
	}
	switch c.Type {
	case "ByteLevel":
		return nil, nil
	case "Sequence":
		var f *frame
		for i, raw := range c.Processors {
			next, err := newFrame(raw)
			if err != nil {
				return nil, fmt.Errorf("processors[%d]: %w", i, err)
			}
			if f != nil && next != nil {
				return nil, fmt.Errorf("processors[%d]: a second processor that adds tokens is not supported", i)
			}
			if next != nil {
				f = next
			}
		}
		return f, nil
	case "BertProcessing", "RobertaProcessing":
		if c.Cls == nil || c.Sep == nil {
			return nil, errors.New("cls or sep is missing")
		}
		return &frame{head: []int32{c.Cls.id}, rest: [][]int32{{c.Sep.id}}}, nil
	case "TemplateProcessing":
		return newTemplate(c)
	default:
		return nil, fmt.Errorf("type %q is not supported", c.Type)
	}
}

func newTemplate(c *postConfig) (*frame, error) {
	f := &frame{}
	for i, p := range c.Single {
		switch {
		case p.Sequence != nil && p.SpecialToken == nil:
			if p.Sequence.ID != "A" {
				return nil, fmt.Errorf("single[%d]: sequence %q in a template for one", i, p.Sequence.ID)
			}
			f.rest = append(f.rest, nil)
		case p.SpecialToken != nil && p.Sequence == nil:
			special, ok := c.SpecialTokens[p.SpecialToken.ID]
			if !ok {
				return nil, fmt.Errorf("single[%d]: %q is not among special_tokens", i, p.SpecialToken.ID)
			}
			if n := len(f.rest); n > 0 {
				f.rest[n-1] = append(f.rest[n-1], special.IDs...)
			} else {
				f.head = append(f.head, special.IDs...)
			}
		default:
			return nil, fmt.Errorf("single[%d]: want either Sequence or SpecialToken", i)
		}
	}
	return f, nil
}

// ids calls f with every id that the frame adds.
func (f *frame) ids(visit func(int32)) {
	if f == nil {
		return
	}
	for _, id := range f.head {
		visit(id)
	}
	for _, ids := range f.rest {
		for _, id := range ids {
			visit(id)
		}
	}
}

// wrap appends the framed ids of a text, which text appends.
func (f *frame) wrap(dst []int32, special bool, text func([]int32) []int32) []int32 {
	if f == nil {
		return text(dst)
	}
	if special {
		dst = append(dst, f.head...)
	}
	start, n := len(dst), 0
	for i, ids := range f.rest {
		if i == 0 {
			dst = text(dst)
			n = len(dst) - start
		} else {
			dst = append(dst, dst[start:start+n]...)
		}
		if special {
			dst = append(dst, ids...)
		}
	}
	return dst
}
