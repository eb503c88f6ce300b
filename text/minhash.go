package text

import (
	"encoding/binary"
	"math"

	"github.com/zeebo/xxh3"
)

// MinHasher computes MinHash signatures with k hash functions drawn from a
// seed. It is read-only after NewMinHasher.
type MinHasher struct {
	mul, add []uint64
}

// NewMinHasher returns a hasher of k functions x -> high bits of (a*x + b) mod
// 2^64 with odd a (multiply-shift, Dietzfelbinger 1996); a and b come from
// SplitMix64 started at seed, so a seed means the same on every platform.
func NewMinHasher(k int, seed uint64) *MinHasher {
	m := &MinHasher{mul: make([]uint64, k), add: make([]uint64, k)}
	for i := range k {
		m.mul[i] = splitMix64(&seed) | 1
		m.add[i] = splitMix64(&seed)
	}
	return m
}

// Size returns k, the length of a signature.
func (m *MinHasher) Size() int { return len(m.mul) }

// Sign writes the signature of the shingle set to dst, which must hold Size
// values. Shingles may come in any order and repeat. The signature of the empty
// set is all ones.
func (m *MinHasher) Sign(dst, shingles []uint64) {
	dst = dst[:len(m.mul)]
	i := 0
	for ; i+1 < len(dst); i += 2 {
		dst[i], dst[i+1] = least2(shingles, m.mul[i], m.add[i], m.mul[i+1], m.add[i+1])
	}
	if i < len(dst) {
		dst[i], _ = least2(shingles, m.mul[i], m.add[i], 1, 0)
	}
}

// least2 returns the minima of two functions over a set. The two do not wait for
// each other, and being a function of its own keeps everything in registers.
//
//go:noinline
func least2(shingles []uint64, a0, b0, a1, b1 uint64) (least0, least1 uint64) {
	least0, least1 = math.MaxUint64, math.MaxUint64
	for _, x := range shingles {
		least0 = min(least0, a0*x+b0)
		least1 = min(least1, a1*x+b1)
	}
	return least0, least1
}

// Band returns the hash of band i, the rows [i*rows, (i+1)*rows) of a
// signature. The hash covers i, so that equal rows of two bands differ.
func Band(signature []uint64, i, rows int) uint64 {
	buf := make([]byte, 0, 64)
	for _, v := range signature[i*rows : (i+1)*rows] {
		buf = binary.LittleEndian.AppendUint64(buf, v)
	}
	return xxh3.HashSeed(buf, uint64(i))
}

// Jaccard returns |a and b| / |a or b| of two sorted sets without repeats. Two
// empty sets are equal: 1.
func Jaccard(a, b []uint64) float64 {
	if len(a) == 0 && len(b) == 0 {
		return 1
	}
	both, i, j := 0, 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			both, i, j = both+1, i+1, j+1
		}
	}
	return float64(both) / float64(len(a)+len(b)-both)
}

// Hash returns a 64-bit hash of s under seed, spread evenly enough to draw
// lots with: Hash(s, seed) < share * 2^64 holds for that share of strings.
func Hash(s string, seed uint64) uint64 {
	x := xxh3.HashStringSeed(s, seed)
	return splitMix64(&x)
}

// splitMix64 advances the generator of Steele, Lea and Flood (2014).
func splitMix64(state *uint64) uint64 {
	*state += 0x9E3779B97F4A7C15
	z := *state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}
