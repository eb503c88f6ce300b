package gguf

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/filemap"
)

const (
	// window is how much is read at a time from a file that is not mapped.
	window = 1 << 20
	// maxKey is the format's limit on keys; names of tensors in files get the same.
	maxKey = 65535
	// maxNesting bounds arrays in arrays.
	maxNesting = 4
)

// cursor walks over the head of a file. Its methods fail with errors that wrap
// [ErrShort] at the file's end.
type cursor struct {
	file  *filemap.File
	off   int64  // of the next byte
	ahead []byte // bytes from off on that are at hand
	text  strings.Builder
}

func (c *cursor) left() uint64 { return uint64(c.file.Size() - c.off) }

// take returns the next n bytes.
func (c *cursor) take(n uint64) ([]byte, error) {
	if n > c.left() {
		return nil, fmt.Errorf("%w: %d bytes at %d of %d", ErrShort, n, c.off, c.file.Size())
	}
	if n > uint64(len(c.ahead)) {
		size := c.left()
		if !c.file.Mapped() {
			size = min(size, max(n, window))
		}
		b, err := c.file.Bytes(c.off, int64(size))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrShort, err)
		}
		c.ahead = b
	}
	b := c.ahead[:n:n]
	c.ahead = c.ahead[n:]
	c.off += int64(n)
	return b, nil
}

