package main

import (
	"context"
	"path/filepath"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/dataset"
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

// chats is a dataset version made of files of conversations.
type chats struct {
	version *dataset.Version
	// names tells for each split which line an example is from.
	names map[string][]string
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

// rendering is how examples become sequences: train.FromChat or train.FromPreference.
type rendering func(*bundle.Bundle, dataset.Example) ([]train.Sequence, error)

// encode renders a split of a version for a session's model: labelled texts as p
// asks for the label, conversations as they are, preferences as pairs. Faults are told by names, which
// has one for each example, or by the records' IDs where it is nil.
func (s *session) encode(v *dataset.Version, split string, p dataset.Prompt, names []string, render rendering) ([]train.Sequence, error) {
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
