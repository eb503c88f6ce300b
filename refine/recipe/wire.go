package recipe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/decontaminate"
)

// Entries lie in chunk files field by field in the order of the methods below:
// numbers as varints, texts and lists behind their lengths. Every phase reads all of
// them, some no more than the documents: what is theirs comes first.

// wireFormat counts the changes of that encoding. A run is resumed by programs of one
// and the same format alone.
const wireFormat = 2

// What an entry holds, a bit each.
const (
	holdsDoc = 1 << iota
	holdsDecision
	holdsDrop
	holdsFailure
	holdsEnd
	isKept
)

// encoder appends values.
type encoder struct{ b []byte }

func (w *encoder) uint(n uint64)   { w.b = binary.AppendUvarint(w.b, n) }
func (w *encoder) int(n int)       { w.b = binary.AppendVarint(w.b, int64(n)) }
func (w *encoder) float(f float64) { w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(f)) }

// string appends a text. Bytes that are not UTF-8, which names of files may hold,
// become U+FFFD one by one, as they do in JSON.
func (w *encoder) string(s string) {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

// entry appends e.
func (w *encoder) entry(e *entry) error {
	d := &e.Decision
	if d.ID != "" && d.ID != e.ID {
		return fmt.Errorf("the decision about %s names %s", e.ID, d.ID)
	}
	holds := uint64(0)
	for i, yes := range [...]bool{e.Doc != nil, d.ID != "", d.Drop != nil, e.Failure != nil, e.End != nil, d.Kept} {
		if yes {
			holds |= 1 << i
		}
	}
	w.string(e.ID)
	w.int(e.File)
	w.uint(holds)
	if e.Doc != nil {
		for _, s := range []string{e.Doc.ID, e.Doc.Text, e.Doc.Label, e.Doc.Source, e.Doc.Licence, e.Doc.Lang, e.Doc.Group, e.Doc.Title} {
			w.string(s)
		}
		w.b = append(w.b, e.Doc.Raw[:]...)
	}
	if d.ID != "" {
		w.decision(d)
	}
	w.uint(uint64(len(e.Map)))
	for _, line := range e.Map {
		w.int(int(line))
	}
	w.int(e.Class)
	w.string(e.Before)
	w.string(e.Excerpt)
	if f := e.Failure; f != nil {
		w.string(f.Source)
		w.int(f.Line)
		w.string(f.Error)
	}
	if end := e.End; end != nil {
		w.string(end.Name)
		w.int(int(end.Size))
		w.b = append(w.b, end.Digest[:]...)
		w.int(end.Documents)
		w.int(end.Failed)
	}
	return nil
}

func (w *encoder) decision(d *Decision) {
	w.string(d.Source)
	w.string(d.Lang)
	if d.Drop != nil {
		w.string(d.Drop.Step)
		w.reason(d.Drop.Reason)
		w.string(d.Drop.Twin)
	}
	w.int(d.Before)
	w.int(d.After)
	w.uint(uint64(len(d.Edited)))
	for _, s := range d.Edited {
		w.string(s)
	}
	w.uint(uint64(len(d.Lines)))
	for _, l := range d.Lines {
		w.int(l.Line)
		w.string(l.Step)
		w.reason(l.Reason)
		w.string(l.Text)
	}
	encodeByStep(w, d.Counts, w.int)
	encodeByStep(w, d.Scores, w.float)
	w.uint(uint64(len(d.Hits)))
	for _, h := range d.Hits {
		w.string(h.Benchmark)
		w.string(h.ID)
		w.int(h.Shared)
		w.int(h.Of)
	}
}

func (w *encoder) reason(r refine.Reason) {
	w.string(r.Rule)
	w.float(r.Value)
	w.float(r.Threshold)
}

// encodeByStep appends values by step and name, in the order of both.
func encodeByStep[T any](w *encoder, steps map[string]map[string]T, value func(T)) {
	w.uint(uint64(len(steps)))
	for _, step := range slices.Sorted(maps.Keys(steps)) {
		values := steps[step]
		w.string(step)
		w.uint(uint64(len(values)))
		for _, name := range slices.Sorted(maps.Keys(values)) {
			w.string(name)
			value(values[name])
		}
	}
}

// decoder takes values off b. After the first error all values are zero.
type decoder struct {
	b   []byte
	err error
	// names are texts that come again and again, kept once.
	names map[string]string
}

var errShort = errors.New("an entry that ends too early")

// take returns the next n bytes.
func (r *decoder) take(n uint64) []byte {
	if r.err == nil && n > uint64(len(r.b)) {
		r.err = errShort
	}
	if r.err != nil {
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *decoder) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.b, r.err = nil, errShort
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *decoder) int() int {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.b, r.err = nil, errShort
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

func (r *decoder) float() float64 {
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (r *decoder) string() string { return string(r.take(r.uint())) }

// name is string for a name of the recipe.
func (r *decoder) name() string {
	b := r.take(r.uint())
	if s, ok := r.names[string(b)]; ok {
		return s
	}
	s := string(b)
	r.names[s] = s
	return s
}

// length returns the length of a list whose items take a byte at least.
func (r *decoder) length() int {
	n := r.uint()
	if r.err == nil && n > uint64(len(r.b)) {
		r.err = errShort
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// list returns n items of f, nil where there is none.
func list[T any](r *decoder, f func() T) []T {
	n := r.length()
	if n == 0 {
		return nil
	}
	out := make([]T, n)
	for i := range out {
		out[i] = f()
	}
	return out
}

// entry takes e. Where the document alone is asked for, of the rest no more is set
// than the decision's ID.
func (r *decoder) entry(e *entry, documentAlone bool) error {
	e.ID, e.File = r.string(), r.int()
	holds := r.uint()
	if holds&holdsDecision != 0 {
		e.Decision.ID = e.ID
	}
	if holds&holdsDoc != 0 {
		e.Doc = &refine.Document{}
		for _, s := range []*string{&e.Doc.ID, &e.Doc.Text, &e.Doc.Label, &e.Doc.Source, &e.Doc.Licence, &e.Doc.Lang, &e.Doc.Group, &e.Doc.Title} {
			*s = r.string()
		}
		copy(e.Doc.Raw[:], r.take(uint64(len(e.Doc.Raw))))
	}
	if documentAlone {
		return r.err
	}
	if holds&holdsDecision != 0 {
		r.decision(&e.Decision, holds)
	}
	e.Map = list(r, func() int32 { return int32(r.int()) })
	e.Class, e.Before, e.Excerpt = r.int(), r.string(), r.string()
	if holds&holdsFailure != 0 {
		e.Failure = &failure{Source: r.string(), Line: r.int(), Error: r.string()}
	}
	if holds&holdsEnd != 0 {
		e.End = &inputEnd{Name: r.string(), Size: int64(r.int())}
		copy(e.End.Digest[:], r.take(uint64(len(e.End.Digest))))
		e.End.Documents, e.End.Failed = r.int(), r.int()
	}
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%d bytes behind an entry", len(r.b))
	}
	return r.err
}

func (r *decoder) decision(d *Decision, holds uint64) {
	d.Source, d.Lang, d.Kept = r.string(), r.name(), holds&isKept != 0
	if holds&holdsDrop != 0 {
		d.Drop = &Drop{Step: r.name(), Reason: r.reason(), Twin: r.string()}
	}
	d.Before, d.After = r.int(), r.int()
	d.Edited = list(r, r.name)
	d.Lines = list(r, func() Line {
		return Line{Line: r.int(), Step: r.name(), Reason: r.reason(), Text: r.string()}
	})
	d.Counts = decodeByStep(r, r.int)
	d.Scores = decodeByStep(r, r.float)
	d.Hits = list(r, func() decontaminate.Hit {
		return decontaminate.Hit{Benchmark: r.name(), ID: r.string(), Shared: r.int(), Of: r.int()}
	})
}

func (r *decoder) reason() refine.Reason {
	return refine.Reason{Rule: r.name(), Value: r.float(), Threshold: r.float()}
}

// decodeByStep takes what encodeByStep appended.
func decodeByStep[T any](r *decoder, value func() T) map[string]map[string]T {
	n := r.length()
	if n == 0 {
		return nil
	}
	steps := make(map[string]map[string]T, n)
	for range n {
		step, of := r.name(), r.length()
		values := make(map[string]T, of)
		for range of {
			name := r.name()
			values[name] = value()
		}
		steps[step] = values
	}
	return steps
}
