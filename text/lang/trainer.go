package lang

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Train returns the packed form of a model for the texts of each tag, the form
// that is embedded as model.gz. It draws epochs times the same number of texts
// of every tag, joins short ones to runs of up to 200 bytes, and fits a softmax by
// AdaGrad. The result depends on the arguments alone.
func Train(texts map[string][]string, perTag, epochs int) ([]byte, error) {
	t := &trainer{rng: rand.New(rand.NewPCG(1, 2)), texts: texts}
	for tag := range texts {
		if len(texts[tag]) == 0 {
			return nil, fmt.Errorf("train language model: no texts of %q", tag)
		}
		t.labels = append(t.labels, tag)
	}
	slices.Sort(t.labels)
	n := len(t.labels)
	t.weights, t.squares = make([]float32, numRows*n), make([]float32, numRows*n)
	order := make([]int, n*perTag)
	for i := range order {
		order[i] = i % n
	}
	for range epochs {
		t.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, label := range order {
			t.step(label, t.draw(t.labels[label]))
		}
	}
	return t.pack()
}

type trainer struct {
	rng              *rand.Rand
	texts            map[string][]string
	labels           []string
	weights, squares []float32
	rows             []uint16
	logits           []float32
}

// draw returns one text of the tag, or several in a row.
func (t *trainer) draw(tag string) string {
	texts := t.texts[tag]
	at, want := t.rng.IntN(len(texts)), 20+t.rng.IntN(180)
	s := texts[at]
	for len(s) < want {
		at = (at + 1) % len(texts)
		s += " " + texts[at]
	}
	return s
}

// step moves the weights towards the label.
func (t *trainer) step(label int, s string) {
	t.rows = features(t.rows[:0], s)
	if len(t.rows) == 0 {
		return
	}
	n := len(t.labels)
	t.logits = append(t.logits[:0], make([]float32, n)...)
	for _, row := range t.rows {
		for i, w := range t.weights[int(row)*n:][:n] {
			t.logits[i] += w
		}
	}
	scale := float32(1 / math.Sqrt(float64(len(t.rows))))
	peak, sum := slices.Max(t.logits), float32(0)
	for i, x := range t.logits {
		t.logits[i] = float32(math.Exp(float64((x - peak) * scale)))
		sum += t.logits[i]
	}
	for i := range t.logits {
		t.logits[i] /= sum
	}
	t.logits[label]--
	const rate, least = 0.3, 1e-3
	for _, row := range t.rows {
		w, sq := t.weights[int(row)*n:][:n], t.squares[int(row)*n:][:n]
		for i, g := range t.logits {
			if g > -least && g < least {
				continue
			}
			g *= scale
			sq[i] += g * g
			w[i] -= rate * g / float32(math.Sqrt(float64(sq[i]+1e-6)))
		}
	}
}

// pack rounds the weights and writes them label by label.
func (t *trainer) pack() ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintln(z, strings.Join(t.labels, " ")); err != nil {
		return nil, err
	}
	n := len(t.labels)
	column := make([]byte, numRows)
	for i := range n {
		for row := range column {
			w := math.Round(float64(t.weights[row*n+i]) * weightOne)
			column[row] = byte(int8(max(-127, min(127, w))))
		}
		if _, err := z.Write(column); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
