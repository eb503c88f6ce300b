package dedup

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
)

// graph is units with few keys, so that they share many.
func graph(seed uint64, units, bands, keys int) [][]uint64 {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([][]uint64, units)
	for i := range out {
		for b := range bands {
			out[i] = append(out[i], uint64(b)<<32|r.Uint64N(uint64(keys)))
		}
	}
	return out
}

// walk finds the clusters by walking from unit to unit, as the reference.
func walk(units [][]uint64) []Member {
	sharing := map[uint64][]int{}
	for i, keys := range units {
		for _, k := range keys {
			sharing[k] = append(sharing[k], i)
		}
	}
	seen := make([]bool, len(units))
	var out []Member
	for i := range units {
		if seen[i] {
			continue
		}
		seen[i] = true
		reached := []int{i}
		for at := 0; at < len(reached); at++ {
			for _, k := range units[reached[at]] {
				for _, j := range sharing[k] {
					if !seen[j] {
						seen[j] = true
						reached = append(reached, j)
					}
				}
				delete(sharing, k)
			}
		}
		if len(reached) == 1 {
			continue
		}
		for _, j := range reached {
			out = append(out, Member{Number: uint64(j), First: uint64(i), Size: uint64(len(reached))})
		}
	}
	slices.SortFunc(out, func(a, b Member) int { return int(a.Number) - int(b.Number) })
	return out
}

func fill(t *testing.T, units [][]uint64, order []int) *Index {
	t.Helper()
	x, err := NewIndex(t.TempDir(), len(units[0]), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(x.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("files are left: %v", err)
		}
	})
	for _, i := range order {
		if err := x.Add(uint64(i), units[i]); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

func collect(t *testing.T, x *Index) []Member {
	t.Helper()
	var out []Member
	for m, err := range x.Members(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

func ascending(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// TestMembers holds clusters to a walk over the graph: sparse and dense ones,
// in memory and spilled in small files, in any order of adding.
func TestMembers(t *testing.T) {
	for name, c := range map[string]struct{ units, bands, keys int }{
		"none":   {50, 2, 1 << 30},
		"sparse": {3000, 3, 20000},
		"chains": {3000, 2, 3000},
		"dense":  {3000, 3, 40},
		"one":    {1, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			units := graph(7, c.units, c.bands, c.keys)
			want := walk(units)
			order := ascending(c.units)
			for range 3 {
				x := fill(t, units, order)
				if got := collect(t, x); !slices.Equal(got, want) {
					t.Fatalf("%d members, want %d", len(got), len(want))
				}
				rand.New(rand.NewPCG(3, 4)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			}
		})
	}
}

// TestTinyMemory spills every few rows, merges in several passes and contracts
// by sorting; the clusters stay the same.
func TestTinyMemory(t *testing.T) {
	units := graph(11, 1500, 3, 1200)
	want := walk(units)
	x := fill(t, units, nil)
	x.limit = 16 * 64 * pairSize
	for b := range x.bands {
		x.bands[b] = newSorter(x.dir, fmt.Sprintf("tiny-%d", b), 100*pairSize, 3*2*minBuffer)
	}
	for i, keys := range units {
		if err := x.Add(uint64(i), keys); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(x.bands[0].runs); n < 12 {
		t.Fatalf("%d runs: nothing was spilled", n)
	}
	if _, err := x.join(t.Context(), 100); !errors.Is(err, errCrowded) {
		t.Fatalf("100 nodes were enough: %v", err)
	}
	for range 2 { // may be asked again
		if got := collect(t, x); !slices.Equal(got, want) {
			t.Fatalf("%d members, want %d", len(got), len(want))
		}
	}
	for range x.Members(t.Context()) {
		break // a reader may leave early
	}
}

// TestLongPath contracts a path whose ends know nothing of each other.
func TestLongPath(t *testing.T) {
	units := make([][]uint64, 4000)
	for i := range units { // i shares a key with i-1 and another with i+1
		units[i] = []uint64{uint64((i + 1) / 2), 1<<40 | uint64(i/2)}
	}
	x := fill(t, units, ascending(len(units)))
	edges, err := x.contract(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for e, err := range edges.sorted(t.Context()) {
		n++
		if err != nil || e != (pair{0, uint64(n)}) {
			t.Fatalf("edge %v, %v, want (0, %d)", e, err, n)
		}
	}
	if n != len(units)-1 {
		t.Errorf("%d edges", n)
	}
}

func TestAddConcurrently(t *testing.T) {
	units := graph(5, 4000, 4, 9000)
	x := fill(t, units, nil)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < len(units); i += 8 {
				if err := x.Add(uint64(i), units[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got, want := collect(t, x), walk(units); !slices.Equal(got, want) {
		t.Errorf("%d members, want %d", len(got), len(want))
	}
}

func TestIndexErrors(t *testing.T) {
	if _, err := NewIndex(t.TempDir(), 0, 0); err == nil {
		t.Error("no keys passed")
	}
	if _, err := NewIndex(t.TempDir()+"/missing", 1, 0); err == nil {
		t.Error("a missing folder passed")
	}
	x := fill(t, graph(1, 2, 2, 9), nil)
	if err := x.Add(1, []uint64{1}); err == nil {
		t.Error("a unit with one of two keys passed")
	}
	if err := x.Add(1, nil); err != nil {
		t.Errorf("a unit without keys: %v", err)
	}
}

// TestSpoiledFiles: a file that was cut or went away is an error and no result.
func TestSpoiledFiles(t *testing.T) {
	for name, spoil := range map[string]func(string) error{
		"cut":  func(p string) error { return os.Truncate(p, 100*pairSize-3) },
		"gone": os.Remove,
	} {
		x, err := NewIndex(t.TempDir(), 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		x.bands[0].hold = 100
		for i := range uint64(1000) {
			if err := x.Add(i, []uint64{i}); err != nil {
				t.Fatal(err)
			}
		}
		if err := spoil(x.bands[0].runs[1]); err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range x.Members(t.Context()) {
			last = err
		}
		if last == nil {
			t.Errorf("%s: no error", name)
		}
		_ = x.Close()
	}
}

func TestCancel(t *testing.T) {
	units := graph(5, 100, 1, 50)
	x := fill(t, units, ascending(len(units)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, err := range x.Members(ctx) {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("error %v", last)
	}
}
