package pii

import (
	"context"
	"fmt"
	"strings"

	"github.com/troikaml/troika/refine"
)

// Redact returns s with every match replaced by its kind's placeholder. The
// matches must be in order, as Scan returns them.
func Redact(s string, matches []Match) string {
	if len(matches) == 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8*len(matches))
	at := 0
	for _, m := range matches {
		b.WriteString(s[at:m.Start])
		b.WriteString(m.Kind.Placeholder())
		at = m.End
	}
	b.WriteString(s[at:])
	return b.String()
}

// Redactor is the step that hides personal data. It is read-only and safe for
// concurrent use.
type Redactor struct {
	hide [kinds]bool
}

// New returns a redactor of the kinds with these names (Kind.String), or of all
// kinds where none is given.
func New(only ...string) (*Redactor, error) {
	r := &Redactor{}
	for _, name := range only {
		known := false
		for k, n := range names {
			if n == name {
				r.hide[k], known = true, true
			}
		}
		if !known {
			return nil, fmt.Errorf("personal data: no kind %q; there are %s", name, strings.Join(names[:], ", "))
		}
	}
	if len(only) == 0 {
		for k := range r.hide {
			r.hide[k] = true
		}
	}
	return r, nil
}

// Name implements refine.Step.
func (r *Redactor) Name() string { return "pii" }

// Apply implements refine.Step: it replaces what it finds in the text and the
// title of d and counts it by kind. It drops nothing.
func (r *Redactor) Apply(_ context.Context, d *refine.Document) (refine.Verdict, error) {
	var v refine.Verdict
	var matches []Match
	for _, s := range []*string{&d.Title, &d.Text} {
		matches = r.keep(Scan(matches[:0], *s))
		if len(matches) == 0 {
			continue
		}
		*s = Redact(*s, matches)
		if v.Counts == nil {
			v.Counts = map[string]int{}
		}
		for _, m := range matches {
			v.Counts[m.Kind.String()]++
		}
	}
	return v, nil
}

func (r *Redactor) keep(matches []Match) []Match {
	kept := matches[:0]
	for _, m := range matches {
		if r.hide[m.Kind] {
			kept = append(kept, m)
		}
	}
	return kept
}
