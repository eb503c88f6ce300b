package tensor_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/tensor"
)

// goldens is testdata/blocks.json: see its generator.
type goldens struct {
	Decode map[string]struct{ Raw, Values []byte }
	Encode struct {
		X     []byte
		Bytes map[string][]byte
	}
	RMSE map[string]map[string]float64
}

func loadGoldens(t *testing.T) (g goldens) {
	t.Helper()
	data, err := os.ReadFile("testdata/blocks.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func floats(b []byte) []float32 {
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

func blockFormats() (all []tensor.DType) {
	for d := tensor.Q4_0; d <= tensor.Q6K; d++ {
		all = append(all, d)
	}
	return all
}

func ExampleQuantize() {
	x := make([]float32, 32)
	for i := range x {
		x[i] = float32(i) / 4
	}
	raw := make([]byte, tensor.Q4_0.Bytes(len(x)))
	if err := tensor.Quantize(tensor.Q4_0, raw, x); err != nil {
		fmt.Println(err)
		return
	}
	y := make([]float32, 2)
	err := tensor.Tensor{DType: tensor.Q4_0, Shape: []int{32}, Data: raw}.DecodeFloat32s(y, 30)
	fmt.Println(len(raw), y, err)
	// Output: 18 [7.75 7.75] <nil>
}

func TestDequantizeEqualsReference(t *testing.T) {
	g := loadGoldens(t)
	for _, d := range blockFormats() {
		c := g.Decode[d.String()]
		want := floats(c.Values)
		got := make([]float32, len(want))
		if err := tensor.Dequantize(d, got, c.Raw); err != nil || len(got) == 0 {
			t.Fatalf("%s: %d values, %v", d, len(got), err)
		}
		for i := range got {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("%s: value %d is %g, want %g", d, i, got[i], want[i])
			}
		}
		// Any part of a tensor decodes as the whole does.
		x := tensor.Tensor{DType: d, Shape: []int{len(want)}, Data: c.Raw}
		for _, r := range [][2]int{{0, 1}, {31, 3}, {1, len(want) - 1}, {len(want) - 1, 1}, {32, 256}, {5, 0}} {
			part := make([]float32, r[1])
			if err := x.DecodeFloat32s(part, r[0]); err != nil || !slices.Equal(part, want[r[0]:r[0]+r[1]]) {
				t.Errorf("%s: elements %d to %d differ, %v", d, r[0], r[0]+r[1], err)
			}
		}
		if err := x.DecodeFloat32s(make([]float32, 2), len(want)-1); err == nil {
			t.Errorf("%s: decoded past the end", d)
		}
	}
}

func TestQuantizeEqualsReference(t *testing.T) {
	g := loadGoldens(t)
	x := floats(g.Encode.X)
	if len(g.Encode.Bytes) != 5 {
		t.Fatalf("goldens of %d formats", len(g.Encode.Bytes))
	}
	for name, want := range g.Encode.Bytes {
		d, err := tensor.ParseDType(name)
		if err != nil {
			t.Fatal(err)
		}
		y, err := tensor.FromFloat32s(x, len(x)/32, 32).Encode(d)
		if err != nil || len(y.Data) != len(want) {
			t.Fatalf("%s: %d bytes, %v", d, len(y.Data), err)
		}
		_, size := d.Block()
		for i := range len(want) / size {
			if got := y.Data[i*size:][:size]; !slices.Equal(got, want[i*size:][:size]) {
				t.Errorf("%s: block %d is % x, want % x (from %g)", d, i, got, want[i*size:][:size], x[i*32:][:32])
			}
		}
	}
}

// samples makes the tensors whose errors the goldens hold.
func samples(n int) map[string][]float32 {
	state := uint32(2463534242)
	uniform := func() []float32 {
		v := make([]float32, n)
		for i := range v {
			state ^= state << 13
			state ^= state >> 17
			state ^= state << 5
			v[i] = float32(state>>8)/(1<<24) - 0.5
		}
		return v
	}
	bell := uniform()
	for range 3 {
		for i, u := range uniform() {
			bell[i] += u
		}
	}
	out := map[string][]float32{"bell": bell, "flat": uniform()}
	for _, name := range []string{"tails", "shifted", "scaled"} {
		v := make([]float32, n)
		for i, x := range bell {
			switch name {
			case "tails":
				v[i] = x * x * x
			case "shifted":
				v[i] = float32(math.Abs(float64(x))) + 0.25
			default:
				v[i] = x * float32(int(1)<<(i/16%8))
			}
		}
		out[name] = v
	}
	return out
}

func rmse(t *testing.T, d tensor.DType, x []float32) float64 {
	t.Helper()
	y, err := tensor.FromFloat32s(x, len(x)).Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	back, err := y.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for i, v := range back {
		e := float64(v) - float64(x[i])
		sum += e * e
	}
	return math.Sqrt(sum / float64(len(x)))
}

// The errors of the K quantisers stay below those of llama.cpp's on the same data.
func TestErrorsBelowReference(t *testing.T) {
	g := loadGoldens(t)
	for name, x := range samples(24 * 1024) {
		if len(g.RMSE[name]) != 3 {
			t.Fatalf("%s: goldens %v", name, g.RMSE[name])
		}
		for format, theirs := range g.RMSE[name] {
			d, err := tensor.ParseDType(format)
			if err != nil {
				t.Fatal(err)
			}
			ours := rmse(t, d, x)
			t.Logf("%s %s: %.6g, llama.cpp %.6g (%.4f)", name, format, ours, theirs, ours/theirs)
			if ours > theirs {
				t.Errorf("%s %s: RMSE %g is above llama.cpp's %g", name, format, ours, theirs)
			}
		}
	}
}

// Extreme blocks: the values that come back are finite and as near as the format
// allows.
func TestQuantizeExtremes(t *testing.T) {
	for name, fill := range map[string]func(i int) float32{
		"zero":      func(int) float32 { return 0 },
		"tiny":      func(i int) float32 { return float32(i) * math.SmallestNonzeroFloat32 },
		"huge":      func(i int) float32 { return 65000 * float32(1-i%3) },
		"one value": func(int) float32 { return 3 },
		"one large": func(i int) float32 { return float32(max(0, 1000*(i-254))) },
		"negative":  func(i int) float32 { return -float32(i) },
	} {
		x := make([]float32, 512)
		var most float64
		for i := range x {
			x[i] = fill(i % 256)
			most = max(most, math.Abs(float64(x[i])))
		}
		for _, d := range blockFormats() {
			if e := rmse(t, d, x); !(e <= most/8+1e-7) { // half precision ends at 6e-8
				t.Errorf("%s: %s has an error of %g, largest value %g", name, d, e, most)
			}
		}
	}
}

func TestQuantizeRefuses(t *testing.T) {
	for _, d := range blockFormats() {
		n, size := d.Block()
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e6} {
			x := make([]float32, n)
			x[3] = float32(bad)
			err := tensor.Quantize(d, make([]byte, size), x)
			if err == nil || !strings.Contains(err.Error(), "element 3") {
				t.Errorf("%s of %g: %v", d, bad, err)
			}
		}
		if tensor.Quantize(d, make([]byte, size-1), make([]float32, n)) == nil ||
			tensor.Quantize(d, make([]byte, size), make([]float32, n-1)) == nil ||
			tensor.Dequantize(d, make([]float32, n+1), make([]byte, size)) == nil {
			t.Errorf("%s: wrong sizes were taken", d)
		}
		if _, err := tensor.FromFloat32s(make([]float32, 2*n), 4, n/2).Encode(d); err == nil {
			t.Errorf("%s: rows of half a block were taken", d)
		}
	}
	if tensor.Quantize(tensor.F32, nil, nil) == nil || tensor.Dequantize(tensor.F16, nil, nil) == nil {
		t.Error("a plain format was taken for a block format")
	}
}

