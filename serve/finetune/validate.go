package finetune

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/file"
)

// shown is how many bad lines, or repeated ones, are listed.
const shown = 100

// counts is what the examples of a file come to, for a base.
type counts struct {
	examples  int
	sequences int // or pairs of them
	tokens    int64
	learned   int64 // of them
}

// lineError is what is wrong with a line.
type lineError struct {
	Line    int    `json:"line"` // from 1; 0 stands for the whole file
	Message string `json:"message"`
}

// checked is a file that was read.
type checked struct {
	render   renderer
	examples []dataset.Example
	counts   counts
	longest  int // tokens of a sequence
	bad      []lineError
	// first is the line on which an example stands first; repeated are the lines that
	// repeat another.
	first    map[troika.Digest]int
	repeated [][2]int
}

// checkFile reads a file of examples and finds everything that is wrong with it.
func (s *Service) checkFile(ctx context.Context, id string, b *bundle.Bundle, render renderer) (*checked, error) {
	c := &checked{render: render, first: map[troika.Digest]int{}}
	failures, err := s.readFile(ctx, id, nil, c)
	if err != nil {
		return nil, err
	}
	if len(failures) > 0 {
		// What the good lines are like is worth telling as well.
		skip := map[int]bool{}
		for _, f := range failures {
			c.bad = append(c.bad, lineError{f.Line, f.Err.Error()})
			skip[f.Line] = true
		}
		if _, err := s.readFile(ctx, id, skip, c); err != nil {
			return nil, err
		}
	}
	drops := newDropCheck(b)
	for _, e := range c.examples {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		line := lineOf(e.Name)
		if err := c.add(b, e, line, drops); err != nil {
			c.bad = append(c.bad, lineError{line, err.Error()})
		}
	}
	slices.SortStableFunc(c.bad, func(a, b lineError) int { return a.Line - b.Line })
	return c, nil
}

// readFile reads the examples of a file, less some lines. Failures of lines are
// returned, with no examples.
func (s *Service) readFile(ctx context.Context, id string, skip map[int]bool, c *checked) (refine.Failures, error) {
	_, r, err := s.o.Files.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read
	var in io.Reader = r
	if skip != nil {
		in = without(r, skip)
	}
	c.examples, err = dataset.ReadChat(in, id)
	if failures, ok := errors.AsType[refine.Failures](err); ok {
		return failures, nil
	}
	if err != nil && skip == nil {
		return refine.Failures{{Path: id, Err: errors.New("the file holds no examples")}}, nil
	}
	return nil, nil
}

// without returns the lines of r, some of them empty.
func without(r io.Reader, skip map[int]bool) io.Reader {
	out, in := io.Pipe()
	go func() {
		for line, err := range refine.Lines(r, dataset.MaxChatLine) {
			if err == nil && !skip[line.Number] {
				_, err = in.Write(line.Bytes)
			}
			if err != nil && !skip[line.Number] {
				in.CloseWithError(err)
				return
			}
			if _, err := in.Write([]byte{'\n'}); err != nil {
				return
			}
		}
		in.CloseWithError(io.EOF)
	}()
	return out
}

// lineOf returns the line of an example by its name, file:line.
func lineOf(name string) int {
	n, _ := strconv.Atoi(name[strings.LastIndexByte(name, ':')+1:]) // as ReadChat names them
	return n
}

// add counts an example, or says why it cannot be learned.
func (c *checked) add(b *bundle.Bundle, e dataset.Example, line int, drops *dropCheck) error {
	seqs, err := c.render(b, e)
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), e.Name+": "))
	}
	if err := drops.check(e); err != nil {
		return err
	}
	if len(seqs) == 0 {
		return errors.New("no token to learn from: the model's chat template drops the answer")
	}
	most := b.Facts.MaxPositions
	for _, s := range seqs {
		if len(s.Tokens) > most {
			return fmt.Errorf("%d tokens are over the model's context of %d; shorten or split the example", len(s.Tokens), most)
		}
	}
	key := keyOf(e)
	if first, has := c.first[key]; has {
		c.repeated = append(c.repeated, [2]int{first, line})
	} else {
		c.first[key] = line
	}
	c.counts.examples++
	c.counts.sequences += len(seqs)
	if e.Rejected != nil {
		c.counts.sequences-- // a pair counts once
	}
	for _, s := range seqs {
		c.longest = max(c.longest, len(s.Tokens))
		c.counts.tokens += int64(len(s.Tokens))
		for _, w := range s.Weights {
			if w != 0 {
				c.counts.learned++
			}
		}
	}
	return nil
}

