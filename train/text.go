package train

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds one line of a corpus, in bytes.
const maxLine = 64 << 20

// Text is a document of a corpus: a text or, in its stead, the messages of a
// conversation. Name is file:line.
type Text struct {
	Name     string
	Text     string
	Messages []json.RawMessage
}

// ReadText reads JSON lines with a text or a messages field. Its errors name the
// file, the line and what is wrong. progress, if not nil, is called with the bytes read so far.
func ReadText(r io.Reader, name string, progress func(bytes int64)) ([]Text, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<20), maxLine)
	var docs []Text
	var read int64
	for n := 1; lines.Scan(); n++ {
		read += int64(len(lines.Bytes())) + 1
		if len(lines.Bytes()) == 0 {
			continue
		}
		var doc struct {
			Text     *string           `json:"text"`
			Messages []json.RawMessage `json:"messages"`
		}
		at := fmt.Sprintf("%s:%d", name, n)
		if err := json.Unmarshal(lines.Bytes(), &doc); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		switch {
		case doc.Text != nil && doc.Messages == nil:
			docs = append(docs, Text{Name: at, Text: *doc.Text})
		case doc.Text == nil && doc.Messages != nil:
			docs = append(docs, Text{Name: at, Messages: doc.Messages})
		default:
			return nil, fmt.Errorf("%s: want a text or a messages field, one of them", at)
		}
		if progress != nil {
			progress(read)
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("a line is longer than %d bytes", maxLine)
		}
		return nil, fmt.Errorf("%s: after %d documents: %w", name, len(docs), err)
	}
	return docs, nil
}

// Labelled returns a document as one sequence, every token with a loss.
func Labelled(tokens []int32, name string) Sequence {
	s := Sequence{Name: name}
	s.extend(tokens, 1)
	return s
}

// Pieces cuts a sequence into parts of at most longest tokens. A part of one token
// has nothing to learn and is left out.
func (s Sequence) Pieces(longest int) []Sequence {
	var out []Sequence
	for at := 0; at+1 < len(s.Tokens); at += longest {
		end := min(at+longest, len(s.Tokens))
		if end-at > 1 {
			out = append(out, Sequence{Name: s.Name, Tokens: s.Tokens[at:end], Weights: s.Weights[at:end]})
		}
	}
	return out
}
