package adapter_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/modeltest"
)

var interop = flag.String("interop", "", "directory that testdata/interop.py has prepared")

// TestInterop opens adapters that PEFT made for every architecture, and writes
// adapters of ours, with the logits they give, for PEFT to open.
func TestInterop(t *testing.T) {
	if *interop == "" {
		t.Skip("-interop is not set: see testdata/interop.py")
	}
	theirs, err := filepath.Glob(filepath.Join(*interop, "peft", "*"))
	if err != nil || len(theirs) == 0 {
		t.Fatalf("no adapters below %s: %v", *interop, err)
	}
	for _, dir := range theirs {
		t.Run("peft/"+filepath.Base(dir), func(t *testing.T) { openTheirs(t, dir) })
	}
	for i, base := range bases(t) {
		for j, cfg := range []adapter.Config{
			{Rank: 5, Alpha: 8},
			{Rank: 3, Alpha: 4, RSLoRA: true, Dropout: 0.1, Targets: []string{"q_proj", "down_proj"}},
		} {
			name := fmt.Sprintf("%s-%s-%d", filepath.Base(filepath.Dir(filepath.Dir(base))), filepath.Base(base), j)
			t.Run("ours/"+name, func(t *testing.T) {
				writeOurs(t, base, filepath.Join(*interop, "ours", name), cfg, uint64(10*i+j))
			})
		}
	}
}

// bases lists the tiny checkpoints of all architectures.
func bases(t *testing.T) []string {
	t.Helper()
	configs, err := filepath.Glob("../model/*/testdata/*/config.json")
	if err != nil || len(configs) == 0 {
		t.Fatalf("no checkpoints: %v", err)
	}
	for i, c := range configs {
		configs[i] = filepath.Dir(c)
	}
	return configs
}

// loadBase loads a checkpoint on the device that users run.
func loadBase(t *testing.T, dir string) modeltest.Loaded {
	t.Helper()
	dev := cpu.New(cpu.Options{})
	t.Cleanup(dev.Close)
	m, free := modeltest.Load(t, all.Architectures(), dir, dev, false)
	t.Cleanup(free)
	return m
}

func openTheirs(t *testing.T, dir string) {
	base, err := adapter.Base(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := loadBase(t, filepath.Join("..", filepath.FromSlash(base)))
	x, err := adapter.Load(m.Device, m.Model, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Free()
	data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i, row := range adapted(t, m, x, g.IDs) {
		for j, v := range row {
			worst = max(worst, math.Abs(float64(v-g.Logits[i][j])))
		}
	}
	if !(worst <= modeltest.MaxError) {
		t.Errorf("logits differ from PEFT's by %g", worst)
	}
}

// adapted returns the logits of a sequence under an adapter.
func adapted(t *testing.T, m modeltest.Loaded, x *adapter.LoRA, ids []int32) [][]float32 {
	t.Helper()
	slot := adapter.NewSet(m.Model).Add(x)
	b := &model.Batch{}
	b.Sequence(ids, 0, nil)
	for range ids {
		b.AdapterSlots = append(b.AdapterSlots, slot)
	}
	return forward(t, m, b)
}

// writeOurs saves an adapter whose matrices are all drawn at random, as none is
// after training.
func writeOurs(t *testing.T, base, dir string, cfg adapter.Config, seed uint64) {
	m := loadBase(t, base)
	x, err := adapter.New(m.Device, m.Model, cfg, seed)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Free()
	for n, p := range x.Pairs() {
		b := make([]float32, p.B.Len())
		for i := range b {
			r := compute.Philox([2]uint32{uint32(seed)}, [4]uint32{uint32(i), uint32(n)})
			b[i] = (float32(r[0])/(1<<31) - 1) * 0.3
		}
		m.Device.WriteFloats(p.B, b)
	}
	name := strings.TrimPrefix(filepath.ToSlash(base), "../")
	if err := x.Save(dir, name); err != nil {
		t.Fatal(err)
	}
	var ids []int32
	for i := range int32(40) {
		ids = append(ids, (i*i*7+3*i+int32(seed))%61)
	}
	text, err := json.Marshal(golden{IDs: ids, Logits: adapted(t, m, x, ids)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "golden.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}
