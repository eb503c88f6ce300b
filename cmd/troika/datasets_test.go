package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/lineage"
	"github.com/troikaml/troika/store/disk"
	"github.com/troikaml/troika/store/sqlite"
)

// Files of conversations become a version of the home, which the adapter names as
// what it was made from.
func TestTuneKeepsItsDataset(t *testing.T) {
	dir := t.TempDir()
	home, file := filepath.Join(dir, "home"), filepath.Join(dir, "train.jsonl")
	text := `{"messages":[{"role":"user","content":"sky?"},{"role":"assistant","content":"blue"}]}
{"messages":[{"role":"user","content":"grass?"},{"role":"assistant","content":"green"}]}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Getenv: os.Getenv}
	args := []string{"tune", "--home", home, "--data", file, "--valid", file, "--name", "Colours", "--rank", "2", "--steps", "1"}
	if code := run(t.Context(), a, args); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(home, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	blobs, err := disk.Open(filepath.Join(home, blobsFolder))
	if err != nil {
		t.Fatal(err)
	}
	versions, err := dataset.OpenStore(t.Context(), db, blobs)
	if err != nil {
		t.Fatal(err)
	}
	v, err := versions.Open(t.Context(), "colours@1")
	if err != nil || len(v.Split(dataset.Train)) != 2 || len(v.Split(dataset.Validation)) != 2 {
		t.Fatalf("version: %+v, %v", v, err)
	}
	data, err := os.ReadFile(filepath.Join(home, adaptersFolder, "Colours", provenanceFile))
	if err != nil {
		t.Fatal(err)
	}
	var made provenance
	if err := json.Unmarshal(data, &made); err != nil || made.Dataset != v.Digest() {
		t.Errorf("the adapter was made from %s, %v; the version is %s", made.Dataset, err, v.Digest())
	}
	log, err := lineage.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if records, err := log.Of(t.Context(), v.Digest()); err != nil || len(records) != 1 {
		t.Errorf("lineage: %+v, %v", records, err)
	}
}
