package kernel

import "unsafe"

// portable is the engine in plain Go: the reference that assembly is tested
// against, and what runs without it. It reads float32 panels only; others are
// widened first, for any number of rows.
var portable = engine{
	name: "go",
	tile: [formats][]tileFunc{
		F32: {tileGo(1), tileGo(2), tileGo(3), tileGo(4), tileGo(5), tileGo(6)},
	},
	directRows: [formats]int{F32: 1 << 62},
	widen:      [formats]func(int, *byte, *float32){F16: widenGo(F16), BF16: widenGo(BF16)},
	columns:    [formats]func(int, *byte, int, *float32){F32: columnsGo(F32), F16: columnsGo(F16), BF16: columnsGo(BF16)},
	interleave: [formats]func(int, *byte, int, *byte){F32: interleaveGo(F32), F16: interleaveGo(F16), BF16: interleaveGo(BF16)},
	transpose8: transpose8Go,
	transpose4: transpose4Go,
	halves8:    halves8Go,
	rows16:     rows16Go,

	levelsByLane:   levelsByLaneGo,
	levelsByColumn: levelsByColumnGo,

	vec:   portableVectors,
	quant: portableQuant,
}

// tileGo returns the tile of so many rows by one panel. The conversion of each
// product to float32 forbids the compiler to fuse it with the sum, so that all
// processors give the same bits.
func tileGo(rows int) tileFunc {
	return func(k int, a *float32, lda int, w *byte, step, _ int, c *float32, ldc int, add int) {
		if k == 0 {
			return
		}
		as := unsafe.Slice(a, (rows-1)*lda+k)
		ws := unsafe.Slice((*float32)(unsafe.Pointer(w)), (k-1)*step/4+Lanes)
		cs := unsafe.Slice(c, (rows-1)*ldc+Lanes)
		for r := range rows {
			out := (*[Lanes]float32)(cs[r*ldc:])
			var sum [Lanes]float32
			for half := 0; half < Lanes; half += 8 {
				dotLanes((*[8]float32)(sum[half:]), as[r*lda:][:k], ws[half:], step/4)
			}
			for j, v := range sum {
				if add != 0 {
					v += out[j]
				}
				out[j] = v
			}
		}
	}
}

// dotLanes sums eight lanes of a panel times x; eight is what a compiler can
// hold in registers. Columns lie step numbers apart.
func dotLanes(sum *[8]float32, x, w []float32, step int) {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for i, v := range x {
		l := (*[8]float32)(w[i*step:])
		s0 += float32(v * l[0])
		s1 += float32(v * l[1])
		s2 += float32(v * l[2])
		s3 += float32(v * l[3])
		s4 += float32(v * l[4])
		s5 += float32(v * l[5])
		s6 += float32(v * l[6])
		s7 += float32(v * l[7])
	}
	*sum = [8]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}

// widenGo returns the conversion of n columns of a panel to float32.
func widenGo(f Format) func(n int, src *byte, dst *float32) {
	return func(n int, src *byte, dst *float32) {
		from := unsafe.Slice(src, (n-1)*columnBytes+Lanes*f.Bytes())
		to := unsafe.Slice(dst, n*Lanes)
		for i := range to {
			to[i] = f.decode(from[i/Lanes*columnBytes+f.lane(i%Lanes):])
		}
	}
}

// columnsGo returns the transposing read: sixteen columns of n strips, stride
// bytes apart, become rows of sixteen float32, as many as the strips have.
func columnsGo(f Format) func(n int, src *byte, stride int, dst *float32) {
	return func(n int, src *byte, stride int, dst *float32) {
		rows := f.stripRows()
		from := unsafe.Slice(src, (n-1)*stride+Lanes*columnBytes)
		to := unsafe.Slice(dst, n*rows*Lanes)
		for i := range n {
			columnsRest(f, from[i*stride:], to[i*rows*Lanes:], Lanes)
		}
	}
}

// columnsRest reads fewer than sixteen columns of one strip; what would be the
// others becomes zero.
func columnsRest(f Format, strip []byte, to []float32, cols int) {
	rows := f.stripRows()
	clear(to[:rows*Lanes])
	for k := range cols {
		for j := range rows {
			to[j*Lanes+k] = f.decode(strip[k*columnBytes+f.lane(j):])
		}
	}
}

// interleaveGo returns the packing of 8n columns of sixteen rows, ld bytes
// apart.
func interleaveGo(f Format) func(n int, src *byte, ld int, dst *byte) {
	return func(n int, src *byte, ld int, dst *byte) {
		size := f.Bytes()
		from := unsafe.Slice(src, 15*ld+8*n*size)
		to := unsafe.Slice(dst, (8*n-1)*columnBytes+Lanes*size)
		for k := range 8 * n {
			for j := range Lanes {
				copy(to[k*columnBytes+f.lane(j):][:size], from[j*ld+k*size:])
			}
		}
	}
}

// transpose8Go transposes n 8x8 blocks. Rows lie ld and dld bytes apart, blocks
// step and dstep bytes.
func transpose8Go(n int, src *float32, ld, step int, dst *float32, dld, dstep int) {
	at := func(p *float32, off int) *float32 { return (*float32)(unsafe.Add(unsafe.Pointer(p), off)) }
	for b := range n {
		for i := range 8 {
			for j := range 8 {
				*at(dst, b*dstep+j*dld+4*i) = *at(src, b*step+i*ld+4*j)
			}
		}
	}
}

// transpose4Go transposes n blocks of eight rows of four 32-bit words. Rows lie ld
// bytes apart, blocks step and dstep bytes.
func transpose4Go(n int, src *byte, ld, step int, dst *byte, dstep int) {
	for b := range n {
		to := (*[4][8][4]byte)(unsafe.Add(unsafe.Pointer(dst), b*dstep))
		for r := range 8 {
			from := (*[4][4]byte)(unsafe.Add(unsafe.Pointer(src), b*step+r*ld))
			for i := range from {
				to[i][r] = from[i]
			}
		}
	}
}

// halves8Go gathers n times a 16-bit word of eight rows, ld bytes apart; from one time
// to the next it is step and dstep bytes.
func halves8Go(n int, src *byte, ld, step int, dst *byte, dstep int) {
	for b := range n {
		to := (*[8][2]byte)(unsafe.Add(unsafe.Pointer(dst), b*dstep))
		for r := range to {
			to[r] = *(*[2]byte)(unsafe.Add(unsafe.Pointer(src), b*step+r*ld))
		}
	}
}

// rows16Go writes alpha times n rows of sixteen numbers, stride bytes apart, one
// after the other.
func rows16Go(n int, src *float32, stride int, alpha float32, dst *float32) {
	to := unsafe.Slice((*[Lanes]float32)(unsafe.Pointer(dst)), n)
	for i := range to {
		from := (*[Lanes]float32)(unsafe.Add(unsafe.Pointer(src), i*stride))
		for j, v := range from {
			to[i][j] = alpha * v
		}
	}
}
