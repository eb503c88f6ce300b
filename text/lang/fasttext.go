package lang

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// FastText is a supervised fastText model, read from a .bin or .ftz file. It is
// read-only after ReadFastText.
type FastText struct {
	args   ftArgs
	words  map[string]int32 // ids of words and labels
	nwords int32
	labels []string // without their prefix
	prune  map[int32]int32
	pruned bool
	input  ftRows
	output ftRows
	tree   []ftNode // of a hierarchical softmax, nil otherwise
}

// ftArgs are the settings that prediction needs.
type ftArgs struct {
	dim, wordNgrams, loss, bucket, minn, maxn int32
}

// Losses of fastText.
const (
	lossHS = 1 + iota
	lossNS
	lossSoftmax
	lossOVA
)

const (
	ftMagic   = 793712314
	ftVersion = 12
	ftLabel   = "__label__"
	ftEOS     = "</s>"
	// ftMost is the count of a node that is not made yet: all labels together have
	// less.
	ftMost = 1e15
)

// ErrModel is wrapped by all errors about a model that cannot be used.
var ErrModel = errors.New("not a usable model")

// ReadFastText reads a supervised model in fastText's format (versions 11 and
// 12, quantised or not). Sizes in the file are believed only as far as bytes
// follow. Errors wrap ErrModel.
func ReadFastText(r io.Reader) (*FastText, error) {
	d := &ftReader{r: r}
	m := d.model()
	if d.err != nil {
		return nil, fmt.Errorf("read fastText model: %w: %w", ErrModel, d.err)
	}
	return m, nil
}

// Labels returns the labels in the order of the file, without their prefix.
func (m *FastText) Labels() []string { return slices.Clone(m.labels) }

// Predict returns the k best labels of a line of text, best first, with their
// probabilities as fastText gives them: not quite summing to 1. Line feeds count
// as spaces. It returns nothing for a text in which the model knows nothing.
func (m *FastText) Predict(text string, k int) []Guess {
	ids := m.line(text)
	if len(ids) == 0 || k < 1 {
		return nil
	}
	hidden := make([]float32, m.args.dim)
	for _, id := range ids {
		m.input.add(hidden, id, 1)
	}
	for i := range hidden {
		hidden[i] *= float32(1 / float64(len(ids)))
	}
	guesses := make([]Guess, len(m.labels))
	for i, p := range m.probabilities(hidden) {
		guesses[i] = Guess{m.labels[i], math.Exp(float64(p))}
	}
	slices.SortStableFunc(guesses, func(a, b Guess) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return guesses[:min(k, len(guesses))]
}

// ftLog is the logarithm that keeps away from minus infinity.
func ftLog(x float32) float32 { return float32(math.Log(float64(x) + 1e-5)) }

// probabilities returns the logarithms of the labels' probabilities.
func (m *FastText) probabilities(hidden []float32) []float32 {
	out := make([]float32, len(m.labels))
	if m.args.loss == lossHS {
		m.descend(out, hidden, int32(len(m.tree)-1), 0)
		return out
	}
	for i := range out {
		out[i] = m.output.dot(hidden, int32(i))
	}
	if m.args.loss != lossSoftmax {
		for i, x := range out {
			out[i] = ftLog(ftSigmoid(x))
		}
		return out
	}
	peak, sum := slices.Max(out), float32(0)
	for i, x := range out {
		out[i] = float32(math.Exp(float64(x - peak)))
		sum += out[i]
	}
	for i := range out {
		out[i] = ftLog(out[i] / sum)
	}
	return out
}

// ftSigmoid is the logistic function as fastText tabulates it.
func ftSigmoid(x float32) float32 {
	const most, size = 8, 512
	if x < -most {
		return 0
	}
	if x > most {
		return 1
	}
	step := math.Floor(float64((x + most) * size / most / 2))
	return float32(1 / (1 + math.Exp(-(step*2*most/size - most))))
}

// ftNode is a node of the Huffman tree of labels; the first nodes are the
// labels.
type ftNode struct {
	left, right int32
	count       int64
}

// huffman builds the tree for labels with these counts, which descend.
func huffman(counts []int64) []ftNode {
	n := len(counts)
	tree := make([]ftNode, 2*n-1)
	for i := range tree {
		tree[i] = ftNode{left: -1, right: -1, count: ftMost}
		if i < n {
			tree[i].count = counts[i]
		}
	}
	leaf, node := n-1, n
	for i := n; i < len(tree); i++ {
		var pick [2]int
		for j := range pick {
			if leaf >= 0 && tree[leaf].count < tree[node].count {
				pick[j] = leaf
				leaf--
			} else {
				pick[j] = node
				node++
			}
		}
		tree[i] = ftNode{int32(pick[0]), int32(pick[1]), tree[pick[0]].count + tree[pick[1]].count}
	}
	return tree
}

// descend writes the labels' scores below a node. The tree is as deep as there
// are labels at most.
func (m *FastText) descend(out, hidden []float32, node int32, score float32) {
	n := &m.tree[node]
	if n.left < 0 {
		out[node] = score
		return
	}
	f := float32(1 / (1 + math.Exp(-float64(m.output.dot(hidden, node-int32(len(m.labels)))))))
	m.descend(out, hidden, n.left, score+ftLog(1-f))
	m.descend(out, hidden, n.right, score+ftLog(f))
}

// ftHash is FNV-1a over signed bytes, as fastText has it.
func ftHash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(int32(int8(s[i])))) * 16777619
	}
	return h
}

// line returns the rows of the input matrix that the text calls for.
func (m *FastText) line(text string) []int32 {
	var ids []int32
	var hashes []int32
	token := func(t string) {
		id, known := m.words[t]
		if known && id >= m.nwords || !known && strings.HasPrefix(t, ftLabel) {
			return // a label
		}
		switch {
		case !known && t != ftEOS:
			ids = m.subwords(ids, "<"+t+">")
		case known:
			ids = append(ids, id)
			if m.args.maxn > 0 && t != ftEOS {
				ids = m.subwords(ids, "<"+t+">")
			}
		}
		hashes = append(hashes, int32(ftHash(t)))
	}
	for t := range strings.FieldsFuncSeq(text, func(r rune) bool {
		return r == ' ' || '\t' <= r && r <= '\r' || r == 0
	}) {
		token(t)
	}
	token(ftEOS)
	for i := range hashes {
		h := uint64(int64(hashes[i]))
		for j := i + 1; j < len(hashes) && j < i+int(m.args.wordNgrams); j++ {
			h = h*116049371 + uint64(int64(hashes[j]))
			ids = m.bucket(ids, int32(h%uint64(m.args.bucket)))
		}
	}
	return ids
}

// subwords appends the rows of the character n-grams of a word in brackets.
func (m *FastText) subwords(ids []int32, word string) []int32 {
	if m.args.bucket == 0 {
		return ids
	}
	for i := range len(word) {
		if word[i]&0xC0 == 0x80 {
			continue
		}
		for j, n := i, int32(1); j < len(word) && n <= m.args.maxn; n++ {
			j++
			for j < len(word) && word[j]&0xC0 == 0x80 {
				j++
			}
			if n >= m.args.minn && !(n == 1 && (i == 0 || j == len(word))) {
				ids = m.bucket(ids, int32(ftHash(word[i:j])%uint32(m.args.bucket)))
			}
		}
	}
	return ids
}

// bucket appends the row of a bucket, unless it was pruned away.
func (m *FastText) bucket(ids []int32, b int32) []int32 {
	if m.pruned {
		kept, ok := m.prune[b]
		if !ok {
			return ids
		}
		b = kept
	}
	return append(ids, m.nwords+b)
}
