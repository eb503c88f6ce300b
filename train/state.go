package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// stateFile holds the parameters, the optimizer's moments and, in its metadata,
// the place in the run. One file, replaced atomically, is always whole.
const stateFile = "state.safetensors"

// metaKey is the metadata entry that holds a place as JSON.
const metaKey = "troika.train"

// place is where a run stands.
type place struct {
	Step   int           `json:"step"` // completed optimizer steps
	Steps  int           `json:"steps"`
	Cursor cursor        `json:"cursor"`
	Micro  uint64        `json:"micro"` // completed micro-batches
	Run    troika.Digest `json:"run"`   // of recipe, base and data
}

// save writes the state of a run to dir.
func save(dev compute.Device, dir string, params []parameter, at place) error {
	meta, err := json.Marshal(at)
	if err != nil {
		return fmt.Errorf("save training state: %w", err)
	}
	tensors := map[string]tensor.Tensor{}
	put := func(name string, t *compute.Tensor) {
		tensors[name] = tensor.FromFloat32s(compute.Floats(dev, t), t.Shape...)
	}
	for _, p := range params {
		put("param."+p.Name, p.Tensor)
		put("m."+p.Name, p.m)
		put("v."+p.Name, p.v)
	}
	mem, err := checkpoint.NewMemory(tensors, map[string]string{metaKey: string(meta)})
	if err != nil {
		return fmt.Errorf("save training state: %w", err)
	}
	if err := safetensors.Save(filepath.Join(dir, stateFile), mem); err != nil {
		return fmt.Errorf("save training state: %w", err)
	}
	return nil
}

// restore fills params from dir. It returns false when there is no state.
func restore(dev compute.Device, dir string, params []parameter, run troika.Digest) (at place, found bool, err error) {
	path := filepath.Join(dir, stateFile)
	file, err := safetensors.OpenFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return place{}, false, nil
	}
	if err != nil {
		return place{}, false, fmt.Errorf("resume: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	if err := json.Unmarshal([]byte(file.Metadata()[metaKey]), &at); err != nil {
		return place{}, false, fmt.Errorf("resume %s: %w", path, err)
	}
	if at.Run != run {
		return place{}, false, fmt.Errorf("resume %s: the saved run has another recipe, base model or data; "+
			"start in a new directory, or remove this one", path)
	}
	get := func(name string, t *compute.Tensor) error {
		x, err := file.Tensor(name)
		if err != nil {
			return err
		}
		v, err := x.Float32s()
		if err != nil {
			return err
		}
		if len(v) != t.Len() {
			return fmt.Errorf("tensor %s has %d values, want %d", name, len(v), t.Len())
		}
		dev.WriteFloats(t, v)
		return nil
	}
	for _, p := range params {
		err := errors.Join(get("param."+p.Name, p.Tensor), get("m."+p.Name, p.m), get("v."+p.Name, p.v))
		if err != nil {
			return place{}, false, fmt.Errorf("resume %s: %w", path, err)
		}
	}
	return at, true, nil
}

// metricsFile has one line for each step.
const metricsFile = "metrics.jsonl"

// trimMetrics drops the lines of steps after the given one, which a killed run may
// have written before its state.
func trimMetrics(dir string, step int) error {
	path := filepath.Join(dir, metricsFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("trim metrics: %w", err)
	}
	keep := 0
	for at := 0; at < len(data); {
		end := at
		for end < len(data) && data[end] != '\n' {
			end++
		}
		var p Progress
		if end == len(data) || json.Unmarshal(data[at:end], &p) != nil || p.Step > step {
			break
		}
		at = end + 1
		keep = at
	}
	if err := os.Truncate(path, int64(keep)); err != nil {
		return fmt.Errorf("trim metrics: %w", err)
	}
	return nil
}