func TestBlockSizes(t *testing.T) {
	for _, c := range []struct {
		d           tensor.DType
		elems, size int
	}{
		{tensor.Invalid, 0, 0},
		{tensor.F32, 1, 4},
		{tensor.Bool, 1, 1},
		{tensor.Q8_0, 32, 34},
		{tensor.Q4_0, 32, 18},
		{tensor.Q4_1, 32, 20},
		{tensor.Q5_0, 32, 22},
		{tensor.Q5_1, 32, 24},
		{tensor.Q4K, 256, 144},
		{tensor.Q5K, 256, 176},
		{tensor.Q6K, 256, 210},
	} {
		if e, b := c.d.Block(); e != c.elems || b != c.size || c.d.Quantized() != (e > 1) {
			t.Errorf("%s: %d elements in %d bytes", c.d, e, b)
		}
	}
	if got := tensor.Q4K.Bytes(512); got != 288 {
		t.Errorf("512 elements take %d bytes", got)
	}
	if tensor.Q4K.Bytes(511) >= 0 || tensor.Invalid.Bytes(1) >= 0 {
		t.Error("a part of a block has bytes")
	}
}

func BenchmarkQuantize(b *testing.B) {
	x := samples(64 * 1024)["bell"]
	for _, d := range blockFormats() {
		raw := make([]byte, d.Bytes(len(x)))
		b.Run(d.String(), func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				if err := tensor.Quantize(d, raw, x); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("back from "+d.String(), func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				if err := tensor.Dequantize(d, x, raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
