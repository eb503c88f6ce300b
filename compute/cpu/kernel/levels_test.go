package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

// Widening has the bits of plain arithmetic, at every place, and touches no token past
// the panel of the last.
func TestWidenLevels(t *testing.T) { eachEngine(t, widenLevels) }

func widenLevels(t *testing.T) {
	for _, byChannel := range []bool{false, true} {
		for _, dim := range []int{32, 64, 96} {
			l := Levels{Dim: dim, Tokens: 64, ByChannel: byChannel, Data: make([]byte, LevelBytes(dim, 64))}
			r := rand.New(rand.NewPCG(3, uint64(dim)))
			for i := range l.Data {
				l.Data[i] = byte(r.Uint32())
			}
			for token := range l.Tokens {
				for run := range dim / Run { // no infinities, whose zero times is no number
					binary.LittleEndian.PutUint16(l.Data[l.Scale(token, run):], uint16(r.Uint32()&0x3fff))
				}
			}
			for _, tokens := range []int{0, 1, 15, 16, 33, 64} {
				dst := guarded(t, make([]float32, dim*l.Tokens))
				l.Widen(dst, tokens)
				for token := range tokens {
					for c := range dim {
						at := l.Level(token, c)
						want := float32(int8(l.Data[at])) * half(binary.LittleEndian.Uint16(l.Data[l.Scale(token, c/Run):]))
						if got := dst[at]; math.Float32bits(got) != math.Float32bits(want) {
							t.Fatalf("by channel %t: token %d of %d, channel %d of %d is %g, want %g", byChannel, token, tokens, c, dim, got, want)
						}
					}
				}
			}
		}
	}
}

func BenchmarkWidenLevels(b *testing.B) {
	l := Levels{Dim: 64, Tokens: 64, Data: make([]byte, LevelBytes(64, 64))}
	dst := make([]float32, 64*64)
	b.SetBytes(int64(len(l.Data)))
	for b.Loop() {
		l.Widen(dst, 64)
	}
}
