package decontaminate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/troikaml/troika/refine"
)

// maxText bounds the bytes of a text file.
const maxText = 16 << 20

// maxDepth bounds how deep the fields of an item may lie.
const maxDepth = 16

// Read returns the items of the files below the top of fsys: .jsonl with an
// object a line, .txt and .md with one item a file. The benchmark is the path
// without its ending. An object's texts are all its strings, at any depth, but
// for its id; its ID is the line, counted from 1. Other files and lines that
// cannot be read are failures, and the rest goes on; names that begin with "."
// or "_" are passed over. The error is for a folder that cannot be listed.
func Read(fsys fs.FS) ([]Item, refine.Failures, error) {
	var items []Item
	var failures refine.Failures
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch base := path.Base(p); {
		case err != nil:
			return fmt.Errorf("read benchmarks %s: %w", p, err)
		case p != "." && (base[0] == '.' || base[0] == '_'):
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.Type().IsRegular():
			more, bad := readFile(fsys, p)
			items, failures = append(items, more...), append(failures, bad...)
		}
		return nil
	})
	return items, failures, err
}

func readFile(fsys fs.FS, p string) ([]Item, refine.Failures) {
	fail := func(err error) ([]Item, refine.Failures) { return nil, refine.Failures{{Path: p, Err: err}} }
	f, err := fsys.Open(p)
	if err != nil {
		return fail(err)
	}
	defer f.Close() //nolint:errcheck // only read
	ext := path.Ext(p)
	benchmark := strings.TrimSuffix(p, ext)
	switch strings.ToLower(ext) {
	case ".jsonl":
		return readLines(f, p, benchmark)
	case ".txt", ".md":
		raw, err := io.ReadAll(io.LimitReader(f, maxText+1))
		if err != nil {
			return fail(err)
		}
		if len(raw) > maxText {
			return fail(fmt.Errorf("over %d bytes", maxText))
		}
		return []Item{{Benchmark: benchmark, ID: "1", Texts: []string{string(raw)}}}, nil
	}
	return fail(fmt.Errorf("files of kind %q hold no benchmarks: want .jsonl, .txt or .md", ext))
}

func readLines(r io.Reader, p, benchmark string) ([]Item, refine.Failures) {
	var items []Item
	var failures refine.Failures
	for line, err := range refine.Lines(r, refine.MaxLine) {
		if err == nil && len(bytes.TrimSpace(line.Bytes)) == 0 {
			continue
		}
		item := Item{Benchmark: benchmark, ID: fmt.Sprint(line.Number)}
		var object map[string]any
		if err == nil {
			err = refine.DecodeLine(line.Bytes, &object)
		}
		if err == nil {
			delete(object, "id")
			item.Texts, err = texts(nil, object, 0)
		}
		if err == nil && len(item.Texts) == 0 {
			err = errors.New("no text in it")
		}
		if err != nil {
			failures = append(failures, refine.Failure{Path: p, Line: line.Number, Err: err})
			continue
		}
		slices.Sort(item.Texts) // fields come in no order
		items = append(items, item)
	}
	return items, failures
}

// texts appends the strings in a JSON value.
func texts(dst []string, v any, depth int) ([]string, error) {
	if depth > maxDepth {
		return dst, fmt.Errorf("fields nested deeper than %d", maxDepth)
	}
	var err error
	switch v := v.(type) {
	case string:
		if v != "" {
			dst = append(dst, v)
		}
	case []any:
		for _, one := range v {
			if dst, err = texts(dst, one, depth+1); err != nil {
				return dst, err
			}
		}
	case map[string]any:
		for _, one := range v {
			if dst, err = texts(dst, one, depth+1); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}
