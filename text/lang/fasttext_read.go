package lang

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// ftRows is a matrix of rows, dense or quantised.
type ftRows interface {
	// add adds scale times row i to dst.
	add(dst []float32, i int32, scale float32)
	// dot returns the product of v and row i.
	dot(v []float32, i int32) float32
}

// dense is a matrix row by row.
type dense struct {
	cols int
	data []float32
}

func (m *dense) row(i int32) []float32 { return m.data[int(i)*m.cols:][:m.cols] }

func (m *dense) add(dst []float32, i int32, scale float32) {
	for k, x := range m.row(i) {
		dst[k] += scale * x
	}
}

func (m *dense) dot(v []float32, i int32) float32 {
	sum := float32(0)
	for k, x := range m.row(i) {
		sum += x * v[k]
	}
	return sum
}

// quantised is a matrix whose rows are cut into parts, each the number of one of
// 256 centroids.
type quantised struct {
	parts     quantiser
	codes     []byte
	norms     quantiser // of one part of one column
	normCodes []byte    // nil where rows keep their lengths
}

type quantiser struct {
	parts, width, last int // number of parts, columns of a part and of the last one
	centroids          []float32
}

func (q *quantiser) centroid(part int, code byte) []float32 {
	if part == q.parts-1 {
		return q.centroids[part*256*q.width+int(code)*q.last:][:q.last]
	}
	return q.centroids[(part*256+int(code))*q.width:][:q.width]
}

func (m *quantised) norm(i int32) float32 {
	if m.normCodes == nil {
		return 1
	}
	return m.norms.centroid(0, m.normCodes[i])[0]
}

func (m *quantised) add(dst []float32, i int32, scale float32) {
	scale *= m.norm(i)
	for p, code := range m.codes[int(i)*m.parts.parts:][:m.parts.parts] {
		for k, x := range m.parts.centroid(p, code) {
			dst[p*m.parts.width+k] += scale * x
		}
	}
}

func (m *quantised) dot(v []float32, i int32) float32 {
	sum := float32(0)
	for p, code := range m.codes[int(i)*m.parts.parts:][:m.parts.parts] {
		for k, x := range m.parts.centroid(p, code) {
			sum += v[p*m.parts.width+k] * x
		}
	}
	return sum * m.norm(i)
}

// ftReader reads a model file; the first error stays.
type ftReader struct {
	r   io.Reader
	err error
}

func (d *ftReader) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// bytes reads n bytes, in steps, so that no more memory is taken than bytes
// come.
func (d *ftReader) bytes(n int64) []byte {
	if d.err != nil {
		return nil
	}
	if n < 0 || n > math.MaxInt32*4 {
		d.fail("a part of %d bytes", n)
		return nil
	}
	var buf bytes.Buffer
	if _, err := io.CopyN(&buf, d.r, n); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		d.fail("%w", err)
		return nil
	}
	return buf.Bytes()
}

func (d *ftReader) uint8() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *ftReader) int32() int32 {
	if b := d.bytes(4); b != nil {
		return int32(binary.LittleEndian.Uint32(b))
	}
	return 0
}

