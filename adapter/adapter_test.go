package adapter_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/model/qwen3"
	"github.com/troikaml/troika/tensor"
)

const base = "../model/qwen3/testdata/tied"

func load(t testing.TB) modeltest.Loaded {
	t.Helper()
	m, free := modeltest.Load(t, []model.Architecture{qwen3.Architecture}, base, ref.New(), false)
	t.Cleanup(free)
	return m
}

func ExampleConfig_Scale() {
	fmt.Println(adapter.Config{Rank: 16, Alpha: 32}.Scale())
	fmt.Println(adapter.Config{Rank: 16, Alpha: 32, RSLoRA: true}.Scale())
	// Output:
	// 2
	// 8
}

type golden struct {
	IDs    []int32     `json:"ids"`
	Logits [][]float32 `json:"logits"`
}

func forward(t *testing.T, m modeltest.Loaded, b *model.Batch) [][]float32 {
	t.Helper()
	free, err := b.Upload(m.Device)
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	o := compute.NewEager(m.Device)
	defer o.Close()
	y := m.Logits(o, b, m.Forward(o, b, nil))
	return slices.Collect(slices.Chunk(compute.Floats(m.Device, y), y.Shape[1]))
}

func read(t *testing.T, name string) golden {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// Adapters made by PEFT give the logits that PEFT computes, alone and beside each
// other in one batch, and survive a round trip through our files.
func TestPEFT(t *testing.T) {
	m := load(t)
	set := adapter.NewSet(m.Model)
	names := []string{"all", "qv"}
	b := &model.Batch{AdapterSlots: []int32{}}
	var alone [][]float32
	for _, name := range names {
		x, err := adapter.Load(m.Device, m.Model, filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer x.Free()
		g := read(t, name)
		slot := set.Add(x)
		one := &model.Batch{}
		one.Sequence(g.IDs, 0, nil)
		one.AdapterSlots = slices.Repeat([]int32{slot}, len(g.IDs))
		got := forward(t, m, one)
		for i, row := range g.Logits {
			for j, want := range row {
				if d := got[i][j] - want; d > 1e-4 || d < -1e-4 {
					t.Fatalf("%s: logit %d of row %d is %g, PEFT has %g", name, j, i, got[i][j], want)
				}
			}
		}
		alone = append(alone, got...)
		b.Sequence(g.IDs, 0, nil)
		b.AdapterSlots = append(b.AdapterSlots, one.AdapterSlots...)

		dir := t.TempDir()
		if err := x.Save(dir, base); err != nil {
			t.Fatal(err)
		}
		// PEFT takes no null for its patterns.
		config, err := os.ReadFile(filepath.Join(dir, adapter.ConfigFile))
		if err != nil || strings.Contains(string(config), "null") {
			t.Fatalf("%s: %s, %v", adapter.ConfigFile, config, err)
		}
		back, err := adapter.Load(m.Device, m.Model, dir)
		if err != nil {
			t.Fatal(err)
		}
		defer back.Free()
		want := x.Tensors()
		for n, v := range back.Tensors() {
			if !slices.Equal(v.Data, want[n].Data) {
				t.Fatalf("%s: %s changed in a round trip", name, n)
			}
		}
	}
	plain := read(t, "all").IDs
	one := &model.Batch{}
	one.Sequence(plain, 0, nil)
	one.AdapterSlots = slices.Repeat([]int32{nn.NoAdapter}, len(plain))
	alone = append(alone, forward(t, m, one)...)
	b.Sequence(plain, 0, nil)
	b.AdapterSlots = append(b.AdapterSlots, one.AdapterSlots...)
	got := forward(t, m, b)
	for i := range alone {
		if !slices.Equal(got[i], alone[i]) {
			t.Fatalf("row %d changed its bits when two adapters and the base shared a batch", i)
		}
	}
}

// A frozen adapter answers with the bits of the one that training holds, whatever
// the scale, and gives its memory back.
func TestFrozenBits(t *testing.T) {
	dev := cpu.New(cpu.Options{Threads: 2})
	defer dev.Close()
	m, free := modeltest.Load(t, []model.Architecture{qwen3.Architecture}, base, dev, false)
	defer free()
	set := adapter.NewSet(m.Model)
	weights := dev.Stats().Weights
	ids := read(t, "all").IDs
	for _, c := range []adapter.Config{{Rank: 16, Alpha: 32}, {Rank: 3, Alpha: 10}, {Rank: 5, Alpha: 7, RSLoRA: true}} {
		x, err := adapter.New(dev, m.Model, c, 7)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range x.Pairs() { // B of a fresh adapter is zero
			b := make([]float32, p.B.Len())
			for j := range b {
				b[j] = float32(math.Sin(float64(31*i+j))) / 8
			}
			dev.WriteFloats(p.B, b)
		}
		before := dev.Stats().Weights
		f, err := x.Freeze()
		if err != nil {
			t.Fatal(err)
		}
		if took := dev.Stats().Weights - before; f.Bytes() != took {
			t.Errorf("a frozen adapter of %d bytes took %d", f.Bytes(), took)
		}
		b := &model.Batch{}
		var slots []int32
		for _, a := range []adapter.Adapter{x, f, x} {
			b.Sequence(ids, 0, nil)
			slots = append(slots, set.Add(a))
			b.AdapterSlots = append(b.AdapterSlots, slices.Repeat(slots[len(slots)-1:], len(ids))...)
		}
		got := forward(t, m, b)
		one := &model.Batch{}
		one.Sequence(ids[:1], 0, nil)
		one.AdapterSlots = slots[1:2]
		if !slices.Equal(forward(t, m, one)[0], got[0]) {
			t.Errorf("%+v: one row alone differs from the batch", c)
		}
		for i := range ids {
			if !slices.Equal(got[i], got[len(ids)+i]) {
				t.Fatalf("%+v: row %d of the frozen adapter differs", c, i)
			}
		}
		for _, slot := range slots {
			set.Remove(slot)
		}
		x.Free()
		f.Free()
	}
	if now := dev.Stats().Weights; now != weights {
		t.Errorf("%d bytes of weights are left, %d before", now, weights)
	}
}

func TestNewChangesNothing(t *testing.T) {
	m := load(t)
	ids := read(t, "all").IDs
	b := &model.Batch{}
	b.Sequence(ids, 0, nil)
	want := forward(t, m, b)
	x, err := adapter.New(m.Device, m.Model, adapter.Config{Rank: 2, Alpha: 4}, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Free()
	adapter.NewSet(m.Model).Add(x)
	b = &model.Batch{}
	b.Sequence(ids, 0, nil)
	for i, row := range forward(t, m, b) {
		if !slices.Equal(row, want[i]) {
			t.Fatal("a fresh adapter changed the logits")
		}
	}
}

func TestBadAdapters(t *testing.T) {
	m := load(t)
	for _, c := range []struct{ old, new, want string }{
		{`"peft_type": "LORA"`, `"peft_type": "IA3"`, "IA3"},
		{`"use_dora": false`, `"use_dora": true`, "use_dora"},
		{`"r": 4`, `"r": 5`, "has shape [4 32], want [5 32]"},
		{`"r": 4`, `"r": -1`, "rank is -1"},
		{`{`, `[`, "adapter_config.json"},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("testdata/all")); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, adapter.ConfigFile)
		config, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(config), c.old) {
			t.Fatalf("the fixture has no %s", c.old)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(config), c.old, c.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := adapter.Load(m.Device, m.Model, dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.new, err, c.want)
		}
	}
	if _, err := adapter.New(m.Device, m.Model, adapter.Config{Rank: 2, Alpha: 4, Targets: []string{"w1"}}, 0); err == nil {
		t.Error("a target that matches nothing was accepted")
	}
}

