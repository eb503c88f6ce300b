package kernel

import "unsafe"

// dropGroup is how many elements drop takes at once.
const dropGroup = 32

// draws are the words that a dropout's generator mixes in: the keys of the ten rounds
// of Philox4x32-10 and the upper half of the counter.
type draws struct {
	keys   [10][2]uint32
	stream [2]uint32
}

// Drop writes keep*x to y where an element's random word is at least border, and
// zero elsewhere. Words 0 to 3 of counter n are those of elements 0 to 3, and so on:
// see compute.Dropout and compute.Philox, whose bits these are. It returns how many
// elements it took, from the first on: what is left over is the caller's, and on
// engines without such a kernel that is all.
func Drop(y, x []float32, keep float32, border uint32, seed, stream, n uint64) int {
	groups := len(y) / dropGroup
	if active.vec.drop == nil || groups == 0 {
		return 0
	}
	x = x[:len(y)]
	d := draws{stream: [2]uint32{uint32(stream), uint32(stream >> 32)}}
	key := [2]uint32{uint32(seed), uint32(seed >> 32)}
	for i := range d.keys {
		d.keys[i] = key
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	for i := 0; i < groups; i += span / dropGroup {
		at := i * dropGroup
		active.vec.drop(min(span/dropGroup, groups-i), &y[at], &x[at], n+uint64(at/4), &d.keys[0][0], border, keep)
	}
	return groups * dropGroup
}

// The kernel reads draws by these offsets.
var _ = [1]struct{}{}[unsafe.Offsetof(draws{}.stream)-80]
