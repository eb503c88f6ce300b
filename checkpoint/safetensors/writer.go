package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/tensor"
)

// rank orders dtypes as the reference library does: tensors are written by
// falling rank, so that wide elements come first and each is aligned.
var rank = map[tensor.DType]int{
	tensor.Bool: 0, tensor.U8: 1, tensor.I8: 2, tensor.F8E5M2: 3, tensor.F8E4M3: 4,
	tensor.I16: 5, tensor.U16: 6, tensor.F16: 7, tensor.BF16: 8, tensor.I32: 9,
	tensor.U32: 10, tensor.F32: 11, tensor.F64: 12, tensor.I64: 13, tensor.U64: 14,
}

// Writer streams one safetensors file. It implements [checkpoint.Writer].
type Writer struct {
	w       io.Writer
	order   []checkpoint.Entry
	next    int
	err     error // the first failure; the stream is useless after it
	commit  func() error
	abandon func()
	closed  bool
}

// NewWriter writes the header for the tensors of plan, which must then be given
// to Write in the order that Order returns. Nothing is buffered. Close does not
// close w.
func NewWriter(w io.Writer, plan []checkpoint.Entry, metadata map[string]string) (*Writer, error) {
	order := slices.Clone(plan)
	slices.SortStableFunc(order, func(a, b checkpoint.Entry) int {
		return cmp.Or(cmp.Compare(rank[b.DType], rank[a.DType]), cmp.Compare(a.Name, b.Name))
	})
	text, err := encodeHeader(order, metadata)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	return &Writer{w: w, order: order}, nil
}

// Create is NewWriter for the file path, which gets its new content as a whole
// when Close succeeds. A writer that is given up must be dropped with Abort.
func Create(path string, plan []checkpoint.Entry, metadata map[string]string) (*Writer, error) {
	p, err := fsx.Create(path, 0o644)
	if err != nil {
		return nil, err
	}
	w, err := NewWriter(p, plan, metadata)
	if err != nil {
		p.Abort()
		return nil, fmt.Errorf("create checkpoint %s: %w", path, err)
	}
	w.commit, w.abandon = p.Commit, p.Abort
	return w, nil
}

// Order implements [checkpoint.Writer].
func (w *Writer) Order() []string {
	names := make([]string, len(w.order))
	for i, e := range w.order {
		names[i] = e.Name
	}
	return names
}

// Write implements [checkpoint.Writer].
func (w *Writer) Write(name string, t tensor.Tensor) error {
	if w.closed {
		return fmt.Errorf("write tensor %q: %w", name, checkpoint.ErrClosed)
	}
	if w.err != nil {
		return w.err
	}
	w.err = w.write(name, t)
	return w.err
}

func (w *Writer) write(name string, t tensor.Tensor) error {
	if w.next == len(w.order) {
		return fmt.Errorf("tensor %q: %w: all %d tensors are written", name, checkpoint.ErrPlan, len(w.order))
	}
	e := w.order[w.next]
	if e.Name != name {
		return fmt.Errorf("tensor %q: %w: the next one is %q", name, checkpoint.ErrPlan, e.Name)
	}
	if err := e.Check(t); err != nil {
		return err
	}
	if _, err := w.w.Write(t.Data); err != nil {
		return fmt.Errorf("write tensor %q: %w", name, err)
	}
	w.next++
	return nil
}

// Close implements [checkpoint.Writer].
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	if w.err == nil && w.next < len(w.order) {
		w.err = fmt.Errorf("tensor %q: %w: not written", w.order[w.next].Name, checkpoint.ErrPlan)
	}
	if w.err != nil {
		w.Abort()
		return w.err
	}
	w.closed = true
	if w.commit != nil {
		return w.commit()
	}
	return nil
}

// Abort gives the file up and leaves what stood at its path before. After
// Close it does nothing, so that it can be deferred.
func (w *Writer) Abort() {
	if w.closed {
		return
	}
	w.closed = true
	if w.abandon != nil {
		w.abandon()
	}
}

// encodeHeader returns the length and the padded header, byte for byte as the
// reference library writes it.
func encodeHeader(order []checkpoint.Entry, metadata map[string]string) ([]byte, error) {
	b := []byte("\x00\x00\x00\x00\x00\x00\x00\x00{")
	var err error
	if len(metadata) > 0 {
		b = append(b, `"`+metadataKey+`":{`...)
		for i, key := range slices.Sorted(maps.Keys(metadata)) {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendString(b, key); err != nil {
				return nil, fmt.Errorf("metadata: %w", err)
			}
			if b, err = appendString(append(b, ':'), metadata[key]); err != nil {
				return nil, fmt.Errorf("metadata %q: %w", key, err)
			}
		}
		b = append(b, '}')
	}
	if b, err = appendEntries(b, order); err != nil {
		return nil, err
	}
	b = append(b, '}')
	b = append(b, bytes.Repeat([]byte{' '}, -len(b)&7)...)
	if n := len(b) - prefixBytes; n > MaxHeader {
		return nil, fmt.Errorf("%w: %d bytes, allowed are %d", ErrHeaderSize, n, MaxHeader)
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-prefixBytes))
	return b, nil
}

func appendEntries(b []byte, order []checkpoint.Entry) ([]byte, error) {
	seen := make(map[string]bool, len(order))
	at := int64(0)
	for _, e := range order {
		if e.Name == "" || e.Name == metadataKey || seen[e.Name] {
			return nil, fmt.Errorf("tensor %q: %w: empty, reserved or repeated name", e.Name, checkpoint.ErrPlan)
		}
		seen[e.Name] = true
		n, err := e.Bytes()
		if err != nil {
			return nil, err
		}
		if at+int64(n) < at {
			return nil, fmt.Errorf("tensor %q: %w: the file would pass 63 bits", e.Name, ErrOverflow)
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		if b, err = appendString(b, e.Name); err != nil {
			return nil, err
		}
		b = append(b, `:{"dtype":"`+e.DType.String()+`","shape":[`...)
		for i, d := range e.Shape {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(d), 10)
		}
		b = append(b, `],"data_offsets":[`...)
		b = strconv.AppendInt(b, at, 10)
		at += int64(n)
		b = strconv.AppendInt(append(b, ','), at, 10)
		b = append(b, `]}`...)
	}
	return b, nil
}

// appendString quotes s with the shortest escapes, and only where JSON demands
// them; encoding/json would escape HTML and line separators as well.
func appendString(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%q: %w: not UTF-8", s, checkpoint.ErrPlan)
	}
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ':
			b = append(b, c)
		case c >= '\b' && c <= '\r' && c != '\v':
			b = append(b, '\\', "btn\x00fr"[c-'\b'])
		default:
			b = fmt.Appendf(b, `\u%04x`, c)
		}
	}
	return append(b, '"'), nil
}
