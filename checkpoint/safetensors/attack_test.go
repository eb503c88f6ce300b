package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/attacks")

// file puts a header before n bytes of data.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

// one is a header with one tensor, whose description is body.
func one(body string) string { return `{"a":{` + body + `}}` }

func span8(name string, begin, end string) string {
	return `"` + name + `":{"dtype":"F32","shape":[2],"data_offsets":[` + begin + `,` + end + `]}`
}

// attacks lists broken files and the invariant each breaks. Their names are
// those of the files in testdata/attacks.
func attacks() map[string]struct {
	data []byte
	want error
} {
	type attack = struct {
		data []byte
		want error
	}
	const good = `"dtype":"F32","shape":[2],"data_offsets":[0,8]`
	return map[string]attack{
		"empty":                 {nil, ErrShort},
		"cut-in-length":         {[]byte{8, 0, 0}, ErrShort},
		"cut-in-header":         {file(one(good), 8)[:20], ErrShort},
		"cut-in-data":           {file(one(good), 7), ErrOffset},
		"header-zero":           {make([]byte, 16), ErrHeaderSize},
		"header-huge":           {bytes.Repeat([]byte{0xff}, 16), ErrHeaderSize},
		"header-over-cap":       {binary.LittleEndian.AppendUint64(nil, MaxHeader+1), ErrHeaderSize},
		"header-past-end":       {binary.LittleEndian.AppendUint64(nil, MaxHeader), ErrShort},
		"header-space-first":    {file(" {}", 0), ErrHeader},
		"header-array":          {file("[]", 0), ErrHeader},
		"header-not-utf8":       {file("{\"\xff\":{"+good+"}}", 8), ErrHeader},
		"header-unclosed":       {file(`{"a":{`+good+`}`, 8), ErrHeader},
		"header-rest":           {file(one(good)+"x", 8), ErrHeader},
		"header-zero-padded":    {file(one(good)+"\x00", 8), ErrHeader},
		"header-trailing-comma": {file(`{"a":{`+good+`},}`, 8), ErrHeader},
		"header-half-surrogate": {file(`{"\ud800":{`+good+`}}`, 8), ErrHeader},
		"header-bad-escape":     {file(`{"\q":{`+good+`}}`, 8), ErrHeader},
		"header-control":        {file("{\"\n\":{"+good+"}}", 8), ErrHeader},
		"header-cut-escape":     {file(`{"\`, 0), ErrHeader},
		"header-deep":           {file(`{"a":{"x":`+strings.Repeat("[", 1000), 0), ErrHeader},
		"header-bad-literal":    {file(one(good+`,"x":nul`), 8), ErrHeader},
		"tensor-null":           {file(`{"a":null}`, 0), ErrHeader},
		"tensor-empty-name":     {file(`{"":{`+good+`}}`, 8), ErrHeader},
		"metadata-number":       {file(`{"__metadata__":{"a":1}}`, 0), ErrHeader},
		"metadata-text":         {file(`{"__metadata__":"a"}`, 0), ErrHeader},
		"duplicate-tensor":      {file(`{`+span8("a", "0", "8")+`,`+span8("a", "8", "16")+`}`, 16), ErrDuplicate},
		"duplicate-escaped":     {file(`{`+span8("a", "0", "8")+`,`+span8(`\u0061`, "8", "16")+`}`, 16), ErrDuplicate},
		"duplicate-field":       {file(one(good+`,"shape":[4]`), 8), ErrDuplicate},
		"duplicate-metadata":    {file(`{"__metadata__":{},"__metadata__":{}}`, 0), ErrDuplicate},
		"duplicate-key":         {file(`{"__metadata__":{"k":"a","k":"b"}}`, 0), ErrDuplicate},
		"dtype-unknown":         {file(one(`"dtype":"F99","shape":[2],"data_offsets":[0,8]`), 8), ErrDType},
		"dtype-four-bits":       {file(one(`"dtype":"F4","shape":[16],"data_offsets":[0,8]`), 8), ErrDType},
		"dtype-number":          {file(one(`"dtype":1,"shape":[2],"data_offsets":[0,8]`), 8), ErrHeader},
		"dtype-missing":         {file(one(`"shape":[2],"data_offsets":[0,8]`), 8), ErrHeader},
		"shape-missing":         {file(one(`"dtype":"F32","data_offsets":[0,8]`), 8), ErrHeader},
		"shape-negative":        {file(one(`"dtype":"F32","shape":[-2],"data_offsets":[0,8]`), 8), ErrHeader},
		"shape-fraction":        {file(one(`"dtype":"F32","shape":[2.0],"data_offsets":[0,8]`), 8), ErrHeader},
		"shape-exponent":        {file(one(`"dtype":"F32","shape":[2e0],"data_offsets":[0,8]`), 8), ErrHeader},
		"shape-leading-zero":    {file(one(`"dtype":"F32","shape":[02],"data_offsets":[0,8]`), 8), ErrHeader},
		"shape-too-large":       {file(one(`"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]`), 8), ErrOverflow},
		"shape-overflow":        {file(one(`"dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,8]`), 8), ErrOverflow},
		"shape-wraps-to-fit":    {file(one(`"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]`), 8), ErrOverflow},
		"offsets-missing":       {file(one(`"dtype":"F32","shape":[2]`), 8), ErrHeader},
		"offsets-one":           {file(one(`"dtype":"F32","shape":[2],"data_offsets":[8]`), 8), ErrHeader},
		"offsets-three":         {file(one(`"dtype":"F32","shape":[2],"data_offsets":[0,8,8]`), 8), ErrHeader},
		"offsets-reversed":      {file(one(`"dtype":"F32","shape":[2],"data_offsets":[8,0]`), 8), ErrOffset},
		"offsets-past-end":      {file(one(`"dtype":"F32","shape":[4],"data_offsets":[0,16]`), 8), ErrOffset},
		"offsets-huge":          {file(one(`"dtype":"F32","shape":[2],"data_offsets":[9223372036854775799,9223372036854775807]`), 8), ErrOffset},
		"offsets-too-large":     {file(one(`"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551624]`), 8), ErrOverflow},
		"size-small":            {file(one(`"dtype":"F32","shape":[1],"data_offsets":[0,8]`), 8), ErrSize},
		"size-large":            {file(one(`"dtype":"F32","shape":[3],"data_offsets":[0,8]`), 8), ErrSize},
		"size-zero-extent":      {file(one(`"dtype":"F32","shape":[0,9],"data_offsets":[0,8]`), 8), ErrSize},
		"overlap-all":           {file(`{`+span8("a", "0", "8")+`,`+span8("b", "0", "8")+`}`, 8), ErrOverlap},
		"overlap-part":          {file(`{`+span8("a", "0", "8")+`,`+span8("b", "4", "12")+`}`, 12), ErrOverlap},
		"overlap-empty-inside":  {file(`{`+span8("a", "0", "8")+`,"b":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}`, 8), ErrOverlap},
		"gap-first":             {file(`{`+span8("a", "4", "12")+`}`, 12), ErrGap},
		"gap-between":           {file(`{`+span8("a", "0", "8")+`,`+span8("b", "12", "20")+`}`, 20), ErrGap},
		"trailing-byte":         {file(one(good), 9), ErrTrailing},
		"trailing-no-tensor":    {file("{}", 1), ErrTrailing},
	}
}

// TestAttacks opens each broken file both ways and expects its own error.
func TestAttacks(t *testing.T) {
	for name, a := range attacks() {
		path := filepath.Join("testdata", "attacks", name+".safetensors")
		if *update {
			if err := os.WriteFile(path, a.data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		stored, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(stored, a.data) {
			t.Errorf("%s is not what -update writes", path)
		}
		if _, err := OpenFile(path); !errors.Is(err, a.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("open %s: %v, want %v", name, err, a.want)
		}
		if _, err := NewReader(bytes.NewReader(a.data), int64(len(a.data))); !errors.Is(err, a.want) {
			t.Errorf("read %s: %v, want %v", name, err, a.want)
		}
	}
	files, err := filepath.Glob("testdata/attacks/*")
	if err != nil || len(files) != len(attacks()) {
		t.Errorf("%d files for %d attacks, %v", len(files), len(attacks()), err)
	}
}

// TestCutAnywhere cuts a good file at every length: no prefix may open.
func TestCutAnywhere(t *testing.T) {
	raw, err := os.ReadFile("testdata/all.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for n := range raw {
		if _, err := NewReader(bytes.NewReader(raw[:n]), int64(n)); err == nil {
			t.Errorf("a file cut to %d of %d bytes opened", n, len(raw))
		}
		if _, err := NewReader(bytes.NewReader(raw[:n]), int64(len(raw))); err == nil && n < int(8+binary.LittleEndian.Uint64(raw)) {
			t.Errorf("a file that ends at %d, in its header, opened", n)
		}
	}
	f, err := NewReader(bytes.NewReader(raw[:len(raw)-1]), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tensor("t.bool"); !errors.Is(err, ErrShort) {
		t.Errorf("a tensor that is cut: %v, want ErrShort", err)
	}
}