func (c *cursor) u32() (uint32, error) {
	b, err := c.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (c *cursor) u64() (uint64, error) {
	b, err := c.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// str copies the next string. Short strings share memory in large pieces.
func (c *cursor) str() (string, error) {
	n, err := c.u64()
	if err != nil {
		return "", err
	}
	b, err := c.take(n)
	if err != nil {
		return "", fmt.Errorf("string: %w", err)
	}
	const piece = 64 << 10
	if len(b) > piece/8 {
		return string(b), nil
	}
	if c.text.Cap()-c.text.Len() < len(b) {
		c.text = strings.Builder{}
		c.text.Grow(piece)
	}
	at := c.text.Len()
	c.text.Write(b)
	return c.text.String()[at:], nil
}

// strings reads n strings. Those at hand are copied together, lengths and all: a
// vocabulary has hundreds of thousands.
func (c *cursor) strings(n int) ([]string, error) {
	v := make([]string, n)
	for i := 0; i < n; {
		end, last := 0, i
		for ; last < n && len(c.ahead)-end >= 8; last++ {
			size := binary.LittleEndian.Uint64(c.ahead[end:])
			if size > uint64(len(c.ahead)-end-8) {
				break
			}
			end += 8 + int(size)
		}
		if last == i { // one that begins here is not whole at hand
			var err error
			if v[i], err = c.str(); err != nil {
				return nil, fmt.Errorf("item %d: %w", i, err)
			}
			i++
			continue
		}
		all := string(c.ahead[:end])
		c.ahead = c.ahead[end:]
		c.off += int64(end)
		for ; i < last; i++ {
			size := binary.LittleEndian.Uint64([]byte(all[:8]))
			v[i], all = all[8:8+size], all[8+size:]
		}
	}
	return v, nil
}

// count reads a number of things that take at least size bytes each.
func (c *cursor) count(size uint64) (int, error) {
	n, err := c.u64()
	if err != nil {
		return 0, err
	}
	if n > c.left()/size {
		return 0, fmt.Errorf("%w: %d items in %d bytes", ErrShort, n, c.left())
	}
	return int(n), nil
}

// The types of values, as the format numbers them.
const (
	kindUint8 = iota
	kindInt8
	kindUint16
	kindInt16
	kindUint32
	kindInt32
	kindFloat32
	kindBool
	kindString
	kindArray
	kindUint64
	kindInt64
	kindFloat64
)

// value reads one value of a kind.
func (c *cursor) value(kind uint32) (any, error) {
	switch kind {
	case kindString:
		return c.str()
	case kindArray:
		return c.array(1)
	}
	slice, err := c.items(kind, 1)
	if err != nil {
		return nil, err
	}
	switch v := slice.(type) {
	case []uint8:
		return v[0], nil
	case []int8:
		return v[0], nil
	case []uint16:
		return v[0], nil
	case []int16:
		return v[0], nil
	case []uint32:
		return v[0], nil
	case []int32:
		return v[0], nil
	case []float32:
		return v[0], nil
	case []bool:
		return v[0], nil
	case []uint64:
		return v[0], nil
	case []int64:
		return v[0], nil
	case []float64:
		return v[0], nil
	}
	return nil, fmt.Errorf("%w: unknown type %d", ErrMetadata, kind)
}

// array reads an array at a depth of nesting.
func (c *cursor) array(depth int) (any, error) {
	kind, err := c.u32()
	if err != nil {
		return nil, err
	}
	switch kind {
	case kindString:
		n, err := c.count(8)
		if err != nil {
			return nil, err
		}
		return c.strings(n)
	case kindArray:
		if depth == maxNesting {
			return nil, fmt.Errorf("%w: arrays are nested deeper than %d", ErrMetadata, maxNesting)
		}
		n, err := c.count(12)
		if err != nil {
			return nil, err
		}
		v := make([]any, n)
		for i := range v {
			if v[i], err = c.array(depth + 1); err != nil {
				return nil, err
			}
		}
		return v, nil
	}
	n, err := c.count(1)
	if err != nil {
		return nil, err
	}
	return c.items(kind, n)
}

// items reads n numbers or booleans of a kind into a slice.
func (c *cursor) items(kind uint32, n int) (any, error) {
	switch kind {
	case kindUint8:
		return numbers[uint8](c, n)
	case kindInt8:
		return numbers[int8](c, n)
	case kindUint16:
		return numbers[uint16](c, n)
	case kindInt16:
		return numbers[int16](c, n)
	case kindUint32:
		return numbers[uint32](c, n)
	case kindInt32:
		return numbers[int32](c, n)
	case kindFloat32:
		return numbers[float32](c, n)
	case kindBool:
		return numbers[bool](c, n)
	case kindUint64:
		return numbers[uint64](c, n)
	case kindInt64:
		return numbers[int64](c, n)
	case kindFloat64:
		return numbers[float64](c, n)
	}
	return nil, fmt.Errorf("%w: unknown type %d", ErrMetadata, kind)
}

func numbers[T any](c *cursor, n int) (any, error) {
	var zero T
	hi, size := bits.Mul64(uint64(n), uint64(binary.Size(zero)))
	if hi != 0 {
		size = math.MaxUint64
	}
	b, err := c.take(size)
	if err != nil {
		return nil, err
	}
	v := make([]T, n)
	if _, err := binary.Decode(b, binary.LittleEndian, v); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	return v, nil
}

// info is where a tensor lies in its file.
type info struct {
	name   string
	shape  []int // outermost first
	kind   ggmlType
	offset int64 // in the file
	bytes  int64
}

// head is all of a file but its data.
type head struct {
	metadata *Metadata
	tensors  []info // in the order of the file
	data     int64  // where the descriptions end
}

// readHead reads and checks everything before the data.
func readHead(file *filemap.File) (*head, error) {
	c := &cursor{file: file}
	b, err := c.take(4)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMagic, err)
	}
	if string(b) != magic {
		return nil, fmt.Errorf("%w: it begins with %q", ErrMagic, b)
	}
	v, err := c.u32()
	if err != nil {
		return nil, err
	}
	switch {
	case v&0xffff == 0 && v != 0:
		return nil, fmt.Errorf("%w: version %d, the file is big-endian", ErrVersion, bits.ReverseBytes32(v))
	case v != 2 && v != version:
		return nil, fmt.Errorf("%w: version %d, known are 2 and %d", ErrVersion, v, version)
	}
	tensors, err := c.count(24) // name's length, count of extents, type, offset
	if err != nil {
		return nil, fmt.Errorf("number of tensors: %w", err)
	}
	pairs, err := c.count(13) // key's length, type, a byte
	if err != nil {
		return nil, fmt.Errorf("number of metadata pairs: %w", err)
	}
	h := &head{metadata: &Metadata{}}
	for i := range pairs {
		if err := c.pair(h.metadata); err != nil {
			return nil, fmt.Errorf("metadata pair %d: %w", i, err)
		}
	}
	seen := make(map[string]bool, tensors)
	for i := range tensors {
		t, err := c.info()
		if err != nil {
			return nil, fmt.Errorf("tensor %d %q: %w", i, t.name, err)
		}
		if seen[t.name] {
			return nil, fmt.Errorf("%w: name %q comes twice", ErrTensor, t.name)
		}
		seen[t.name] = true
		h.tensors = append(h.tensors, t)
	}
	h.data = c.off
	return h, h.place(c.off, file.Size())
}

func (c *cursor) pair(m *Metadata) error {
	key, err := c.str()
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if fault := checkKey(key, maxKey); fault != "" {
		return fmt.Errorf("%w: key %q %s", ErrMetadata, brief(key), fault)
	}
	if m.Has(key) {
		return fmt.Errorf("%w: key %q comes twice", ErrMetadata, key)
	}
	kind, err := c.u32()
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	value, err := c.value(kind)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	m.Set(key, value)
	return nil
}

