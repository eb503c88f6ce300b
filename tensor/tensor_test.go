package tensor_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/troikaml/troika/tensor"
)

func ExampleTensor_Encode() {
	t := tensor.FromFloat32s([]float32{1, 1.0009765625, 3.14159274}, 3)
	b, err := t.Encode(tensor.BF16)
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := b.Float32s()
	fmt.Println(b.DType, v, err)
	// Output: BF16 [1 1 3.140625] <nil>
}

// Every half is exact in float32, so a round trip must return the same bits.
func TestHalvesRoundTrip(t *testing.T) {
	for h := range 1 << 16 {
		h := uint16(h)
		f := tensor.F16ToF32(h)
		if math.IsNaN(float64(f)) {
			if g := tensor.F32ToF16(f); g&0x7c00 != 0x7c00 || g&0x3ff == 0 {
				t.Fatalf("F16 NaN %04x became %04x", h, g)
			}
		} else if g := tensor.F32ToF16(f); g != h {
			t.Fatalf("F16 %04x -> %g -> %04x", h, f, g)
		}
		f = tensor.BF16ToF32(h)
		if !math.IsNaN(float64(f)) {
			if g := tensor.F32ToBF16(f); g != h {
				t.Fatalf("BF16 %04x -> %g -> %04x", h, f, g)
			}
		}
	}
}

// Rounding is checked against a search over all halves for the nearest, with
// ties to the even code.
func TestF16Rounding(t *testing.T) {
	for h := range 0x7bff {
		lo, hi := tensor.F16ToF32(uint16(h)), tensor.F16ToF32(uint16(h+1))
		mid := float32((float64(lo) + float64(hi)) / 2) // exact: 12 significant bits
		even := uint16(h + h&1)
		for _, c := range []struct {
			f    float32
			want uint16
		}{
			{mid, even},
			{math.Nextafter32(mid, 0), uint16(h)},
			{math.Nextafter32(mid, math.MaxFloat32), uint16(h + 1)},
		} {
			if got := tensor.F32ToF16(c.f); got != c.want {
				t.Fatalf("F32ToF16(%b) = %04x, want %04x", c.f, got, c.want)
			}
			if got := tensor.F32ToF16(-c.f); got != c.want|0x8000 {
				t.Fatalf("F32ToF16(%b) = %04x, want %04x", -c.f, got, c.want|0x8000)
			}
		}
	}
	if tensor.F32ToF16(65519.996) != 0x7bff || tensor.F32ToF16(65520) != 0x7c00 {
		t.Fatal("the border of infinity is at 65520")
	}
}

func TestF8(t *testing.T) {
	for b, want := range map[uint8]float32{0x00: 0, 0x01: 1.0 / 512, 0x38: 1, 0x7e: 448, 0xc0: -2} {
		if got := tensor.F8E4M3ToF32(b); got != want {
			t.Errorf("F8E4M3ToF32(%02x) = %g, want %g", b, got, want)
		}
	}
	for b, want := range map[uint8]float32{0x3c: 1, 0x7b: 57344, 0xbc: -1} {
		if got := tensor.F8E5M2ToF32(b); got != want {
			t.Errorf("F8E5M2ToF32(%02x) = %g, want %g", b, got, want)
		}
	}
}

func TestParseDType(t *testing.T) {
	for d := tensor.F32; d <= tensor.Q6K; d++ {
		if got, err := tensor.ParseDType(d.String()); err != nil || got != d {
			t.Errorf("ParseDType(%s) = %v, %v", d, got, err)
		}
	}
	if _, err := tensor.ParseDType("INVALID"); err == nil {
		t.Error("INVALID parsed")
	}
}

func TestDecodeRefusesIntegers(t *testing.T) {
	x := tensor.Tensor{DType: tensor.I32, Shape: []int{1}, Data: make([]byte, 4)}
	if _, err := x.Float32s(); err == nil {
		t.Error("an I32 tensor decoded as float")
	}
	if err := (tensor.Tensor{DType: tensor.F32, Shape: []int{2}, Data: make([]byte, 4)}).DecodeFloat32s(make([]float32, 2), 0); err == nil {
		t.Error("decoded past the end")
	}
}
