package kernel

import (
	"encoding/binary"
	"fmt"
	"unsafe"
)

// Levels are tokens of Dim channels in Q8_0, each run of 32 channels with a scale of its
// own, interleaved as panels are: sixteen tokens, or sixteen channels, lie together.
//
//	by token:   [Tokens/16][Dim][16] levels, then [Dim/32][Tokens] scales
//	by channel: [Dim/16][Tokens][16] levels, then [Dim/32][Tokens] scales
//
// Levels are signed bytes, scales halves. Dim is a multiple of 32, Tokens of 16.
type Levels struct {
	Dim, Tokens int
	ByChannel   bool
	Data        []byte // of LevelBytes
}

// LevelBytes returns the length of Levels.Data.
func LevelBytes(dim, tokens int) int { return dim*tokens + dim/Run*tokens*2 }

// Level returns the offset in Data of a token's level.
func (l *Levels) Level(token, channel int) int {
	if l.ByChannel {
		return (channel/Lanes*l.Tokens+token)*Lanes + channel%Lanes
	}
	return (token/Lanes*l.Dim+channel)*Lanes + token%Lanes
}

// Scale returns the offset in Data of the scale of a token's run.
func (l *Levels) Scale(token, run int) int { return l.Dim*l.Tokens + (run*l.Tokens+token)*2 }

// Widen writes the values of the first so many tokens to dst, of Dim*Tokens numbers, as a
// panel of F32 has them: of a weight [Tokens, Dim], or by channel of [Dim, Tokens]. The
// places of other tokens are left as they are, or become what their levels say.
func (l *Levels) Widen(dst []float32, tokens int) {
	if l.Dim%Run != 0 || l.Tokens%Lanes != 0 || tokens < 0 || tokens > l.Tokens ||
		len(l.Data) < LevelBytes(l.Dim, l.Tokens) || len(dst) < l.Dim*l.Tokens {
		panic(fmt.Sprintf("kernel: widen %d tokens of [%d, %d] from %d bytes to %d numbers", tokens, l.Tokens, l.Dim, len(l.Data), len(dst)))
	}
	if tokens == 0 {
		return
	}
	if l.ByChannel {
		for c := 0; c < l.Dim; c += Lanes {
			at := l.Level(0, c)
			active.levelsByColumn(tokens, &l.Data[at], &l.Data[l.Scale(0, c/Run)], &dst[at])
		}
		return
	}
	for t := 0; t < tokens; t += Lanes {
		for r := range l.Dim / Run {
			at := l.Level(t, r*Run)
			active.levelsByLane(Run, &l.Data[at], &l.Data[l.Scale(t, r)], &dst[at])
		}
	}
}

// levelsByLaneGo widens n columns of sixteen levels; the scales are the lanes'.
func levelsByLaneGo(n int, src, scales *byte, dst *float32) {
	from, to := unsafe.Slice(src, n*Lanes), unsafe.Slice(dst, n*Lanes)
	s := unsafe.Slice(scales, 2*Lanes)
	for i, q := range from {
		to[i] = float32(int8(q)) * half(binary.LittleEndian.Uint16(s[i%Lanes*2:]))
	}
}

// levelsByColumnGo widens n columns of sixteen levels, each column with its scale.
func levelsByColumnGo(n int, src, scales *byte, dst *float32) {
	from, to := unsafe.Slice(src, n*Lanes), unsafe.Slice(dst, n*Lanes)
	s := unsafe.Slice(scales, 2*n)
	for i, q := range from {
		to[i] = float32(int8(q)) * half(binary.LittleEndian.Uint16(s[i/Lanes*2:]))
	}
}
