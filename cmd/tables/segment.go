package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// dictionary is jieba's: words with their frequencies, and the weight of each
// frequency, which is its logarithm less that of the total.
type dictionary struct {
	freq     map[string]int
	weights  map[int]float64
	logTotal float64
}

// segmentTable derives the table of package text/segment from jieba's
// dictionary: the words that can stand on a best path of its graph, each with
// the place of its weight among the distinct weights, which descend. Numbers
// are little-endian: the counts of weights and of words, the place of the
// weight of what is no word; the weights; then in columns, which pack tighter,
// how many bytes each word shares with the one before it, how many follow,
// its weight's place, and the bytes that follow.
func segmentTable(name string) ([]byte, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	d, err := parseDictionary(string(raw))
	if err != nil {
		return nil, err
	}
	kept := d.kept()
	unknown := d.weights[1]
	distinct := map[float64]bool{unknown: true}
	for _, w := range kept {
		distinct[d.weight(w)] = true
	}
	weights := slices.Sorted(maps.Keys(distinct))
	slices.Reverse(weights)
	if len(weights) > math.MaxUint16 {
		return nil, fmt.Errorf("%d distinct frequencies", len(weights))
	}
	place := map[float64]uint16{}
	for i, w := range weights {
		place[w] = uint16(i)
	}
	var out, shared, sizes, places, ends []byte
	for _, n := range []int{len(weights), len(kept), int(place[unknown])} {
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	for _, w := range weights {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(w))
	}
	last := ""
	for _, w := range kept {
		n := 0
		for n < min(len(w), len(last)) && w[n] == last[n] {
			n++
		}
		if len(w) > math.MaxUint8 {
			return nil, fmt.Errorf("word %q: %d bytes", w, len(w))
		}
		shared, sizes = append(shared, byte(n)), append(sizes, byte(len(w)-n))
		ends = append(ends, w[n:]...)
		places = binary.LittleEndian.AppendUint16(places, place[d.weight(w)])
		last = w
	}
	return bytes.Join([][]byte{out, shared, sizes, places, ends}, nil), nil
}

// listedTwice is a word that jieba 0.42.1 lists, and counts in its total, twice;
// copies of its dictionary in other packages list it once.
const listedTwice = "B超"

// parseDictionary reads lines of a word, its frequency and a tag that is not
// used.
func parseDictionary(raw string) (*dictionary, error) {
	d := &dictionary{freq: map[string]int{}, weights: map[int]float64{}}
	total, number := 0, 0
	for line := range strings.Lines(strings.TrimPrefix(raw, "\ufeff")) {
		number++
		fields := strings.Fields(line)
		if len(fields) < 2 {
			return nil, fmt.Errorf("line %d: %.40q", number, line)
		}
		f, err := strconv.Atoi(fields[1])
		if err != nil || f < 0 || f > math.MaxInt32 {
			return nil, fmt.Errorf("line %d: frequency %.40q", number, fields[1])
		}
		d.freq[fields[0]] = f
		total += f
	}
	if total == 0 {
		return nil, errors.New("no words")
	}
	total += d.freq[listedTwice]
	d.logTotal = logarithm(total)
	d.weights[1] = logarithm(1) - d.logTotal
	for _, f := range d.freq {
		if _, ok := d.weights[f]; !ok && f > 0 {
			d.weights[f] = logarithm(f) - d.logTotal
		}
	}
	return d, nil
}

// weight is that of the frequency 1 for what is no word.
func (d *dictionary) weight(w string) float64 { return d.weights[max(1, d.freq[w])] }

// kept returns the words that can stand on a best path, ascending. A word whose
// best split into other words weighs more cannot. A character that is no word
// may only stand alone where no word begins with it, so words that begin with
// one always stay.
func (d *dictionary) kept() []string {
	// Sums of logarithms round off by far less than this.
	const slack = 1e-9
	var out []string
	for w, f := range d.freq {
		_, size := utf8.DecodeRuneInString(w)
		if f > 0 && (len(w) == size || d.freq[w[:size]] == 0 || d.split(w) <= d.weight(w)+slack) {
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return out
}

// split returns the weight of the best path through w that is not w itself.
func (d *dictionary) split(w string) float64 {
	var at []int // where characters begin, and the end
	for i := range w {
		at = append(at, i)
	}
	n := len(at)
	at = append(at, len(w))
	route := make([]float64, n+1)
	for i := n - 1; i >= 0; i-- {
		best, found := math.Inf(-1), false
		for j := i + 1; j <= min(n, i+n-1); j++ {
			if word := w[at[i]:at[j]]; d.freq[word] > 0 {
				best, found = max(best, d.weight(word)+route[j]), true
			}
		}
		if !found {
			best = d.weights[1] + route[i+1]
		}
		route[i] = best
	}
	return route[0]
}

// logarithm returns the natural logarithm of n >= 1, rounded to the nearest
// number: math.Log differs in the last bit between platforms, which would decide
// between paths of equal weight.
func logarithm(n int) float64 {
	e := big.NewInt(int64(n)).BitLen()
	m := new(big.Float).SetPrec(precision).SetMantExp(big.NewFloat(float64(n)), -e) // in [0.5, 1)
	one := new(big.Float).SetPrec(precision).SetInt64(1)
	sum := series(new(big.Float).Quo(new(big.Float).Sub(m, one), new(big.Float).Add(m, one)))
	two := series(new(big.Float).SetPrec(precision).Quo(one, big.NewFloat(3)))
	sum.Add(sum, two.Mul(two, new(big.Float).SetPrec(precision).SetInt64(int64(e))))
	x, _ := sum.Float64()
	return x
}

// precision of the logarithms in bits: twice what is kept.
const precision = 128

// series returns 2 artanh(x), which is ln((1+x)/(1-x)), for |x| <= 1/3.
func series(x *big.Float) *big.Float {
	square := new(big.Float).Mul(x, x)
	power, sum := new(big.Float).Copy(x), new(big.Float).Copy(x)
	for k := int64(3); power.Sign() != 0 && power.MantExp(nil) > -precision-8; k += 2 {
		power.Mul(power, square)
		sum.Add(sum, new(big.Float).SetPrec(precision).Quo(power, new(big.Float).SetInt64(k)))
	}
	return sum.Mul(sum, big.NewFloat(2))
}
