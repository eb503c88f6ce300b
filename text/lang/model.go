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

// group holds for every row the weights of some labels, 16 bits for each: the
// weight plus weightZero. Those of four labels are added up in one go.
type group [numRows][groupWords]uint64

const (
	weightZero  = 128
	lanes       = 4 // labels of a word
	laneBits    = 64 / lanes
	groupWords  = 9 // whose sums fit into registers
	groupLabels = groupWords * lanes
	// blockRows is how many weights fit into a sum of 16 bits.
	blockRows = 256
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

// add adds the weights of at most blockRows rows to the sums.
func (g *group) add(sums []int32, rows []uint16) {
	var s0, s1, s2, s3, s4, s5, s6, s7, s8 uint64
	// In two passes: nine sums at a time leave no register for the loop.
	for _, row := range rows {
		w := &g[row%numRows]
		s0 += w[0]
		s1 += w[1]
		s2 += w[2]
		s3 += w[3]
		s4 += w[4]
	}
	for _, row := range rows {
		w := &g[row%numRows]
		s5 += w[5]
		s6 += w[6]
		s7 += w[7]
		s8 += w[8]
	}
	for k, s := range [groupWords]uint64{s0, s1, s2, s3, s4, s5, s6, s7, s8} {
		for i := range lanes {
			sums[k*lanes+i] += int32(s >> (laneBits * i) & (1<<laneBits - 1))
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
			words[row][at/lanes] |= w << (laneBits * (at % lanes))
		}
	}
	return m, nil
}
