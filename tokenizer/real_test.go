package tokenizer

import (
	"bufio"
	"encoding/binary"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var realDir = flag.String("real", "", "directory that testdata/interop.py has prepared")

// TestReal compares published tokenizers with Hugging Face on megabytes of
// text. It needs files that are not part of this repository; see
// testdata/interop.py.
func TestReal(t *testing.T) {
	if *realDir == "" {
		t.Skip("no -real directory")
	}
	docs := readDocuments(t, filepath.Join(*realDir, "documents.bin"))
	files, err := filepath.Glob(filepath.Join(*realDir, "*", "tokenizer.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no */tokenizer.json in %s: %v", *realDir, err)
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			tok, err := Load(f)
			if err != nil {
				t.Fatal(err)
			}
			g, err := os.Open(filepath.Join(dir, "golden.bin"))
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			compareReal(t, tok, docs, bufio.NewReader(g))
		})
	}
}

func compareReal(t *testing.T, tok *Tokenizer, docs []string, g io.Reader) {
	t.Helper()
	bad, total := 0, 0
	for _, doc := range docs {
		want := make([]int32, readUint32(t, g))
		if err := binary.Read(g, binary.LittleEndian, want); err != nil {
			t.Fatal(err)
		}
		decoded := make([]byte, readUint32(t, g))
		if _, err := io.ReadFull(g, decoded); err != nil {
			t.Fatal(err)
		}
		total += len(want)
		have := tok.Encode(doc, true)
		if !slices.Equal(have, want) {
			if bad++; bad <= 5 {
				t.Errorf("%.200q:\nhave %v\nwant %v", doc, have[:min(60, len(have))], want[:min(60, len(want))])
			}
		} else if text := tok.Decode(want, false); text != string(decoded) {
			if bad++; bad <= 5 {
				t.Errorf("decode:\nhave %.300q\nwant %.300q", text, decoded)
			}
		}
	}
	t.Logf("%d documents, %d ids, %d documents differ", len(docs), total, bad)
}

func readUint32(t *testing.T, r io.Reader) uint32 {
	t.Helper()
	var n uint32
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func readDocuments(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var docs []string
	for len(b) >= 4 {
		n := binary.LittleEndian.Uint32(b)
		docs = append(docs, string(b[4:4+n]))
		b = b[4+n:]
	}
	return docs
}
