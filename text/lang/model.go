package lang

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
)

//go:embed model.gz
var packed []byte

// model is a linear model over hashed features.
type model struct {
	labels  []string
	weights []int8 // numRows rows of a weight for each label
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
	m.weights = make([]int8, len(body))
	for i := range n {
		for row := range numRows {
			m.weights[row*n+i] = int8(body[i*numRows+row])
		}
	}
	return m, nil
}
