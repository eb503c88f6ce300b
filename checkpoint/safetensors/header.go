package safetensors

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/filemap"
	"github.com/troikaml/troika/tensor"
)

// MaxHeader is the largest header in bytes: the reference library's limit.
const MaxHeader = 100_000_000

// One error for each broken invariant; every error of this package about a
// file's content wraps one of them.
var (
	// ErrShort: the file ends before its header does.
	ErrShort = filemap.ErrShort
	// ErrHeaderSize: the header is empty or longer than MaxHeader.
	ErrHeaderSize = errors.New("header size out of range")
	// ErrHeader: the header is not the JSON the format asks for.
	ErrHeader = errors.New("malformed header")
	// ErrDuplicate: a name or a key comes twice.
	ErrDuplicate = errors.New("duplicate key")
	// ErrDType: a dtype that is unknown, or known and not supported.
	ErrDType = errors.New("unsupported dtype")
	// ErrOverflow: a number or a product of a shape does not fit.
	ErrOverflow = errors.New("number too large")
	// ErrOffset: a span that ends before it begins, or past the file's end.
	ErrOffset = errors.New("offset out of range")
	// ErrSize: a span whose length is not what dtype and shape need.
	ErrSize = errors.New("span does not fit the shape")
	// ErrOverlap: two spans share bytes.
	ErrOverlap = errors.New("tensors overlap")
	// ErrGap: bytes between two spans belong to no tensor.
	ErrGap = errors.New("gap between tensors")
	// ErrTrailing: bytes after the last span belong to no tensor.
	ErrTrailing = errors.New("data after the last tensor")
	// ErrIndex: an index that names a bad file, or differs from its shards.
	ErrIndex = errors.New("index does not match its shards")
)

const (
	prefixBytes = 8
	metadataKey = "__metadata__"
)

// span is where a tensor lies, counted from the first byte after the header.
type span struct {
	entry      checkpoint.Entry
	begin, end int64
}

// header is a parsed and fully checked header.
type header struct {
	spans    map[string]span
	metadata map[string]string
	data     int64 // where the data begins in the file
}

// headerLen checks the first 8 bytes against the file's size.
func headerLen(prefix []byte, size int64) (int64, error) {
	if len(prefix) < prefixBytes {
		return 0, fmt.Errorf("%w: %d bytes, a header's length alone has %d", ErrShort, len(prefix), prefixBytes)
	}
	n := binary.LittleEndian.Uint64(prefix)
	if n > MaxHeader || n < 2 {
		return 0, fmt.Errorf("%w: %d bytes, allowed are 2 to %d", ErrHeaderSize, n, MaxHeader)
	}
	if int64(n) > size-prefixBytes {
		return 0, fmt.Errorf("%w: header of %d bytes in a file of %d", ErrShort, n, size)
	}
	return int64(n), nil
}

// parseHeader reads the JSON of a header in a file of size bytes and checks
// every invariant.
func parseHeader(text []byte, size int64) (*header, error) {
	h := &header{spans: map[string]span{}, metadata: map[string]string{}, data: prefixBytes + int64(len(text))}
	if text[0] != '{' {
		return nil, fmt.Errorf("%w: byte 0: it starts with %q", ErrHeader, text[0])
	}
	s := &scanner{b: text}
	err := s.object(func(name string) error {
		if name == metadataKey {
			return h.readMetadata(s)
		}
		if name == "" {
			return s.fail("a tensor with an empty name")
		}
		sp, err := readSpan(s, name, size-h.data)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		h.spans[name] = sp
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.end(); err != nil {
		return nil, err
	}
	return h, h.checkCover(size - h.data)
}

func (h *header) readMetadata(s *scanner) error {
	return s.object(func(key string) error {
		v, err := s.str()
		h.metadata[key] = v
		return err
	})
}

// readSpan reads one tensor's description and checks it against the size of
// the data.
func readSpan(s *scanner, name string, data int64) (span, error) {
	sp := span{entry: checkpoint.Entry{Name: name}}
	var dtype string
	var shape, offsets []int64
	err := s.object(func(key string) (err error) {
		switch key {
		case "dtype":
			dtype, err = s.str()
		case "shape":
			shape, err = s.uints()
		case "data_offsets":
			offsets, err = s.uints()
		default:
			err = s.skip(0)
		}
		return err
	})
	switch {
	case err != nil:
		return sp, err
	case dtype == "" || shape == nil || offsets == nil:
		return sp, s.fail("dtype, shape or data_offsets is missing")
	case len(offsets) != 2:
		return sp, s.fail("data_offsets has %d numbers, want 2", len(offsets))
	}
	if sp.entry.DType, err = tensor.ParseDType(dtype); err != nil || sp.entry.DType.Quantized() {
		return sp, fmt.Errorf("%w: %q", ErrDType, dtype)
	}
	sp.begin, sp.end = offsets[0], offsets[1]
	if sp.begin > sp.end || sp.end > data {
		return sp, fmt.Errorf("%w: data_offsets [%d, %d] in %d bytes of data", ErrOffset, sp.begin, sp.end, data)
	}
	sp.entry.Shape = make([]int, len(shape))
	for i, d := range shape {
		if d > math.MaxInt {
			return sp, fmt.Errorf("%w: shape %v", ErrOverflow, shape)
		}
		sp.entry.Shape[i] = int(d)
	}
	n, err := sp.entry.Bytes()
	if err != nil {
		return sp, fmt.Errorf("%w: shape %v of %s", ErrOverflow, shape, dtype)
	}
	if int64(n) != sp.end-sp.begin {
		return sp, fmt.Errorf("%w: %s %v needs %d bytes, data_offsets [%d, %d] hold %d",
			ErrSize, dtype, shape, n, sp.begin, sp.end, sp.end-sp.begin)
	}
	return sp, nil
}

// checkCover checks that the spans tile the data exactly.
func (h *header) checkCover(data int64) error {
	order := make([]span, 0, len(h.spans))
	for _, sp := range h.spans {
		order = append(order, sp)
	}
	slices.SortFunc(order, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.entry.Name, b.entry.Name))
	})
	at := int64(0)
	for i, sp := range order {
		switch {
		case sp.begin < at:
			return fmt.Errorf("tensors %q and %q: %w at byte %d of the data", order[i-1].entry.Name, sp.entry.Name, ErrOverlap, sp.begin)
		case sp.begin > at:
			return fmt.Errorf("tensor %q: %w: bytes %d to %d of the data belong to no tensor", sp.entry.Name, ErrGap, at, sp.begin)
		}
		at = sp.end
	}
	if at != data {
		return fmt.Errorf("%w: tensors end at byte %d, the data at %d", ErrTrailing, at, data)
	}
	return nil
}
