package lang

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

//go:embed model.gz
var packed []byte

// model is a linear model over hashed features.
type model struct {
	labels []string
	// weights has numRows rows of stride words, a byte for each label: its weight
	// plus weightZero. The bytes of eight labels are added up in one go.
	weights []uint64
	stride  int
}

const (
	weightZero = 128
	lanes      = 8 // labels of a word
	// blockRows is how many bytes fit into a sum of 16 bits.
	blockRows  = 256
	everyOther = 0x00FF00FF00FF00FF
)

// sums returns for each label the sum of its weights in the rows.
func (m *model) sums(rows []uint16) []int32 {
	sums := make([]int32, m.stride*lanes)
	for block := range slices.Chunk(rows, blockRows) {
		for k := range m.stride {
			weights := m.weights[k:]
			even, odd := uint64(0), uint64(0)
			for _, row := range block {
				w := weights[int(row)*m.stride]
				even += w & everyOther
				odd += w >> 8 & everyOther
			}
			at := sums[k*lanes:][:lanes]
			for i := range lanes / 2 {
				at[2*i] += int32(even >> (16 * i) & 0xFFFF)
				at[2*i+1] += int32(odd >> (16 * i) & 0xFFFF)
			}
		}
	}
	sums = sums[:len(m.labels)]
	for i := range sums {
		sums[i] -= weightZero * int32(len(rows))
	}
	return sums
}

// builtin unpacks the embedded model once.
var builtin = sync.OnceValue(func() *model {
	m, err := readModel(packed)
	if err != nil {
		panic(err) // the model is part of the program; a test reads it
	}
	return m
})

// readModel unpacks a model: a line of labels, then the weights label by label.
func readModel(packed []byte) (*model, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("read language model: %w", err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("read language model: %w", err)
	}
	head, body, _ := bytes.Cut(raw, []byte("\n"))
	m := &model{labels: strings.Fields(string(head))}
	n := len(m.labels)
	if n == 0 || len(body) != n*numRows {
		return nil, fmt.Errorf("read language model: %d labels, %d weights", n, len(body))
	}
	m.stride = (n + lanes - 1) / lanes
	m.weights = make([]uint64, numRows*m.stride)
	for i := range n {
		for row := range numRows {
			w := uint64(int(int8(body[i*numRows+row])) + weightZero)
			m.weights[row*m.stride+i/lanes] |= w << (8 * (i % lanes))
		}
	}
	return m, nil
}
