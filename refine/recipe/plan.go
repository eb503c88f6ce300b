package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/refine/source"
)

// taskBytes is the size at which a group of files is a task of its own.
const taskBytes = 16 << 20

// input is one file to read.
type input struct {
	// Name is the path within what was asked for, with slashes: the source of
	// its documents.
	Name string
	// Path is where the file lies.
	Path string
	Size int64
	// Modified is its time in nanoseconds since 1970.
	Modified int64
	// Problem says why the file could not be listed.
	Problem string `json:",omitempty"`
}

// plan is what a run does, kept beside its state so that a resumed run does the
// same.
type plan struct {
	// Format is the wireFormat of the chunks.
	Format int
	Recipe troika.Digest
	Inputs []input
	// ChunkBytes is the size of the raw items in a chunk.
	ChunkBytes int64
}

// findInputs lists the files of all inputs in their order. An argument that is
// not there is an error; what cannot be listed within a folder stays in the
// list with the reason.
func findInputs(ctx context.Context, args []string) ([]input, error) {
	for _, arg := range args {
		if _, err := os.Stat(arg); err != nil {
			return nil, fmt.Errorf("find inputs: %w", err)
		}
	}
	var out []input
	for f, err := range source.List(ctx, args, source.Options{}) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			it := failed("", err)
			out = append(out, input{Name: it.fail.Source, Problem: it.fail.Error})
			continue
		}
		path, err := filepath.Abs(f.Path)
		if err != nil {
			return nil, fmt.Errorf("find inputs: %w", err)
		}
		out = append(out, input{Name: f.Name, Path: path, Size: f.Size, Modified: f.ModTime.UnixNano()})
	}
	return out, nil
}

// tasks groups consecutive inputs: [from, to) of each.
func (p *plan) tasks() [][2]int {
	var out [][2]int
	from := 0
	var size int64
	for i, in := range p.Inputs {
		// A file counts for something even when it is empty.
		cost := in.Size + 4<<10
		if i > from && size+cost > taskBytes {
			out = append(out, [2]int{from, i})
			from, size = i, 0
		}
		size += cost
	}
	if from < len(p.Inputs) {
		out = append(out, [2]int{from, len(p.Inputs)})
	}
	return out
}

func (p *plan) bytes() int64 {
	var n int64
	for _, in := range p.Inputs {
		n += in.Size
	}
	return n
}

// ErrOtherRun says that the folder holds the state of a run with another recipe,
// other inputs or another form of state.
var ErrOtherRun = errors.New("the folder holds another unfinished run")

// resume returns the plan that is kept in name if it is this one, or keeps this
// one if there is none.
func (p *plan) resume(name string) (*plan, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		b, err = json.Marshal(p)
		if err != nil {
			return nil, err
		}
		return p, fsx.WriteFile(name, b, 0o644)
	}
	if err != nil {
		return nil, err
	}
	var old plan
	if err := json.Unmarshal(b, &old); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if old.Format != p.Format {
		return nil, fmt.Errorf("%w, of another version of this program: remove %s", ErrOtherRun, filepath.Dir(name))
	}
	if old.Recipe != p.Recipe || !slices.Equal(old.Inputs, p.Inputs) {
		return nil, fmt.Errorf("%w, with another recipe or other inputs: finish it, or remove %s", ErrOtherRun, filepath.Dir(name))
	}
	return &old, nil
}