// What 16 bits hold exactly takes 16 bits, and answers with the same bits.
func TestFrozenNarrow(t *testing.T) {
	dev := cpu.New(cpu.Options{Threads: 1})
	defer dev.Close()
	m, free := modeltest.Load(t, []model.Architecture{qwen3.Architecture}, base, dev, false)
	defer free()
	bytes := func(round func(float32) float32) int64 {
		x, err := adapter.New(dev, m.Model, adapter.Config{Rank: 32, Alpha: 64}, 7)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Free()
		for _, p := range x.Pairs() {
			for _, w := range []*compute.Tensor{p.A, p.B} {
				v := compute.Floats(dev, w)
				for j := range v {
					v[j] = round(v[j] + float32(math.Sin(float64(j)))/8)
				}
				dev.WriteFloats(w, v)
			}
		}
		f, err := x.Freeze()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Free()
		set := adapter.NewSet(m.Model)
		ids := read(t, "all").IDs
		b := &model.Batch{}
		for _, a := range []adapter.Adapter{x, f} {
			b.Sequence(ids, 0, nil)
			b.AdapterSlots = append(b.AdapterSlots, slices.Repeat([]int32{set.Add(a)}, len(ids))...)
		}
		got := forward(t, m, b)
		for i := range ids {
			if !slices.Equal(got[i], got[len(ids)+i]) {
				t.Fatalf("row %d changed its bits", i)
			}
		}
		return f.Bytes()
	}
	whole := bytes(func(v float32) float32 { return v })
	half := bytes(func(v float32) float32 { return tensor.F16ToF32(tensor.F32ToF16(v)) })
	brain := bytes(func(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ 0xffff) })
	if half*4 > whole*3 || brain != half {
		t.Errorf("%d bytes in full, %d in F16, %d in BF16", whole, half, brain)
	}
}