// keyOf tells whether two examples say the same, white space at the ends aside.
func keyOf(e dataset.Example) troika.Digest {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q", e.Tools)
	for _, m := range e.Messages {
		_, _ = fmt.Fprintf(h, " %q", []string{
			m.Role, strings.TrimSpace(m.Content), string(m.Parts), string(m.ToolCalls), m.ToolCallID, m.Name, m.ReasoningContent,
		})
	}
	return troika.DigestOf(h)
}

// overlap returns the lines of c that stand in the training file too.
func (c *checked) overlap(training *checked) []lineError {
	var bad []lineError
	for _, e := range c.examples {
		if line, has := training.first[keyOf(e)]; has {
			bad = append(bad, lineError{lineOf(e.Name), fmt.Sprintf("the same example is on line %d of the training file", line)})
		}
	}
	return bad
}

// refuse returns the error that lists bad lines, nil where there are none.
func refuse(param, id, code string, bad []lineError) error {
	if len(bad) == 0 {
		return nil
	}
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, "File %s cannot be learned: %d bad lines.", id, len(bad))
	if len(bad) == 1 {
		b.Reset()
		_, _ = fmt.Fprintf(&b, "File %s cannot be learned:", id)
	}
	for _, e := range bad[:min(len(bad), shown)] {
		if e.Line == 0 {
			_, _ = fmt.Fprintf(&b, "\n%s", e.Message)
			continue
		}
		_, _ = fmt.Fprintf(&b, "\nline %d: %s", e.Line, e.Message)
	}
	if len(bad) > shown {
		_, _ = fmt.Fprintf(&b, "\n... and %d more", len(bad)-shown)
	}
	return &serve.RefusalError{
		Status: http.StatusBadRequest, Code: code, Param: param, Message: b.String(), Details: bad[:min(len(bad), shown)],
	}
}

// dropCheck finds turns that a chat template leaves out: the model would be asked
// something else than the example says. Templates look at roles, so one look for each
// row of roles will do.
type dropCheck struct {
	b    *bundle.Bundle
	seen map[string]error
}

func newDropCheck(b *bundle.Bundle) *dropCheck { return &dropCheck{b: b, seen: map[string]error{}} }

// Bounds of what is looked at: the beginning of a conversation shows how a template
// treats its turns.
const (
	dropTurns  = 8
	dropShapes = 100
)

// check says which turn of an example is left out.
func (d *dropCheck) check(e dataset.Example) error {
	last := 0
	for i, m := range e.Messages[:min(len(e.Messages), dropTurns)] {
		if m.Role == "assistant" {
			last = i
		}
	}
	row := []string{fmt.Sprint(len(e.Tools) > 0)}
	for _, m := range e.Messages[:last+1] {
		row = append(row, m.Role, fmt.Sprint(m.Content == ""))
	}
	shape := strings.Join(row, " ")
	if err, has := d.seen[shape]; has || len(d.seen) >= dropShapes {
		return err
	}
	err := d.look(bundle.Conversation{Messages: e.Messages[:last+1], Tools: e.Tools})
	d.seen[shape] = err
	return err
}

// look changes one message after another and sees whether the tokens change.
func (d *dropCheck) look(c bundle.Conversation) error {
	tokens := func() ([]int32, error) {
		turns, err := d.b.Turns(c)
		if err != nil || len(turns) == 0 {
			return nil, err
		}
		t := turns[len(turns)-1]
		return slices.Concat(t.Prompt, t.Completion), nil
	}
	before, err := tokens()
	if err != nil || before == nil {
		return nil //nolint:nilerr // what a template refuses is told elsewhere
	}
	c.Messages = slices.Clone(c.Messages)
	for i, m := range c.Messages {
		if m.Content == "" {
			continue
		}
		c.Messages[i].Content += " and more"
		after, err := tokens()
		c.Messages[i] = m
		if err == nil && slices.Equal(before, after) {
			return fmt.Errorf("the model's chat template drops message %d, of role %s", i+1, m.Role)
		}
	}
	return nil
}

// checkPurpose refuses files that were sent for something else.
func checkPurpose(f file.File, param string) error {
	if f.Purpose != file.FineTune {
		return badParam(param, "File %s was sent with the purpose %q, not %q.", f.ID, f.Purpose, file.FineTune)
	}
	return nil
}

// badParam is a refusal of one parameter.
func badParam(param, format string, args ...any) error {
	return serve.Refuse(http.StatusBadRequest, "", param, format, args...)
}
