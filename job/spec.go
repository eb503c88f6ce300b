package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/troikaml/troika"
)

// Spec describes work fully: two specs of one digest ask for the same result.
type Spec struct {
	// Kind names the handler: lower-case letters, digits, dots, dashes and
	// underscores, at most 63, a letter first.
	Kind string `json:"kind"`
	// Recipe is a JSON object that the handler understands. Empty means {}.
	Recipe json.RawMessage `json:"recipe"`
	// Inputs are what the work reads, in an order that the kind fixes.
	Inputs []troika.Digest `json:"inputs,omitempty"`
	Use    Use             `json:"use,omitzero"`
	Needs  Needs           `json:"needs,omitzero"`
}

// Use says what a piece of work does with its inputs and for whom: what an
// [Admitter] decides on.
type Use struct {
	// Purpose is a word such as "train" or "serve".
	Purpose string `json:"purpose,omitempty"`
	// Party is on whose behalf the work is done. Jobs are listed, and keys are
	// unique, by party.
	Party string `json:"party,omitempty"`
}

// Needs is what a job takes of a machine while it runs. It does not change what
// the job computes.
type Needs struct {
	Memory  int64 `json:"memory,omitempty"`  // bytes; 0 means not known
	Threads int   `json:"threads,omitempty"` // 0 means whatever there is
	Seconds int64 `json:"seconds,omitempty"` // of the whole job, as planned; 0 means not known
}

// Limits of a spec. A recipe of a mebibyte holds thousands of settings; data
// belong into inputs.
const (
	maxRecipe = 1 << 20
	maxInputs = 10_000
	maxName   = 256
)

const nameRule = "printable text of at most 256 bytes"

// validName reports whether s may be a name that callers choose freely. What
// does not print is refused, so that names can be shown and any database takes
// them.
func validName(s string) bool {
	return len(s) <= maxName && utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

var kindRule = regexp.MustCompile(`^[a-z][a-z0-9._-]{0,62}$`)

// Check returns what is wrong with s, or nil.
func (s Spec) Check() error {
	switch {
	case !kindRule.MatchString(s.Kind):
		return fmt.Errorf("kind %.80q: want lower-case letters, digits, dots, dashes and underscores, at most 63, a letter first", s.Kind)
	case len(s.Recipe) > maxRecipe:
		return fmt.Errorf("the recipe has %d bytes, at most %d are allowed", len(s.Recipe), maxRecipe)
	case len(s.Inputs) > maxInputs:
		return fmt.Errorf("%d inputs, at most %d are allowed", len(s.Inputs), maxInputs)
	case !validName(s.Use.Purpose) || !validName(s.Use.Party):
		return fmt.Errorf("purpose %.80q, party %.80q: want %s", s.Use.Purpose, s.Use.Party, nameRule)
	case s.Needs.Memory < 0 || s.Needs.Threads < 0 || s.Needs.Seconds < 0:
		return fmt.Errorf("needs %d bytes of memory, %d threads and %d seconds", s.Needs.Memory, s.Needs.Threads, s.Needs.Seconds)
	}
	for i, d := range s.Inputs {
		if d.IsZero() {
			return fmt.Errorf("input %d is not known", i+1)
		}
	}
	return nil
}

// Canonical checks s and returns it with its recipe in canonical form: keys
// sorted, no spaces, numbers as they were written. The recipe is a copy;
// Inputs are shared.
func (s Spec) Canonical() (Spec, error) {
	if err := s.Check(); err != nil {
		return Spec{}, err
	}
	if len(bytes.TrimSpace(s.Recipe)) == 0 {
		s.Recipe = json.RawMessage("{}")
		return s, nil
	}
	var recipe map[string]any
	d := json.NewDecoder(bytes.NewReader(s.Recipe))
	d.UseNumber() // a 64-bit seed does not fit a float
	if err := d.Decode(&recipe); err != nil {
		return Spec{}, fmt.Errorf("the recipe is no JSON object: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || recipe == nil {
		return Spec{}, errors.New("the recipe is not one JSON object")
	}
	var err error
	s.Recipe, err = marshal(recipe)
	return s, err
}

// Digest identifies the work: the SHA-256 of the canonical JSON of everything
// but Needs.
func (s Spec) Digest() (troika.Digest, error) {
	s, err := s.Canonical()
	if err != nil {
		return troika.Digest{}, fmt.Errorf("digest of spec: %w", err)
	}
	s.Needs = Needs{}
	b, err := marshal(s)
	if err != nil {
		return troika.Digest{}, fmt.Errorf("digest of spec: %w", err)
	}
	return troika.Sum(b), nil
}

// marshal is json.Marshal without escapes for HTML: text stays as it was.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
