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

// Writer streams one safetensors file. It implements [checkpoint.Writer]; a writer
// that is given up must be dropped with Abort.
type Writer struct{ *checkpoint.Stream }

// NewWriter writes the header for the tensors of plan, which must then be given
// to Write in the order that Order returns. Nothing is buffered. Close does not
// close w.
func NewWriter(w io.Writer, plan []checkpoint.Entry, metadata map[string]string) (*Writer, error) {
	return newWriter(w, plan, metadata, checkpoint.End{})
}

// Create is NewWriter for the file path, which gets its new content as a whole
// when Close succeeds.
func Create(path string, plan []checkpoint.Entry, metadata map[string]string) (*Writer, error) {
	p, err := fsx.Create(path, 0o644)
	if err != nil {
		return nil, err
	}
	w, err := newWriter(p, plan, metadata, checkpoint.End{Commit: p.Commit, Abort: p.Abort})
	if err != nil {
		p.Abort()
		return nil, fmt.Errorf("create checkpoint %s: %w", path, err)
	}
	return w, nil
}

func newWriter(w io.Writer, plan []checkpoint.Entry, metadata map[string]string, end checkpoint.End) (*Writer, error) {
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
	put := func(data []byte) error {
		_, err := w.Write(data)
		return err
	}
	return &Writer{checkpoint.NewStream(order, put, nil, end)}, nil
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
		if e.DType.Quantized() {
			return nil, fmt.Errorf("tensor %q: %w: %w: %s", e.Name, checkpoint.ErrPlan, ErrDType, e.DType)
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
