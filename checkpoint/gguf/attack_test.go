package gguf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"reflect"
	"testing"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/gguf"
)

// raw builds broken files piece by piece.
type raw []byte

func (r raw) u32(v ...uint32) raw {
	for _, x := range v {
		r = binary.LittleEndian.AppendUint32(r, x)
	}
	return r
}

func (r raw) u64(v ...uint64) raw {
	for _, x := range v {
		r = binary.LittleEndian.AppendUint64(r, x)
	}
	return r
}

func (r raw) str(s string) raw { return append(r.u64(uint64(len(s))), s...) }

func (r raw) pad() raw { return append(r, make([]byte, -len(r)&31)...) }

func header(tensors, pairs uint64) raw { return raw("GGUF").u32(3).u64(tensors, pairs) }

// tensor appends a description: extents are innermost first.
func (r raw) tensor(name string, kind uint32, offset uint64, extents ...uint64) raw {
	return r.str(name).u32(uint32(len(extents))).u64(extents...).u32(kind).u64(offset)
}

type attack struct {
	data []byte
	want error
}

func attacks() map[string]attack {
	block := make([]byte, 64)
	nested := header(0, 1).str("k").u32(9)
	for range 100 {
		nested = nested.u32(9).u64(1)
	}
	return map[string]attack{
		"empty":             {nil, gguf.ErrMagic},
		"other magic":       {raw("GGML").u32(3).u64(0, 0), gguf.ErrMagic},
		"cut in header":     {header(0, 0)[:10], gguf.ErrShort},
		"version 1":         {raw("GGUF").u32(1).u64(0, 0), gguf.ErrVersion},
		"version 4":         {raw("GGUF").u32(4).u64(0, 0), gguf.ErrVersion},
		"big-endian":        {raw("GGUF\x00\x00\x00\x03").u64(0, 0), gguf.ErrVersion},
		"many tensors":      {header(math.MaxUint64, 0), gguf.ErrShort},
		"many pairs":        {header(0, 1<<40), gguf.ErrShort},
		"long key":          {header(0, 1).u64(math.MaxUint64).pad(), gguf.ErrShort},
		"empty key":         {header(0, 1).str("").u32(0).pad(), gguf.ErrMetadata},
		"key not UTF-8":     {header(0, 1).str("\xff").u32(0).pad(), gguf.ErrMetadata},
		"repeated key":      {header(0, 2).str("k").u32(4, 7).str("k").u32(4, 7), gguf.ErrMetadata},
		"unknown type":      {header(0, 1).str("k").u32(13).pad(), gguf.ErrMetadata},
		"cut value":         {append(header(0, 1).str("k").u32(10), 1, 2, 3, 4), gguf.ErrShort},
		"long array":        {header(0, 1).str("k").u32(9, 5).u64(1 << 60), gguf.ErrShort},
		"overflowing array": {header(0, 1).str("k").u32(9, 10).u64(1 << 61).pad(), gguf.ErrShort},
		"long strings":      {header(0, 1).str("k").u32(9, 8).u64(1).u64(1 << 50).pad(), gguf.ErrShort},
		"array of unknown":  {header(0, 1).str("k").u32(9, 99).u64(0).pad(), gguf.ErrMetadata},
		"deep nesting":      {nested, gguf.ErrMetadata},
		"alignment 0":       {header(0, 1).str("general.alignment").u32(4, 0), gguf.ErrAlignment},
		"alignment 48":      {header(0, 1).str("general.alignment").u32(4, 48), gguf.ErrAlignment},
		"alignment text":    {header(0, 1).str("general.alignment").u32(8).str("32"), gguf.ErrMetadata},
		"five extents":      {header(1, 0).tensor("t", 0, 0, 1, 1, 1, 1, 1).pad(), gguf.ErrTensor},
		"many extents":      {header(1, 0).str("t").u32(math.MaxUint32).pad(), gguf.ErrTensor},
		"negative extent":   {header(1, 0).tensor("t", 0, 0, 1<<63).pad(), gguf.ErrTensor},
		"overflowing shape": {header(1, 0).tensor("t", 0, 0, 1<<32, 1<<32).pad(), gguf.ErrTensor},
		"overflowing bytes": {header(1, 0).tensor("t", 28, 0, 1<<61).pad(), gguf.ErrTensor},
		"part of a block":   {append(header(1, 0).tensor("t", 12, 0, 32).pad(), block...), gguf.ErrTensor},
		"a scalar of Q8_0":  {append(header(1, 0).tensor("t", 8, 0).pad(), block...), gguf.ErrTensor},
		"type 99":           {append(header(1, 0).tensor("t", 99, 0, 1).pad(), block...), gguf.ErrType},
		"withdrawn type":    {append(header(1, 0).tensor("t", 4, 0, 32).pad(), block...), gguf.ErrType},
		"empty name":        {append(header(1, 0).tensor("", 0, 0, 1).pad(), block...), gguf.ErrTensor},
		"repeated name":     {append(header(2, 0).tensor("t", 0, 0, 1).tensor("t", 0, 32, 1).pad(), block...), gguf.ErrTensor},
		"past the end":      {append(header(1, 0).tensor("t", 0, 32, 9).pad(), block...), gguf.ErrOffset},
		"far offset":        {append(header(1, 0).tensor("t", 0, 1<<62, 1).pad(), block...), gguf.ErrOffset},
		"negative offset":   {append(header(1, 0).tensor("t", 0, 1<<63, 1).pad(), block...), gguf.ErrOffset},
		"not aligned":       {append(header(1, 0).tensor("t", 0, 4, 1).pad(), block...), gguf.ErrOffset},
		"overlap":           {append(header(2, 0).tensor("t", 0, 0, 9).tensor("u", 0, 32, 1).pad(), block...), gguf.ErrOffset},
		"no data":           {header(1, 0).tensor("t", 0, 0, 1), gguf.ErrOffset},
	}
}