func (d *ftReader) int64() int64 {
	if b := d.bytes(8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (d *ftReader) floats(n int64) []float32 {
	if n < 0 || n > math.MaxInt32 {
		d.fail("a matrix of %d numbers", n)
		return nil
	}
	raw := d.bytes(4 * n)
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

// text reads a string up to its zero byte.
func (d *ftReader) text() string {
	const longest = 1 << 20
	var b []byte
	for d.err == nil {
		c := d.uint8()
		if c == 0 {
			break
		}
		if b = append(b, c); len(b) > longest {
			d.fail("a word of more than %d bytes", longest)
		}
	}
	return string(b)
}

func (d *ftReader) model() *FastText {
	m := &FastText{words: map[string]int32{}}
	if magic, version := d.int32(), d.int32(); d.err == nil && (magic != ftMagic || version > ftVersion || version < 11) {
		d.fail("magic number %d, version %d", magic, version)
		return nil
	} else if d.header(m, version); d.err != nil {
		return nil
	}
	counts := d.dictionary(m)
	if d.err != nil {
		return nil
	}
	rows := int64(m.nwords) + int64(m.args.bucket)
	if m.pruned {
		rows = int64(m.nwords) + int64(len(m.prune))
	}
	packed := d.uint8() != 0
	if !packed && m.pruned {
		d.fail("a pruned dictionary with a matrix that is not quantised")
		return nil
	}
	m.input = d.matrix(packed, rows, m.args.dim)
	outRows := int64(len(m.labels))
	m.output = d.matrix(d.uint8() != 0 && packed, outRows, m.args.dim)
	if m.args.loss == lossHS {
		m.tree = huffman(counts)
	}
	return m
}

// header reads the settings.
func (d *ftReader) header(m *FastText, version int32) {
	m.args.dim = d.int32()
	for range 4 { // window, epochs, least count, negatives
		d.int32()
	}
	m.args.wordNgrams = d.int32()
	m.args.loss = d.int32()
	kind := d.int32()
	m.args.bucket, m.args.minn, m.args.maxn = d.int32(), d.int32(), d.int32()
	d.int32() // rate of updates
	d.bytes(8)
	const supervised = 3
	switch a := &m.args; {
	case d.err != nil:
	case kind != supervised:
		d.fail("no supervised model")
	case a.dim < 1 || a.dim > 1<<16 || a.bucket < 0 || a.wordNgrams < 0 || a.wordNgrams > 64 || a.maxn > 64:
		d.fail("settings %+v", *a)
	case a.loss < lossHS || a.loss > lossOVA:
		d.fail("loss %d", a.loss)
	}
	if version == 11 {
		m.args.maxn = 0
	}
	if m.args.bucket == 0 {
		m.args.wordNgrams = 1
	}
}

// dictionary reads words and labels and returns the labels' counts.
func (d *ftReader) dictionary(m *FastText) []int64 {
	size, nwords, nlabels := d.int32(), d.int32(), d.int32()
	d.int64() // tokens
	prunes := d.int64()
	if d.err == nil && (nwords < 0 || nlabels < 1 || int64(nwords)+int64(nlabels) != int64(size)) {
		d.fail("%d entries, %d words, %d labels", size, nwords, nlabels)
	}
	var counts []int64
	m.nwords = nwords
	for i := int32(0); i < size && d.err == nil; i++ {
		word := d.text()
		count := d.int64()
		isLabel := d.uint8() == 1
		if isLabel != (i >= nwords) || isLabel && len(counts) > 0 && count > counts[len(counts)-1] && m.args.loss == lossHS {
			d.fail("entry %d is out of order", i)
		}
		if d.err == nil && (count < 0 || count >= ftMost) {
			d.fail("entry %d occurs %d times", i, count)
		}
		m.words[word] = i
		if isLabel {
			m.labels = append(m.labels, strings.TrimPrefix(word, ftLabel))
			counts = append(counts, count)
		}
	}
	m.pruned = prunes >= 0
	if m.pruned {
		m.prune = map[int32]int32{}
	}
	for i := int64(0); i < prunes && d.err == nil; i++ {
		from, to := d.int32(), d.int32()
		if to < 0 || int64(to) >= prunes {
			d.fail("bucket %d is kept as %d of %d", from, to, prunes)
		}
		m.prune[from] = to
	}
	if d.err == nil && m.pruned && int64(len(m.prune)) != prunes {
		d.fail("a bucket is kept twice")
	}
	return counts
}

// matrix reads a matrix and checks its shape.
func (d *ftReader) matrix(packed bool, rows int64, cols int32) ftRows {
	hasNorms := packed && d.uint8() != 0
	m, n := d.int64(), d.int64()
	if d.err == nil && (m != rows || n != int64(cols)) {
		d.fail("a matrix of %d x %d, want %d x %d", m, n, rows, cols)
	}
	if d.err != nil {
		return nil
	}
	if !packed {
		return &dense{int(n), d.floats(m * n)}
	}
	q := &quantised{}
	size := d.int32()
	q.codes = d.bytes(int64(size))
	q.parts = d.quantiser(int(n))
	if d.err == nil && int64(size) != m*int64(q.parts.parts) {
		d.fail("%d codes for %d rows", size, m)
	}
	if hasNorms {
		q.normCodes = d.bytes(m)
		q.norms = d.quantiser(1)
	}
	return q
}

// quantiser reads centroids for rows of the given number of columns.
func (d *ftReader) quantiser(cols int) quantiser {
	dim, parts, width, last := d.int32(), d.int32(), d.int32(), d.int32()
	if d.err == nil && (int(dim) != cols || parts < 1 || width < 1 || last < 1 || last > width ||
		int64(parts-1)*int64(width)+int64(last) != int64(cols)) {
		d.fail("%d columns in %d parts of %d, the last of %d", dim, parts, width, last)
	}
	if d.err != nil {
		return quantiser{}
	}
	return quantiser{int(parts), int(width), int(last), d.floats(int64(dim) * 256)}
}
