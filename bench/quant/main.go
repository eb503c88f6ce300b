package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/troikaml/troika/bench/internal/clock"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

// shapes are [N, K] of the two large products of a layer of Qwen2.5-0.5B and
// Qwen2.5-1.5B.
var shapes = [][2]int{{4864, 896}, {896, 4864}, {8960, 1536}, {1536, 8960}}

type bench struct {
	rounds int
	only   string
	busy   bool
}

func main() {
	var b bench
	flag.IntVar(&b.rounds, "rounds", 25, "repetitions, of which the median counts")
	flag.StringVar(&b.only, "only", "", "one format")
	flag.BoolVar(&b.busy, "cpu", false, "count processor time, for busy machines; hides waiting")
	m := flag.Int("m", 512, "rows of products of many; 0 for none")
	flag.Parse()
	if !kernel.ReadBytes(nil) {
		fmt.Fprintln(os.Stderr, "quant: this build or processor runs no assembly; there is no limit to compare with")
		os.Exit(1)
	}
	pool = memory(poolBytes)
	for i := range pool {
		pool[i] = byte(i*7+i>>9) & 0x37
	}
	fmt.Println("one row: GB/s, share of the reading rate")
	b.each(b.oneRow)
	if *m > 0 {
		fmt.Printf("%d rows: GOP/s, times the peak of fused multiply-adds\n", *m)
		b.each(func(g kernel.Grain, n, k, threads int) { b.manyRows(g, *m, n, k, threads) })
	}
}

func (b bench) each(f func(g kernel.Grain, n, k, threads int)) {
	for g := kernel.Q8_0; g <= kernel.Q6K; g++ {
		for _, d := range shapes {
			if columns, _ := g.Block(); d[1]%columns != 0 || b.only != "" && b.only != g.String() {
				continue
			}
			for _, threads := range []int{1, 2} {
				f(g, d[0], d[1], threads)
			}
		}
	}
}

const poolBytes = 512 << 20

var (
	pool []byte
	next int
)

// cut returns the next part of the pool, so that nothing is left in caches.
func cut(n int) []byte {
	n = (n + 63) &^ 63
	if next+n > len(pool) {
		next = 0
	}
	next += n
	return pool[next-n : next]
}

func (b bench) oneRow(g kernel.Grain, n, k, threads int) {
	size := kernel.OctetBytes(g, n, k)
	const part = 16 << 20
	count := max(1, part/size)
	c := make([]float32, n)
	x := &kernel.Rounded{M: 1, K: k, Data: make([]byte, kernel.RoundedBytes(1, k))}
	kernel.RoundRows(x, numbers(k), k, 0, 1)
	data := make([][]byte, count)
	var shares, rates []float64
	for range b.rounds {
		for i := range data {
			data[i] = cut(size)
		}
		read := b.seconds(threads, func() {
			split(threads, size/256, func(i, j int, _ *kernel.Scratch) {
				for _, d := range data {
					kernel.ReadBytes(d[256*i : 256*j])
				}
			})
		})
		for i := range data {
			data[i] = cut(size)
		}
		took := b.seconds(threads, func() {
			split(threads, kernel.PanelCount(n), func(p0, p1 int, s *kernel.Scratch) {
				for _, d := range data {
					w := &kernel.Octets{Grain: g, N: n, K: k, Data: d}
					kernel.MatMulOctets(c, n, x, 0, 1, w, p0, p1, false, s)
				}
			})
		})
		shares = append(shares, read/took)
		rates = append(rates, 1e-9*float64(count*size)/took)
	}
	fmt.Printf("  %-5s %5dx%-5d %d threads  %6.2f GB/s  %5.1f %%\n", g, n, k, threads, median(rates), 100*median(shares))
}

func (b bench) manyRows(g kernel.Grain, m, n, k, threads int) {
	const peakRounds = 1 << 18
	c := make([]float32, m*n)
	x := &kernel.Rounded{M: m, K: k, Data: make([]byte, kernel.RoundedBytes(m, k))}
	kernel.RoundRows(x, numbers(m*k), k, 0, m)
	w := &kernel.Octets{Grain: g, N: n, K: k, Data: cut(kernel.OctetBytes(g, n, k))}
	var shares, rates []float64
	for range (b.rounds + 4) / 5 {
		peak := b.seconds(threads, func() {
			split(threads, threads, func(int, int, *kernel.Scratch) { kernel.FMAPeak(peakRounds) })
		})
		took := b.seconds(threads, func() {
			split(threads, kernel.PanelCount(n), func(p0, p1 int, s *kernel.Scratch) {
				kernel.MatMulOctets(c, n, x, 0, m, w, p0, p1, false, s)
			})
		})
		rate := float64(m*n*k) / took
		shares = append(shares, rate/(float64(threads)*192*peakRounds/peak))
		rates = append(rates, 2e-9*rate)
	}
	fmt.Printf("  %-5s %5dx%-5d %d threads  %7.1f GOP/s  %5.2f x\n", g, n, k, threads, median(rates), median(shares))
}

// split runs f over the parts of [0, n), one goroutine each.
func split(threads, n int, f func(i, j int, s *kernel.Scratch)) {
	var group sync.WaitGroup
	for t := range threads {
		group.Go(func() { f(t*n/threads, (t+1)*n/threads, &scratch[t]) })
	}
	group.Wait()
}

var scratch [64]kernel.Scratch

// numbers returns n small numbers, none of them denormal.
func numbers(n int) []float32 {
	x := make([]float32, n)
	state := uint32(1)
	for i := range x {
		state = state*1664525 + 1013904223
		x[i] = float32(state>>16)/32768 - 0.99
	}
	return x
}

// seconds returns how long f takes on so many threads.
func (b bench) seconds(threads int, f func()) float64 {
	if b.busy {
		start := clock.CPU()
		f()
		return (clock.CPU() - start).Seconds() / float64(threads)
	}
	start := time.Now()
	f()
	return time.Since(start).Seconds()
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
