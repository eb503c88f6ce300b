//go:build amd64 && !noasm

package kernel

import (
	"math"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// available lists the engines that the processor and the system can run, the fastest
// first.
func available() []*engine {
	var list []*engine
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasF16C {
		if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VNNI {
			list = append(list, &avx512)
		}
		list = append(list, &avx2)
	}
	return append(list, &portable)
}

var avx2 = engine{
	name: "avx2",
	tile: [formats][]tileFunc{
		F32:  {mulF32R1P1, mulF32R2P1, mulF32R3P1, mulF32R4P1, mulF32R5P1, mulF32R6P1},
		F16:  {mulF16R1P1, mulF16R2P1, mulF16R3P1, mulF16R4P1, mulF16R5P1, mulF16R6P1},
		BF16: {mulBF16R1P1, mulBF16R2P1, mulBF16R3P1, mulBF16R4P1, mulBF16R5P1, mulBF16R6P1},
	},
	pair: [formats][]tileFunc{
		F16:  {mulF16R1P2, mulF16R2P2, mulF16R3P2},
		BF16: {mulBF16R1P2, mulBF16R2P2, mulBF16R3P2},
	},
	directRows: [formats]int{F32: 128, F16: 128, BF16: 128},
	widen:      [formats]func(int, *byte, *float32){F16: widenF16, BF16: widenBF16},
	columns:    [formats]func(int, *byte, int, *float32){F32: columnsF32, F16: columnsF16, BF16: columnsBF16},
	interleave: [formats]func(int, *byte, int, *byte){F32: interleaveF32, F16: interleaveF16, BF16: interleaveBF16},
	transpose8: transpose8,
	transpose4: transpose4,
	halves8:    halves8,
	rows16:     rows16,

	levelsByLane:   levelsByLane,
	levelsByColumn: levelsByColumn,

	vec: vectors{
		addTo:         addTo,
		scaleTo:       scaleTo,
		addScaled:     addScaled,
		scaleMul:      scaleMul,
		normBack:      normBack,
		normScaleBack: normScaleBack,
		expTo:         expTo,
		silu:          silu,
		siluBack:      siluBack,
		gelu:          gelu,
		geluMul:       geluMul,
		geluMulBack:   geluMulBack,
		softmaxBack:   softmaxBack,
		rotate:        rotate,
		rotateBack:    rotateBack,
		adamW:         adamW,
		squares:       squares,
		dot3:          dot3,
		expSum:        expSum,
		dot:           dot,
		peak:          peak,
		drop:          drop,
	},
	quant: avx2Quant,

	fmaPeak: fmaPeak,
}

// avx512 differs from avx2 in the products, to the same bits. Its tiles of two panels hold
// so many sums that widening in every tile costs less than doing it once for all rows.
var avx512 = func() engine {
	e := avx2
	e.name, e.quant, e.fmaPeak = "avx512", avx512Quant, fmaPeakWide
	e.tile[F32] = []tileFunc{wideF32R1P1, wideF32R2P1, wideF32R3P1, wideF32R4P1, wideF32R5P1, wideF32R6P1, wideF32R7P1, wideF32R8P1, wideF32R9P1, wideF32R10P1, wideF32R11P1, wideF32R12P1}
	e.pair = [formats][]tileFunc{
		F32:  {wideF32R1P2, wideF32R2P2, wideF32R3P2, wideF32R4P2, wideF32R5P2, wideF32R6P2, wideF32R7P2, wideF32R8P2, wideF32R9P2, wideF32R10P2, wideF32R11P2, wideF32R12P2},
		F16:  {wideF16R1P2, wideF16R2P2, wideF16R3P2, wideF16R4P2, wideF16R5P2, wideF16R6P2, wideF16R7P2, wideF16R8P2, wideF16R9P2, wideF16R10P2, wideF16R11P2, wideF16R12P2},
		BF16: {wideBF16R1P2, wideBF16R2P2, wideBF16R3P2, wideBF16R4P2, wideBF16R5P2, wideBF16R6P2, wideBF16R7P2, wideBF16R8P2, wideBF16R9P2, wideBF16R10P2, wideBF16R11P2, wideBF16R12P2},
	}
	e.directRows[F16], e.directRows[BF16] = math.MaxInt, math.MaxInt
	return e
}()

// interleaveF32 packs 8n columns of sixteen rows, ld bytes apart, into a panel.
func interleaveF32(n int, src *byte, ld int, dst *byte) {
	for half := range 2 {
		from := (*float32)(unsafe.Add(unsafe.Pointer(src), half*8*ld))
		to := (*float32)(unsafe.Add(unsafe.Pointer(dst), half*columnBytes/2))
		transpose8(n, from, ld, 32, to, columnBytes, 8*columnBytes)
	}
}

// FMAPeak runs n rounds of 192 fused multiply-adds (384 operations) that wait
// for nothing: the bound that products are measured against. It reports false
// where the engine has no such instruction.
func FMAPeak(n int) bool {
	if active.fmaPeak == nil {
		return false
	}
	active.fmaPeak(n)
	return true
}

// ReadBytes loads b, but for a rest of less than 512 bytes, as fast as one core
// can: the bound that products of one row are measured against. It reports
// false where the engine has no such loop.
func ReadBytes(b []byte) bool {
	if active == &portable {
		return false
	}
	if n := len(b) &^ 511; n > 0 {
		readBytes(&b[0], n)
	}
	return true
}