// info reads one tensor's description; offset is still relative to the data.
func (c *cursor) info() (t info, err error) {
	if t.name, err = c.str(); err != nil {
		return t, err
	}
	if fault := checkKey(t.name, maxKey); fault != "" {
		return t, fmt.Errorf("%w: the name %s", ErrTensor, fault)
	}
	dims, err := c.u32()
	if err != nil {
		return t, err
	}
	if dims > maxDims {
		return t, fmt.Errorf("%w: %d extents, allowed are %d", ErrTensor, dims, maxDims)
	}
	t.shape = make([]int, dims)
	for i := range t.shape {
		n, err := c.u64()
		if err != nil {
			return t, err
		}
		if n > math.MaxInt {
			return t, fmt.Errorf("%w: an extent of %d", ErrTensor, n)
		}
		t.shape[len(t.shape)-1-i] = int(n)
	}
	kind, err := c.u32()
	if err != nil {
		return t, err
	}
	if kind >= uint32(len(ggmlTypes)) || ggmlTypes[kind].name == "" {
		return t, fmt.Errorf("%w %d, which ggml does not name", ErrType, kind)
	}
	t.kind = ggmlTypes[kind]
	if t.bytes, err = t.kind.size(t.shape); err != nil {
		return t, err
	}
	off, err := c.u64()
	if err != nil {
		return t, err
	}
	if off > math.MaxInt64 {
		return t, fmt.Errorf("%w: %d", ErrOffset, off)
	}
	t.offset = int64(off)
	return t, nil
}

// size returns the bytes of a tensor.
func (k ggmlType) size(shape []int) (int64, error) {
	row := 1
	if len(shape) > 0 {
		row = shape[len(shape)-1]
	}
	if row%k.elems != 0 {
		return 0, fmt.Errorf("%w: rows of %d elements in blocks of %d (%s)", ErrTensor, row, k.elems, k.name)
	}
	n := uint64(1)
	for _, d := range shape {
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > math.MaxInt64/uint64(k.bytes) {
			return 0, fmt.Errorf("%w: shape %v is too large", ErrTensor, shape)
		}
		n = lo
	}
	return int64(n) / int64(k.elems) * int64(k.bytes), nil
}

// place turns offsets into places in a file of size bytes whose descriptions end at
// end, and checks that they are aligned, within the file, and apart.
func (h *head) place(end, size int64) error {
	align, err := alignment(h.metadata)
	if err != nil {
		return err
	}
	data := (end + align - 1) &^ (align - 1)
	order := make([]*info, len(h.tensors))
	for i := range h.tensors {
		t := &h.tensors[i]
		order[i] = t
		switch {
		case t.offset%align != 0:
			return fmt.Errorf("tensor %q: %w: %d is not a multiple of %d", t.name, ErrOffset, t.offset, align)
		case data > size || t.offset > size-data || t.bytes > size-data-t.offset:
			return fmt.Errorf("tensor %q: %w: %d bytes at %d of the data, which has %d (is the download whole?)",
				t.name, ErrOffset, t.bytes, t.offset, max(size-data, 0))
		}
		t.offset += data
	}
	slices.SortFunc(order, func(a, b *info) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.bytes, b.bytes))
	})
	for i := 1; i < len(order); i++ {
		if a, b := order[i-1], order[i]; b.offset < a.offset+a.bytes {
			return fmt.Errorf("tensors %q and %q: %w: they overlap", a.name, b.name, ErrOffset)
		}
	}
	return nil
}

func alignment(m *Metadata) (int64, error) {
	n, err := get[uint32](m, alignmentKey)
	switch {
	case errors.Is(err, ErrNoKey):
		return Alignment, nil
	case err != nil:
		return 0, err
	case n == 0 || n&(n-1) != 0:
		return 0, fmt.Errorf("%w: %d is not a power of two", ErrAlignment, n)
	}
	return int64(n), nil
}

func (t *info) entry() (checkpoint.Entry, error) {
	if t.kind.dtype == 0 {
		return checkpoint.Entry{}, fmt.Errorf("tensor %q: %w %s; known are F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q4_K Q5_K Q6_K",
			t.name, ErrType, t.kind.name)
	}
	return checkpoint.Entry{Name: t.name, DType: t.kind.dtype, Shape: slices.Clone(t.shape)}, nil
}
