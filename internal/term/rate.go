package term

import "time"

const (
	// rateWindow is how far back a rate looks: long enough to smooth uneven
	// steps, short enough to follow a change.
	rateWindow = 10 * time.Second
	// rateSpacing is the least time between two samples that are kept.
	rateSpacing = 250 * time.Millisecond
)

// rate measures how fast a counter moves, over the last [rateWindow].
type rate struct {
	samples []sample // ascending in time; the newest may be replaced
}

type sample struct {
	at time.Time
	n  int64
}

// observe records the counter's value. Times must not go back.
func (r *rate) observe(at time.Time, n int64) {
	last := len(r.samples) - 1
	if last >= 1 && at.Sub(r.samples[last-1].at) < rateSpacing {
		r.samples[last] = sample{at, n}
		return
	}
	for len(r.samples) >= 2 && at.Sub(r.samples[1].at) >= rateWindow {
		r.samples = r.samples[1:]
	}
	r.samples = append(r.samples, sample{at, n})
}

// perSecond returns the mean rate over the window, 0 while it is unknown.
func (r *rate) perSecond(now time.Time) float64 {
	if len(r.samples) < 2 {
		return 0
	}
	first, last := r.samples[0], r.samples[len(r.samples)-1]
	seconds := max(now.Sub(first.at), last.at.Sub(first.at)).Seconds()
	if seconds <= 0 || last.n <= first.n {
		return 0
	}
	return float64(last.n-first.n) / seconds
}
