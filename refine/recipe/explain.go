package recipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/troikaml/troika/refine"
)

// ErrNoDocument says that a run met no document of a name.
var ErrNoDocument = errors.New("no document of that name")

// maxDecision bounds a line of decisions.jsonl.
const maxDecision = 64 << 20

// Explain returns what a finished run in dir decided about the documents whose
// ID or source is name.
func Explain(dir, name string) ([]Decision, error) {
	f, err := os.Open(filepath.Join(dir, decisionsFile))
	if err != nil {
		return nil, fmt.Errorf("explain %s: %w", name, err)
	}
	defer f.Close() //nolint:errcheck // only read
	var out []Decision
	for line, err := range refine.Lines(f, maxDecision) {
		if err != nil {
			return nil, fmt.Errorf("explain %s: %s: line %d: %w", name, decisionsFile, line.Number, err)
		}
		var d Decision
		if err := json.Unmarshal(line.Bytes, &d); err != nil {
			return nil, fmt.Errorf("explain %s: %s: line %d: %w", name, decisionsFile, line.Number, err)
		}
		if d.ID == name || d.Source == name {
			out = append(out, d)
		}
	}
	if out == nil {
		return nil, fmt.Errorf("explain %s: %w in %s", name, ErrNoDocument, dir)
	}
	return out, nil
}
