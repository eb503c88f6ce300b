package tasks

import (
	"fmt"
	"io/fs"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/godoc"
	"github.com/troikaml/troika/tokenizer"
)

// ExcerptTokens is the length that documents are cut to.
const ExcerptTokens = 128

// Instructions that precede a document in an example.
const (
	GoInstruction     = "Which area of the Go standard library is this about?"
	FolderInstruction = "Which of the labels fits this document?"
)

// Options returns the recipe of both datasets for a tokenizer.
func Options(tok *tokenizer.Tokenizer) dataset.Options {
	return dataset.Options{
		MaxTokens: ExcerptTokens,
		Tokenizer: tok.Hash().String(),
		Count:     func(s string) (int, error) { return len(tok.EncodeOrdinary(s)), nil },
	}
}

// GoAreas builds the dataset of a Go source tree, GOROOT/src.
func GoAreas(src fs.FS, tok *tokenizer.Tokenizer) (*dataset.Version, error) {
	docs, err := godoc.Extract(src)
	if err != nil {
		return nil, fmt.Errorf("read Go's sources: %w", err)
	}
	return dataset.Build(docs, Options(tok))
}

// Folder builds the dataset of a folder per label. Documents that cannot be read
// are returned, and the rest is built.
func Folder(dir fs.FS, tok *tokenizer.Tokenizer) (*dataset.Version, refine.Failures, error) {
	docs, failures, err := refine.Folder(dir)
	if err != nil {
		return nil, nil, err
	}
	v, err := dataset.Build(docs, Options(tok))
	return v, failures, err
}
