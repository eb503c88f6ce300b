package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/cmd/internal/tasks"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/disk"
	"github.com/troikaml/troika/store/sqlite"
	"github.com/troikaml/troika/train"
)

// blobsFolder of --home holds the shards and manifests of datasets by digest.
const blobsFolder = "blobs"

// addVersion keeps a version under a name in a home folder, with its lineage.
func addVersion(ctx context.Context, home, name string, v *dataset.Version) error {
	return withDatasets(ctx, home, func(versions *dataset.Store) error {
		_, err := versions.Add(ctx, name, v)
		return err
	})
}

// withDatasets opens the datasets of a home folder.
func withDatasets(ctx context.Context, home string, do func(*dataset.Store) error) error {
	db, err := sqlite.Open(ctx, filepath.Join(home, databaseFile))
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // every write was committed
	blobs, err := disk.Open(filepath.Join(home, blobsFolder))
	if err != nil {
		return err
	}
	versions, err := dataset.OpenStore(ctx, db, blobs)
	if err != nil {
		return err
	}
	return do(versions)
}

// chats is a dataset version whose splits are files of conversations, or one of --home.
type chats struct {
	version *dataset.Version
	// names tells for each split which line an example is from; nil where the records'
	// IDs do.
	names map[string][]string
	// kept says that the version stands in --home under a name of its own.
	kept bool
}

// readChats reads a file of conversations for each split; "" leaves a split empty.
func readChats(files map[string]string) (*chats, error) {
	c := &chats{names: map[string][]string{}}
	splits := map[string][]dataset.Example{}
	for _, split := range dataset.Splits() {
		if files[split] == "" {
			continue
		}
		examples, _, err := readChat(files[split])
		if err != nil {
			return nil, err
		}
		splits[split] = examples
		for _, e := range examples {
			c.names[split] = append(c.names[split], e.Name)
		}
	}
	var err error
	c.version, err = dataset.FromChats(splits)
	return c, err
}

// heldTo refuses answers and labels outside a set, each by the line or record that it
// stands in.
func (c *chats) heldTo(labels []string) error {
	var outside refine.Failures
	for _, split := range []string{dataset.Train, dataset.Validation} {
		examples, err := c.version.Examples(split, dataset.Prompt{})
		if err != nil {
			return err
		}
		for i, e := range examples {
			if names := c.names[split]; names != nil {
				e.Name = names[i]
			}
			answer := strings.TrimSpace(e.Messages[len(e.Messages)-1].Content)
			if !slices.Contains(labels, answer) {
				err := fmt.Errorf("the answer %.80q is not one of those that were declared: %s", answer, strings.Join(labels, ", "))
				outside = append(outside, refine.Failure{Path: e.Name, Err: err})
			}
		}
	}
	return outside.Err()
}

// isFile reports whether what --data names is a file. A dataset whose name a file has,
// too, is meant by its number.
func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}

// givenVersion returns the dataset that --data names where it names no file: a folder as
// troika data add takes it, or a version of --home. kept says that it is the latter.
func (a *app) givenVersion(ctx context.Context, name string) (v *dataset.Version, kept bool, err error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		v, err := a.folderVersion(ctx, name)
		return v, false, err
	}
	err = a.withDatasets(ctx, func(datasets *dataset.Store) error {
		v, err = datasets.Open(ctx, name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("--data %s is no file, no folder and no dataset: troika data list shows these", name)
	}
	return v, true, err
}

// folderVersion makes a version of a folder.
func (a *app) folderVersion(ctx context.Context, dir string) (*dataset.Version, error) {
	m, err := dataset.Read(ctx, os.DirFS(dir), ".", dataset.ReadOptions{Name: filepath.Base(filepath.Clean(dir)), Parquet: parquetRows})
	if err != nil {
		return nil, err
	}
	for _, f := range m.Failures {
		a.Log.Warn("document left out", "reason", f.Error())
	}
	if v := m.Whole(); v != nil {
		return v, nil
	}
	return m.Build(m.Card, dataset.Options{Workers: a.Threads})
}

// asked returns how the labels of a version are asked for: as instruction says, or in
// the words of the quickstart. Of conversations nothing is asked.
func asked(v *dataset.Version, instruction string) dataset.Prompt {
	switch {
	case len(v.Labels()) == 0:
		return dataset.Prompt{}
	case instruction == "":
		instruction = tasks.FolderInstruction
	}
	return dataset.Prompt{Instruction: instruction}
}

// plain reports whether a version has texts alone, without a question or a label: they
// are learned as they are.
func plain(v *dataset.Version) bool {
	if len(v.Labels()) > 0 {
		return false
	}
	for _, split := range dataset.Splits() {
		if records := v.Split(split); len(records) > 0 {
			return records[0].Messages == nil // as all others
		}
	}
	return false
}

// answered refuses texts without labels: they ask nothing.
func answered(v *dataset.Version, split string) error {
	for _, r := range v.Split(split) {
		if r.Messages == nil && r.Label == "" {
			return fmt.Errorf("record %s: a text without a label, to which there is no answer", r.ID)
		}
	}
	return nil
}

// rendering is how examples become sequences: train.FromChat or train.FromPreference.
type rendering func(*bundle.Bundle, dataset.Example) ([]train.Sequence, error)

// encode renders a split of a version for a session's model: labelled texts as p
// asks for the label, conversations and texts as they are, preferences as pairs. Faults
// are told by names, which has one for each example, or by the records' IDs where it is
// nil.
func (s *session) encode(v *dataset.Version, split string, p dataset.Prompt, names []string, render rendering) ([]train.Sequence, error) {
	if plain(v) {
		var out []train.Sequence
		for _, r := range v.Split(split) {
			out = append(out, s.whole(r.Text, r.ID)...)
		}
		return out, nil
	}
	examples, err := v.Examples(split, p)
	if err != nil {
		return nil, err
	}
	var out []train.Sequence
	for i, e := range examples {
		if names != nil {
			e.Name = names[i]
		}
		seqs, err := render(s.bundle, e)
		if err != nil {
			return nil, err
		}
		out = append(out, seqs...)
	}
	return out, nil
}

// whole returns a text as a model learns to write it: to its end, and in pieces where it
// is longer than the context.
func (s *session) whole(text, name string) []train.Sequence {
	tokens := s.bundle.Tokenizer.EncodeOrdinary(text)
	if end := s.bundle.Generation.EOS; len(end) > 0 {
		tokens = append(tokens, end[0])
	}
	return train.Labelled(tokens, name).Pieces(s.context())
}
