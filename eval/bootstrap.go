package eval

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// Resampling says how a bootstrap draws. The zero value means the defaults.
type Resampling struct {
	// Resamples is how many times the examples are redrawn; 0 means
	// [DefaultResamples].
	Resamples int
	// Seed selects the draws. The same seed, sample size and number of
	// resamples give the same draws on every machine.
	Seed uint64
}

// DefaultResamples keeps the Monte-Carlo error of a 95 % bound well below the
// width of the interval for the test sets of a few hundred examples met here.
const DefaultResamples = 2000

// MaxResamples bounds the work that a request can ask for.
const MaxResamples = 1_000_000

// Confidence of every interval in this package: two tails of 2.5 %.
const Confidence = 0.95

// Interval is a closed interval [low, high] at the level [Confidence].
type Interval [2]float64

// Estimate is a statistic of a sample and its bootstrap interval.
type Estimate struct {
	Value    float64
	Interval Interval
}

// Statistic computes a number from the examples whose indices it is given; an
// index may come several times. It must not keep or change the slice.
type Statistic func(indices []int) float64

// Bootstrap returns the value of stat over the n examples and its percentile
// interval (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
// section 13.3): the examples are drawn n times with replacement, stat is
// computed, and the interval holds the middle 95 % of the values so found.
func Bootstrap(n int, stat Statistic, r Resampling) (Estimate, error) {
	values, err := resample(n, r, stat)
	if err != nil {
		return Estimate{}, err
	}
	return Estimate{Value: stat(identity(n)), Interval: middle(values)}, nil
}

// Difference is a comparison of two systems on the same examples.
type Difference struct {
	// Value is the second system's statistic less the first one's.
	Value    float64  `json:"value"`
	Interval Interval `json:"ci95"`
	// P is the two-sided bootstrap probability of a difference at least this
	// far from none: twice the smaller of the shares of resamples with a
	// difference <= 0 and >= 0, each counted with one more resample so that
	// it is never zero (Davison and Hinkley, 1997, section 4.2).
	P float64 `json:"p"`
}

// Paired compares two systems by a paired bootstrap (Koehn, Statistical
// Significance Tests for Machine Translation Evaluation, 2004): both are
// judged on the same redrawn examples, first to last.
func Paired(n int, first, second Statistic, r Resampling) (Difference, error) {
	diff := func(indices []int) float64 { return second(indices) - first(indices) }
	values, err := resample(n, r, diff)
	if err != nil {
		return Difference{}, err
	}
	low, high := 1, 1
	for _, v := range values {
		if v <= 0 {
			low++
		}
		if v >= 0 {
			high++
		}
	}
	p := 2 * float64(min(low, high)) / float64(len(values)+1)
	return Difference{Value: diff(identity(n)), Interval: middle(values), P: min(1, p)}, nil
}

// resample returns the values of stat over the redrawn examples, ascending.
func resample(n int, r Resampling, stat Statistic) ([]float64, error) {
	if n <= 0 {
		return nil, errors.New("bootstrap: no examples")
	}
	if r.Resamples == 0 {
		r.Resamples = DefaultResamples
	}
	if r.Resamples < 2 || r.Resamples > MaxResamples {
		return nil, fmt.Errorf("bootstrap: %d resamples, want 2 to %d", r.Resamples, MaxResamples)
	}
	values := make([]float64, r.Resamples)
	indices := make([]int, n)
	for i := range values {
		draw(indices, r.Seed, uint64(i))
		values[i] = stat(indices)
		if math.IsNaN(values[i]) {
			return nil, fmt.Errorf("bootstrap: resample %d has no value (NaN)", i)
		}
	}
	slices.Sort(values)
	return values, nil
}

// draw fills indices with resample number stream: uniform indices below
// len(indices), drawn with replacement. Every resample has a PCG stream of its
// own, so that resamples may be computed in any order.
func draw(indices []int, seed, stream uint64) {
	src := rand.NewPCG(seed, stream)
	for i := range indices {
		// The high word of a 64-by-64-bit product is uniform but for a bias
		// of n/2^64, far below what any resample can show.
		hi, _ := bits.Mul64(src.Uint64(), uint64(len(indices)))
		indices[i] = int(hi)
	}
}

func identity(n int) []int {
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return indices
}

func middle(sorted []float64) Interval {
	tail := (1 - Confidence) / 2
	return Interval{Quantile(sorted, tail), Quantile(sorted, 1-tail)}
}

// Quantile returns the q-quantile (0 <= q <= 1) of ascending values, with
// linear interpolation between neighbours, as numpy.quantile does by default.
// It returns NaN for no values.
func Quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 || math.IsNaN(q) {
		return math.NaN()
	}
	at := min(max(q, 0), 1) * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	frac := at - float64(i)
	return sorted[i] + (sorted[i+1]-sorted[i])*frac
}
