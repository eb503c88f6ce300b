package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/troikaml/troika/compute/cpu/kernel"
)

func main() {
	m := flag.Int("m", 512, "rows; 0 for products of few rows alone")
	n := flag.Int("n", 4864, "columns of the result")
	k := flag.Int("k", 896, "depth")
	rounds := flag.Int("rounds", 7, "repetitions, of which the median counts")
	cpu := flag.Bool("cpu", false, "count processor time, for busy machines; hides waiting")
	flag.Parse()
	if *cpu {
		clock = processorTime
	}
	if !kernel.FMAPeak(1) {
		fmt.Fprintln(os.Stderr, "gemm: this build or processor runs no assembly; there is no limit to compare with")
		os.Exit(1)
	}
	if *m > 0 {
		products(*m, *n, *k, *rounds)
	}
	fewRows(*k, *rounds)
}

var formats = []struct {
	name   string
	format kernel.Format
}{{"F32", kernel.F32}, {"F16", kernel.F16}, {"BF16", kernel.BF16}}

// products prints what share of the peak rate products of m rows reach. The
// peak is measured next to each repetition, because clocks wander.
func products(m, n, k, rounds int) {
	fmt.Printf("M=%d N=%d K=%d, share of the peak of fused multiply-adds\n", m, n, k)
	a, dy := numbers(m*k), numbers(m*n)
	c, dx := make([]float32, m*n), make([]float32, m*k)
	for _, f := range formats {
		w := weight(f.format, n, k)
		for _, threads := range []int{1, 2} {
			report("matmul  "+f.name, threads, m*n*k, rounds, func() {
				split(threads, kernel.PanelCount(n), func(p0, p1 int, s *kernel.Scratch) {
					kernel.MatMul(c, n, a, k, m, w, p0, p1, false, s)
				})
			})
			report("matmulT "+f.name, threads, m*n*k, rounds, func() {
				split(threads, k/16, func(k0, k1 int, s *kernel.Scratch) {
					kernel.MatMulT(dx, k, dy, n, m, w, 16*k0, 16*k1, false, s)
				})
			})
		}
	}
	dw := make([]float32, n*k)
	flat := kernel.Dense{Data: numbers(n * k), Stride: k, Transposed: true}
	report("gemm a*b^T", 1, m*n*k, rounds, func() {
		var s kernel.Scratch
		kernel.Gemm(c, n, kernel.Dense{Data: a, Stride: k}, flat, m, n, k, 1, false, &s)
	})
	report("gemm a^T*b", 1, m*n*k, rounds, func() {
		var s kernel.Scratch
		kernel.Gemm(dw, k, kernel.Dense{Data: dy, Stride: n, Transposed: true}, kernel.Dense{Data: a, Stride: k}, n, k, m, 1, false, &s)
	})
}

// report runs f next to the peak loop on as many threads.
func report(name string, threads, terms, rounds int, f func()) {
	const peakRounds = 4 << 20
	var shares, rates []float64
	for range rounds {
		peak := seconds(func() {
			split(threads, threads, func(int, int, *kernel.Scratch) { kernel.FMAPeak(peakRounds) })
		})
		rate := float64(terms) / seconds(f)
		shares = append(shares, rate/(float64(threads)*192*peakRounds/peak))
		rates = append(rates, 2e-9*rate)
	}
	fmt.Printf("  %-12s %d threads  %5.1f %%  %6.1f GFLOP/s\n", name, threads, 100*median(shares), median(rates))
}

// fewRows prints what share of the reading rate products of few rows reach.
// Each repetition takes another part of one large memory, so that nothing is
// left in caches, and is short, so that other programs disturb few of them.
func fewRows(k, rounds int) {
	const total, part = 384 << 20, 24 << 20
	pool := memory(total)
	for i := range pool {
		if pool[i] = 0x3c; i%2 == 0 { // no number of any format is denormal: some processors take their time for those
			pool[i] = byte(i * 7)
		}
	}
	fmt.Printf("few rows, K=%d, share of the reading rate\n", k)
	next := 0
	cut := func(n int) []byte {
		if next+n > total {
			next = 0
		}
		next += n
		return pool[next-n : next]
	}
	for _, f := range formats {
		n := part / (k * f.format.Bytes()) / 32 * 32
		for _, m := range []int{1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32} {
			a, c := numbers(m*k), make([]float32, m*n)
			var s kernel.Scratch
			var shares, rates []float64
			for range 4 * rounds {
				data := cut(kernel.PanelBytes(f.format, n, k))
				read := seconds(func() { kernel.ReadBytes(data) })
				w := &kernel.Panels{Format: f.format, N: n, K: k, Data: cut(kernel.PanelBytes(f.format, n, k))}
				took := seconds(func() { kernel.MatMul(c, n, a, k, m, w, 0, kernel.PanelCount(n), false, &s) })
				shares = append(shares, read/took)
				rates = append(rates, 1e-9*float64(len(data))/took)
			}
			fmt.Printf("  %-5s M=%-3d  %5.1f %%  %6.2f GB/s\n", f.name, m, 100*median(shares), median(rates))
		}
	}
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

// weight returns a packed weight of arbitrary numbers.
func weight(f kernel.Format, n, k int) *kernel.Panels {
	data := memory(kernel.PanelBytes(f, n, k))
	state := uint32(7)
	step := f.Bytes()
	for i := step - 2; i < len(data); i += step {
		state = state*1664525 + 1013904223
		data[i], data[i+1] = byte(state>>16), 0x30|byte(state>>24)&0x83
	}
	return &kernel.Panels{Format: f, N: n, K: k, Data: data}
}

// clock returns seconds since some moment.
var clock = func() float64 { return time.Since(started).Seconds() }

var started = time.Now()

func seconds(f func()) float64 {
	start := clock()
	f()
	return clock() - start
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
