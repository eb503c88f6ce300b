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
	// groups hold the weights of groupLabels labels each.
	groups []group
}

// group holds for every row the weights of some labels, a byte for each: the
// weight plus weightZero. The bytes of eight labels are added up in one go.
type group [numRows][groupWords]uint64

const (
	weightZero  = 128
	lanes       = 8 // labels of a word
	groupWords  = 3 // whose sums fit into registers
	groupLabels = groupWords * lanes
	// blockRows is how many bytes fit into a sum of 16 bits.
	blockRows  = 256
	everyOther = 0x00FF00FF00FF00FF
)

// sums returns for each label the sum of its weights in the rows.
func (m *model) sums(rows []uint16) []int32 {
	sums := make([]int32, len(m.groups)*groupLabels)
	for block := range slices.Chunk(rows, blockRows) {
		for i := range m.groups {
			m.groups[i].add(sums[i*groupLabels:][:groupLabels], block)
		}
	}
	sums = sums[:len(m.labels)]
	for i := range sums {
		sums[i] -= weightZero * int32(len(rows))
	}
	return sums
}

// add adds the bytes of at most blockRows rows to the sums.
func (g *group) add(sums []int32, rows []uint16) {
	var even, odd [groupWords]uint64
	for _, row := range rows {
		w := &g[row%numRows]
		even[0] += w[0] & everyOther
		odd[0] += w[0] >> 8 & everyOther
		even[1] += w[1] & everyOther
		odd[1] += w[1] >> 8 & everyOther
		even[2] += w[2] & everyOther
		odd[2] += w[2] >> 8 & everyOther
	}
	for k := range groupWords {
		for i := range lanes / 2 {
			sums[k*lanes+2*i] += int32(even[k] >> (16 * i) & 0xFFFF)
			sums[k*lanes+2*i+1] += int32(odd[k] >> (16 * i) & 0xFFFF)
		}
	}
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
	m.groups = make([]group, (n+groupLabels-1)/groupLabels)
	for i := range n {
		words, at := &m.groups[i/groupLabels], i%groupLabels
		for row := range numRows {
			w := uint64(int(int8(body[i*numRows+row])) + weightZero)
			words[row][at/lanes] |= w << (8 * (at % lanes))
		}
	}
	return m, nil
}
