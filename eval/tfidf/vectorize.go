package tfidf

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// Range is the shortest and longest length of n-grams. The zero Range stands
// for none at all.
type Range struct{ Min, Max int }

// matrix is a sparse matrix with the rows' entries in ascending column order.
type matrix struct {
	start  []int // row r holds entries start[r] to start[r+1]
	column []int32
	value  []float64
	width  int
}

func (m *matrix) rows() int { return len(m.start) - 1 }

// row returns the columns and values of row r.
func (m *matrix) row(r int) ([]int32, []float64) {
	a, b := m.start[r], m.start[r+1]
	return m.column[a:b], m.value[a:b]
}

// transpose returns the same entries by column.
func (m *matrix) transpose() *matrix {
	t := &matrix{
		start:  make([]int, m.width+1),
		column: make([]int32, len(m.column)),
		value:  make([]float64, len(m.value)),
		width:  m.rows(),
	}
	for _, c := range m.column {
		t.start[c+1]++
	}
	for c := range m.width {
		t.start[c+1] += t.start[c]
	}
	next := slices.Clone(t.start)
	for r := range m.rows() {
		columns, values := m.row(r)
		for k, c := range columns {
			t.column[next[c]], t.value[next[c]] = int32(r), values[k]
			next[c]++
		}
	}
	return t
}

// grams calls yield with every n-gram of text, repeats included. The strings
// are parts of a copy of text that yield may keep.
type grams func(text string, yield func(gram string))

// words yields word n-grams, each of its words parted by one blank.
func words(n Range) grams {
	return func(text string, yield func(string)) {
		var list []string
		for w := range strings.FieldsFuncSeq(text, notWordRune) {
			// A single letter says little and is left out, as in
			// scikit-learn's token pattern \w\w+.
			if _, second := cutRune(w); second != "" {
				list = append(list, w)
			}
		}
		for size := n.Min; size <= n.Max; size++ {
			for i := 0; i+size <= len(list); i++ {
				if size == 1 {
					yield(list[i])
					continue
				}
				yield(strings.Join(list[i:i+size], " "))
			}
		}
	}
}

// notWordRune is the complement of \w in Python's regular expressions.
func notWordRune(r rune) bool {
	return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r)
}

func cutRune(s string) (first, rest string) {
	for i := range s {
		if i > 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// chars yields character n-grams within stretches without white space. A
// stretch shorter than n is yielded once, whole.
func chars(n Range) grams {
	return func(text string, yield func(string)) {
		var at []int // byte offsets of the characters of the padded stretch
		for stretch := range strings.FieldsSeq(text) {
			padded := " " + stretch + " "
			at = at[:0]
			for i := range padded {
				at = append(at, i)
			}
			at = append(at, len(padded))
			length := len(at) - 1
			for size := n.Min; size <= n.Max; size++ {
				if size >= length {
					yield(padded)
					break
				}
				for i := 0; i+size <= length; i++ {
					yield(padded[at[i]:at[i+size]])
				}
			}
		}
	}
}

// block turns documents into the TF-IDF features of one kind of n-gram.
type block struct {
	grams grams
	index map[string]int32
	idf   []float64
}

// fitBlock learns the n-grams that at least minDocuments of texts hold, in
// lexical order, and returns them with the features of texts.
func fitBlock(g grams, texts []string, minDocuments int) (*block, *matrix) {
	seen := make(map[string]int32)
	var terms []string
	var documents []int
	counts := make([]map[int32]int, len(texts))
	for d, text := range texts {
		counts[d] = make(map[int32]int)
		g(fold(text), func(gram string) {
			id, ok := seen[gram]
			if !ok {
				id = int32(len(terms))
				gram = strings.Clone(gram) // the map must not keep the document alive
				seen[gram] = id
				terms = append(terms, gram)
				documents = append(documents, 0)
			}
			if counts[d][id]++; counts[d][id] == 1 {
				documents[id]++
			}
		})
	}
	var kept []int32
	for id, n := range documents {
		if n >= minDocuments {
			kept = append(kept, int32(id))
		}
	}
	slices.SortFunc(kept, func(a, b int32) int { return strings.Compare(terms[a], terms[b]) })
	b := &block{grams: g, index: make(map[string]int32, len(kept)), idf: make([]float64, len(kept))}
	renumbered := make([]int32, len(terms))
	for i := range renumbered {
		renumbered[i] = -1
	}
	for i, id := range kept {
		renumbered[id] = int32(i)
		b.index[terms[id]] = int32(i)
		// Smoothed: as if one more document held every n-gram.
		b.idf[i] = math.Log(float64(len(texts)+1)/float64(documents[id]+1)) + 1
	}
	m := &matrix{start: make([]int, 1, len(texts)+1), width: len(kept)}
	for _, c := range counts {
		known := make(map[int32]int, len(c))
		for id, n := range c {
			if r := renumbered[id]; r >= 0 {
				known[r] = n
			}
		}
		b.appendRow(m, known)
	}
	return b, m
}

// transform returns the features of texts. N-grams that were not learnt are
// ignored.
func (b *block) transform(texts []string) *matrix {
	m := &matrix{start: make([]int, 1, len(texts)+1), width: len(b.idf)}
	for _, text := range texts {
		counts := make(map[int32]int)
		b.grams(fold(text), func(gram string) {
			if id, ok := b.index[gram]; ok {
				counts[id]++
			}
		})
		b.appendRow(m, counts)
	}
	return m
}

// appendRow adds one document, given how often it holds each n-gram.
func (b *block) appendRow(m *matrix, counts map[int32]int) {
	from := len(m.column)
	for id := range counts {
		m.column = append(m.column, id)
	}
	slices.Sort(m.column[from:])
	squares := 0.0
	for _, id := range m.column[from:] {
		v := float64(counts[id]) * b.idf[id]
		m.value = append(m.value, v)
		squares += v * v
	}
	if squares > 0 {
		norm := math.Sqrt(squares)
		for i := from; i < len(m.value); i++ {
			m.value[i] /= norm
		}
	}
	m.start = append(m.start, len(m.column))
}

// join places the blocks' features side by side.
func join(blocks []*matrix) *matrix {
	if len(blocks) == 1 {
		return blocks[0]
	}
	m := &matrix{start: make([]int, 1, len(blocks[0].start))}
	for r := range blocks[0].rows() {
		offset := int32(0)
		for _, b := range blocks {
			columns, values := b.row(r)
			for _, c := range columns {
				m.column = append(m.column, c+offset)
			}
			m.value = append(m.value, values...)
			offset += int32(b.width)
		}
		m.start = append(m.start, len(m.column))
	}
	for _, b := range blocks {
		m.width += b.width
	}
	return m
}

func fold(text string) string {
	return strings.ToLower(strings.ToValidUTF8(text, "\uFFFD"))
}
