package main

import (
	"math"
	"math/rand/v2"
	"slices"
)

// sample is a block with what is known of it.
type sample struct {
	row      []int16
	positive bool
	weight   float64
}

// boosting holds the settings of gradient boosting with logistic loss
// (Friedman, 2001) and second-order leaves (Chen and Guestrin, 2016). Trees
// grow by their best leaf.
type boosting struct {
	trees, leaves, least int     // least: samples of a leaf
	rate, l2             float64 // learning rate; penalty on leaves
	features             float64 // share of features that each tree sees
}

// settings were chosen by the cross-validation of train, within the development
// half: slow learning with many trees was best of seven choices.
var settings = boosting{trees: 600, leaves: 8, least: 10, rate: .02, l2: 3, features: .2}

// branch is a node of a tree; a leaf has feature -1 and a weight.
type branch struct {
	feature     int
	border      int16
	weight      float64
	left, right *branch
}

// forest is a fitted model.
type forest struct {
	bias  float64
	trees []*branch
}

func (f *forest) score(row []int16) float64 {
	sum := f.bias
	for _, t := range f.trees {
		for t.feature >= 0 {
			if row[t.feature] <= t.border {
				t = t.left
			} else {
				t = t.right
			}
		}
		sum += t.weight
	}
	return sum
}

// bins are the borders of each feature and each sample's bin.
type bins struct {
	borders [][]int16
	of      [][]uint8 // by feature, by sample
}

const mostBins = 64

func newBins(samples []sample) *bins {
	b := &bins{}
	for f := range samples[0].row {
		values := make([]int16, len(samples))
		for i, s := range samples {
			values[i] = s.row[f]
		}
		sorted := slices.Sorted(slices.Values(values))
		distinct := slices.Compact(slices.Clone(sorted))
		borders := distinct
		if len(distinct) > mostBins {
			borders = nil
			for k := 1; k < mostBins; k++ {
				borders = append(borders, sorted[k*len(sorted)/mostBins])
			}
			borders = slices.Compact(borders)
		}
		if len(borders) == len(distinct) {
			borders = borders[:len(borders)-1]
		}
		of := make([]uint8, len(values))
		for i, v := range values {
			at, _ := slices.BinarySearch(borders, v)
			of[i] = uint8(at)
		}
		b.borders = append(b.borders, borders)
		b.of = append(b.of, of)
	}
	return b
}

// grower grows one tree.
type grower struct {
	boosting
	bins       *bins
	grad, hess []float64
	seen       []int // features
}

// leaf is a node that may still be split.
type leaf struct {
	node    *branch
	samples []int
	gain    float64
	feature int
	bin     int
}

func fit(samples []sample, set boosting) *forest {
	rng := rand.New(rand.NewPCG(1, 2))
	b := newBins(samples)
	var pos, all float64
	for _, s := range samples {
		all += s.weight
		if s.positive {
			pos += s.weight
		}
	}
	f := &forest{bias: math.Log(pos / (all - pos))}
	scores := make([]float64, len(samples))
	every := make([]int, len(samples))
	for i := range samples {
		scores[i], every[i] = f.bias, i
	}
	g := &grower{boosting: set, bins: b, grad: make([]float64, len(samples)), hess: make([]float64, len(samples))}
	for range set.trees {
		for i, s := range samples {
			p := 1 / (1 + math.Exp(-scores[i]))
			y := 0.0
			if s.positive {
				y = 1
			}
			g.grad[i], g.hess[i] = s.weight*(p-y), s.weight*p*(1-p)
		}
		g.seen = rng.Perm(len(b.borders))[:int(set.features*float64(len(b.borders)))]
		tree := g.grow(every)
		f.trees = append(f.trees, tree)
		one := forest{trees: []*branch{tree}}
		for i, s := range samples {
			scores[i] += one.score(s.row)
		}
	}
	return f
}

func (g *grower) grow(samples []int) *branch {
	root := &branch{feature: -1}
	open := []*leaf{g.leaf(root, samples)}
	for count := 1; count < g.leaves; count++ {
		best := slices.MaxFunc(open, func(a, b *leaf) int {
			switch {
			case a.gain > b.gain:
				return 1
			case a.gain < b.gain:
				return -1
			}
			return 0
		})
		if best.gain <= 0 {
			break
		}
		open = slices.DeleteFunc(open, func(l *leaf) bool { return l == best })
		n := best.node
		n.feature, n.border = best.feature, g.bins.borders[best.feature][best.bin]
		n.left, n.right = &branch{feature: -1}, &branch{feature: -1}
		var left, right []int
		for _, i := range best.samples {
			if int(g.bins.of[best.feature][i]) <= best.bin {
				left = append(left, i)
			} else {
				right = append(right, i)
			}
		}
		open = append(open, g.leaf(n.left, left), g.leaf(n.right, right))
	}
	return root
}

// leaf weighs a node and finds its best split.
func (g *grower) leaf(n *branch, samples []int) *leaf {
	var sumG, sumH float64
	for _, i := range samples {
		sumG += g.grad[i]
		sumH += g.hess[i]
	}
	n.weight = -g.rate * sumG / (sumH + g.l2)
	l := &leaf{node: n, samples: samples}
	gain := func(a, b float64) float64 { return a * a / (b + g.l2) }
	for _, f := range g.seen {
		var hg, hh [mostBins + 1]float64
		var hn [mostBins + 1]int
		for _, i := range samples {
			at := g.bins.of[f][i]
			hg[at] += g.grad[i]
			hh[at] += g.hess[i]
			hn[at]++
		}
		var leftG, leftH float64
		leftN := 0
		for k := range g.bins.borders[f] {
			leftG, leftH, leftN = leftG+hg[k], leftH+hh[k], leftN+hn[k]
			if leftN < g.least || len(samples)-leftN < g.least {
				continue
			}
			if v := gain(leftG, leftH) + gain(sumG-leftG, sumH-leftH) - gain(sumG, sumH); v > l.gain+1e-12 {
				l.gain, l.feature, l.bin = v, f, k
			}
		}
	}
	return l
}
