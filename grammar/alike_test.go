package grammar

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPartition compares the classes after each round with what the texts of as many
// bytes come to, one by one.
func TestPartition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		d := &dfa{width: 2, classes: [256]uint8{'b': 1}}
		states := 1 + r.IntN(24)
		kind := make([]int32, states)
		for q := range states {
			d.accept = append(d.accept, true)
			kind[q] = int32(r.IntN(10)) / 9
			for range d.width {
				// Mostly a chain, as a repeat is.
				to := q + 1
				if r.IntN(4) == 0 {
					to = r.IntN(states)
				}
				if to == states {
					to = dead
				}
				d.next = append(d.next, int32(to))
			}
		}
		kind[0] = 0
		if states > 1 {
			kind[1] = slices.Max(kind) // no number is left out
		}
		p := newPartition(d, slices.Clone(kind))
		for k := range 12 {
			for q := range states {
				for other := range q {
					same := p.class[q] == p.class[other]
					if want := alike(d, kind, int32(q), int32(other), k); same != want {
						t.Fatalf("after %d rounds the states %d and %d of %v are in one class: %v, want %v", k, q, other, d.next, same, want)
					}
				}
			}
			p.refine(1)
		}
	}
}

// alike reports whether texts of up to k bytes lead from two states to those of a kind.
func alike(d *dfa, kind []int32, a, b int32, k int) bool {
	if a == dead || b == dead {
		return a == b
	}
	if kind[a] != kind[b] || k == 0 {
		return kind[a] == kind[b]
	}
	return alike(d, kind, d.step(a, 'a'), d.step(b, 'a'), k-1) && alike(d, kind, d.step(a, 'b'), d.step(b, 'b'), k-1)
}

// A partition that would be too much work ends with a class for each state.
func TestPartitionBound(t *testing.T) {
	d := &dfa{width: 1, next: []int32{1, 2, 0}, accept: []bool{true, true, true}}
	p := newPartition(d, []int32{0, 0, 1})
	p.left = 2
	p.refine(9)
	if !slices.Equal(p.class, []int32{0, 1, 2}) || len(p.size) != 3 {
		t.Errorf("classes %v, sizes %v", p.class, p.size)
	}
}
