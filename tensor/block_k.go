package tensor

// Blocks of 256 elements. In Q4_K and Q5_K eight runs of 32 elements have a 6-bit
// scale and a 6-bit minimum each, multiples of two half-precision numbers d and m:
// an element is d*scale*level - m*minimum. In Q6_K sixteen runs of 16 elements have
// an 8-bit signed scale, a multiple of d: an element is d*scale*(level-32).
//
//	Q4_K  d, m, 12 bytes of scales and minima, 128 of nibbles
//	Q5_K  d, m, 12 bytes of scales and minima, 32 of fifth bits, 128 of nibbles
//	Q6_K  128 bytes of nibbles, 64 of upper bit pairs, 16 scales, d
//
// Nibbles of runs 2i and 2i+1 share 32 bytes, lower and upper; fifth bits of run i
// are bit i of 32 bytes.

const (
	runs   = 8 // of 32 elements
	runLen = superBlock / runs
)

// scaleMin unpacks the 6-bit scale and minimum of run j: four bytes hold the scales
// of runs 0 to 3, four their minima, four the lower nibbles of scale and minimum of
// runs 4 to 7, whose upper bits are the top bits of the bytes before.
func scaleMin(packed []byte, j int) (scale, minimum uint8) {
	if j < 4 {
		return packed[j] & 63, packed[j+4] & 63
	}
	return packed[j+4]&15 | packed[j-4]>>6<<4, packed[j+4]>>4 | packed[j]>>6<<4
}

// putScaleMins packs all runs for [scaleMin].
func putScaleMins(packed []byte, scale, minimum *[runs]uint8) {
	for j := range 4 {
		packed[j] = scale[j] | scale[j+4]>>4<<6
		packed[j+4] = minimum[j] | minimum[j+4]>>4<<6
		packed[j+8] = scale[j+4]&15 | minimum[j+4]<<4
	}
}

func decodeQ4K(dst []float32, src []byte) {
	d, m, packed, q := half(src), half(src[2:]), src[4:16], src[16:144]
	for j := range runs {
		scale, minimum := scaleMin(packed, j)
		step, low := d*float32(scale), m*float32(minimum)
		run, shift := dst[j*runLen:][:runLen], j%2*4
		for i, b := range q[j/2*runLen:][:runLen] {
			run[i] = float32(step*float32(b>>shift&15)) - low
		}
	}
}

func decodeQ5K(dst []float32, src []byte) {
	d, m, packed, high, q := half(src), half(src[2:]), src[4:16], src[16:48], src[48:176]
	for j := range runs {
		scale, minimum := scaleMin(packed, j)
		step, low := d*float32(scale), m*float32(minimum)
		run, shift := dst[j*runLen:][:runLen], j%2*4
		for i, b := range q[j/2*runLen:][:runLen] {
			run[i] = float32(step*float32(b>>shift&15|high[i]>>j&1<<4)) - low
		}
	}
}

// In each half of a Q6_K block, runs of 32 elements r = 0 to 3 take the lower
// nibbles of 64 bytes, then the upper ones, and bit pair r of 32 bytes.
func decodeQ6K(dst []float32, src []byte) {
	d := half(src[208:])
	for j := range runs {
		h, r := j/4, j%4
		low, high := src[64*h+r%2*32:][:runLen], src[128+32*h:][:runLen]
		run := dst[j*runLen:][:runLen]
		first, second := d*float32(int8(src[192+2*j])), d*float32(int8(src[193+2*j]))
		for i, b := range low {
			step := first
			if i >= runLen/2 {
				step = second
			}
			run[i] = step * float32(int(b>>(r/2*4)&15|high[i]>>(2*r)&3<<4)-32)
		}
	}
}

func encodeQ4K(dst []byte, src []float32) {
	var b rangeBlock
	b.quantize(src, 15)
	b.putHeader(dst)
	b.putNibbles(dst[16:144])
}

func encodeQ5K(dst []byte, src []float32) {
	var b rangeBlock
	b.quantize(src, 31)
	b.putHeader(dst)
	high := dst[16:48]
	clear(high)
	for j := range runs {
		for i, l := range b.level[j*runLen:][:runLen] {
			high[i] |= l >> 4 << j
		}
	}
	b.putNibbles(dst[48:176])
}

func (b *rangeBlock) putHeader(dst []byte) {
	putHalf(dst, b.d)
	putHalf(dst[2:], b.m)
	putScaleMins(dst[4:16], &b.scale, &b.minimum)
}

func (b *rangeBlock) putNibbles(dst []byte) {
	for j := 0; j < runs; j += 2 {
		low, high := b.level[j*runLen:][:runLen], b.level[(j+1)*runLen:][:runLen]
		for i := range low {
			dst[j/2*runLen+i] = low[i]&15 | high[i]<<4
		}
	}
}

func encodeQ6K(dst []byte, src []float32) {
	var b signedBlock
	b.quantize(src)
	clear(dst[:192])
	for j := range runs {
		h, r := j/4, j%4
		low, high := dst[64*h+r%2*32:][:runLen], dst[128+32*h:][:runLen]
		for i, l := range b.level[j*runLen:][:runLen] {
			low[i] |= l & 15 << (r / 2 * 4)
			high[i] |= l >> 4 << (2 * r)
		}
	}
	for j, s := range b.scale {
		dst[192+j] = byte(s)
	}
	putHalf(dst[208:], b.d)
}
