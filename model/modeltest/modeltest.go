package modeltest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/nn"
)

// MaxError bounds the difference of any logit from the golden one, for weights
// that F32 holds exactly.
const MaxError = 1e-4

type golden struct {
	IDs    []int32     `json:"ids"`
	Rows   []int       `json:"rows"`
	Logits [][]float32 `json:"logits"`
	Hidden [][]float32 `json:"hidden"` // of an encoder
}

// Run tests every case under dir, each a Hugging Face directory with golden.json,
// on a device that newDevice makes.
func Run(t *testing.T, known []model.Architecture, dir string, newDevice func() compute.Device) {
	t.Helper()
	cases, err := filepath.Glob(filepath.Join(dir, "*", "golden.json"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases under %s: %v", dir, err)
	}
	for _, path := range cases {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			runs := readGolden(t, path)
			m, free := Load(t, known, dir, newDevice(), false)
			defer free()
			for _, g := range runs {
				whole := logits(t, m, g.IDs, nil)
				compare(t, g, whole)
				for _, chunk := range []int{1, 5, 64, len(g.IDs)} {
					equalBits(t, whole, logits(t, m, g.IDs, chunks(len(g.IDs), chunk)))
				}
			}
			packed(t, m, runs)
		})
	}
}

// RunEncoder tests every case under dir as Run does, by the hidden states.
func RunEncoder(t *testing.T, known []model.Architecture, dir string, newDevice func() compute.Device) {
	t.Helper()
	cases, err := filepath.Glob(filepath.Join(dir, "*", "golden.json"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases under %s: %v", dir, err)
	}
	for _, path := range cases {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			m, free := Load(t, known, dir, newDevice(), false)
			defer free()
			all := &model.Batch{}
			var alone [][]float32
			for _, g := range readGolden(t, path) {
				all.Sequence(g.IDs, 0, nil)
				b := &model.Batch{}
				b.Sequence(g.IDs, 0, nil)
				rows := m.hidden(t, b)
				g.Logits = g.Hidden
				compare(t, g, rows)
				alone = append(alone, rows...)
			}
			equalBits(t, alone, m.hidden(t, all))
			some := everyThird(all, alone)
			equalBits(t, some, m.hidden(t, all))
		})
	}
}

// hidden runs a batch without a cache and returns the rows of hidden states.
func (m Loaded) hidden(t *testing.T, b *model.Batch) [][]float32 {
	t.Helper()
	free, err := b.Upload(m.Device)
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	ops := compute.NewEager(m.Device)
	defer ops.Close()
	y := m.Forward(ops, b, nil)
	return slices.Collect(slices.Chunk(compute.Floats(m.Device, y), y.Shape[1]))
}

func readGolden(t *testing.T, path string) []golden {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var runs []golden
	if err := json.Unmarshal(data, &runs); err != nil {
		t.Fatal(err)
	}
	return runs
}

// Loaded is a model and the device it lives on.
type Loaded struct {
	model.Model
	Device compute.Device
}

// Load builds the model of a Hugging Face directory.
func Load(t testing.TB, known []model.Architecture, dir string, dev compute.Device, trainable bool) (Loaded, func()) {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := model.Parse(known, config)
	if err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := cfg.New(nn.NewLoader(dev, nn.FromCheckpoint(file), trainable))
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return Loaded{m, dev}, m.Free
}

func chunks(n, size int) []int {
	var c []int
	for ; n > 0; n -= size {
		c = append(c, min(n, size))
	}
	return c
}

// logits runs one sequence: whole without a cache when sizes is nil, else in
// chunks through a cache whose pages are out of order.
func logits(t *testing.T, m Loaded, ids []int32, sizes []int) [][]float32 {
	t.Helper()
	if sizes == nil {
		b := &model.Batch{}
		b.Sequence(ids, 0, nil)
		return forward(t, m, b, nil)
	}
	pages := (len(ids) + compute.PageTokens - 1) / compute.PageTokens
	kv, err := m.Device.NewKV(m.KVSpec(pages + 1))
	if err != nil {
		t.Fatal(err)
	}
	defer kv.Free()
	table := make([]int32, pages)
	for i := range table {
		table[i] = int32(pages - i)
	}
	var out [][]float32
	at := 0
	for _, n := range sizes {
		b := &model.Batch{}
		b.Sequence(ids[at:at+n], at, table)
		out = append(out, forward(t, m, b, kv)...)
		at += n
	}
	return out
}

func forward(t *testing.T, m Loaded, b *model.Batch, kv compute.KV) [][]float32 {
	t.Helper()
	free, err := b.Upload(m.Device)
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	ops := compute.NewEager(m.Device)
	defer ops.Close()
	y := m.Logits(ops, b, m.Forward(ops, b, kv))
	flat := compute.Floats(m.Device, y)
	return slices.Collect(slices.Chunk(flat, y.Shape[1]))
}

// packed runs all sequences in one batch, which must not change a bit.
func packed(t *testing.T, m Loaded, runs []golden) {
	t.Helper()
	b := &model.Batch{}
	var want [][]float32
	for _, g := range runs {
		b.Sequence(g.IDs, 0, nil)
		want = append(want, logits(t, m, g.IDs, nil)...)
	}
	equalBits(t, want, forward(t, m, b, nil))
	want = everyThird(b, want)
	equalBits(t, want, forward(t, m, b, nil))
}

// everyThird asks a batch for some rows alone; it returns those of all.
func everyThird(b *model.Batch, all [][]float32) (rows [][]float32) {
	for i := 2; i < len(all); i += 3 {
		b.Outputs = append(b.Outputs, int32(i))
		rows = append(rows, all[i])
	}
	return rows
}

func compare(t *testing.T, g golden, got [][]float32) {
	t.Helper()
	var worst float64
	for i, r := range g.Rows {
		for j, want := range g.Logits[i] {
			worst = max(worst, abs(float64(got[r][j]-want)))
		}
	}
	if !(worst <= MaxError) {
		t.Errorf("values of %d tokens differ by up to %g, want at most %g", len(g.IDs), worst, MaxError)
	}
	t.Logf("%d tokens: largest difference %.2g", len(g.IDs), worst)
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}

func equalBits(t *testing.T, want, got [][]float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		for j := range want[i] {
			if want[i][j] != got[i][j] {
				t.Fatalf("row %d logit %d is %g, want %g to the bit", i, j, got[i][j], want[i][j])
			}
		}
	}
}
