package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"testing"

	"github.com/troikaml/troika/checkpoint"
)

// FuzzRead: whatever opens is valid JSON, covers the data exactly, and comes
// out the same when it is written and read again.
func FuzzRead(f *testing.F) {
	for _, a := range attacks() {
		f.Add(a.data)
	}
	raw, err := os.ReadFile("testdata/all.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		header := int(binary.LittleEndian.Uint64(data))
		if !json.Valid(data[8 : 8+header]) {
			t.Fatalf("opened a header that is not JSON: %q", data[8:8+header])
		}
		plan, err := checkpoint.Plan(r)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w, err := NewWriter(&out, plan, r.Metadata())
		if err != nil {
			t.Fatal(err)
		}
		if err := checkpoint.Copy(w, r); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, name := range r.Names() {
			a, err := r.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			b, err := again.Tensor(name)
			if err != nil || !bytes.Equal(a.Data, b.Data) {
				t.Fatalf("tensor %q changed: %v", name, err)
			}
			total += len(a.Data)
		}
		if total != len(data)-8-header {
			t.Fatalf("tensors hold %d of %d bytes", total, len(data)-8-header)
		}
	})
}

// FuzzIndex: an index that parses is valid JSON and names only plain files.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":1e9,"x":[true,null,{}]},"weight_map":{"a":"model-00001-of-00002.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"../x.safetensors"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		weights, err := parseIndex(data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("parsed what is not JSON: %q", data)
		}
		for name, file := range weights {
			if !plainName(file) {
				t.Fatalf("tensor %q in file %q", name, file)
			}
		}
	})
}