func TestAttacks(t *testing.T) {
	for name, a := range attacks() {
		_, err := gguf.NewReader(bytes.NewReader(a.data), int64(len(a.data)))
		if !errors.Is(err, a.want) {
			t.Errorf("%s: %v, want %v", name, err, a.want)
		}
	}
	// The pieces make a sound file when they are put together soundly.
	good := append(header(2, 1).str("general.alignment").u32(4, 64).tensor("t", 0, 0, 9).tensor("u", 8, 64, 32), make([]byte, 256)...)
	if _, err := gguf.NewReader(bytes.NewReader(good), int64(len(good))); err != nil {
		t.Error(err)
	}
}

// Every cut of a sound file is refused, or leaves its tensors whole.
func TestCut(t *testing.T) {
	data, err := os.ReadFile("testdata/reference.gguf")
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for n := range data {
		if _, err := gguf.NewReader(bytes.NewReader(data[:n]), int64(n)); err == nil {
			opened++
		}
	}
	if opened > 31 { // padding after the last tensor
		t.Errorf("%d cuts opened", opened)
	}
}

// FuzzRead: whatever opens can be read, and comes out the same when it is written
// and read again.
func FuzzRead(f *testing.F) {
	for _, a := range attacks() {
		f.Add(a.data)
	}
	for _, path := range []string{"testdata/reference.gguf", "testdata/split-00001-of-00003.gguf"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := gguf.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		plan, err := checkpoint.Plan(r)
		if err != nil {
			if !errors.Is(err, gguf.ErrType) {
				t.Fatal(err)
			}
			return
		}
		for _, e := range plan {
			if len(e.Name) > 63 {
				return // read, and not written
			}
		}
		var out bytes.Buffer
		w, err := gguf.NewWriter(&out, plan, r.KV())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(checkpoint.Copy(w, r), w.Close()); err != nil {
			t.Fatal(err)
		}
		again, err := gguf.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if a, b := r.KV().Keys(), again.KV().Keys(); !reflect.DeepEqual(a, b) {
			t.Fatalf("keys %q became %q", a, b)
		}
		for _, e := range plan {
			a, err := r.Tensor(e.Name)
			if err != nil {
				t.Fatal(err)
			}
			b, err := again.Tensor(e.Name)
			if err != nil || !bytes.Equal(a.Data, b.Data) {
				t.Fatalf("tensor %q changed: %v", e.Name, err)
			}
		}
	})
}
