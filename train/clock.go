package train

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// part is operators that run one after another.
type part struct{ scenes []scene }

// scene is an operator with its inputs, and how often it comes.
type scene struct {
	op    compute.Op
	in    []compute.Spec
	times int
}

// alone returns an operator without what tells its uses apart and costs nothing.
func alone(op compute.Op) compute.Op {
	switch op := op.(type) {
	case compute.Attention:
		op.Layer = 0
		return op
	case compute.AttentionBack:
		op.Layer = 0
		return op
	case compute.Dropout:
		op.Stream = 0
		return op
	default:
		return op
	}
}

// weightOf returns the weight of an operator, nil for those that have none, and the
// operator with another in its place.
func weightOf(op compute.Op) (w compute.Weight, with func(compute.Weight) compute.Op) {
	switch op := op.(type) {
	case compute.Linear:
		return op.W, func(w compute.Weight) compute.Op { op.W = w; return op }
	case compute.Embed:
		return op.W, func(w compute.Weight) compute.Op { op.W = w; return op }
	case compute.HeadLoss:
		return op.W, func(w compute.Weight) compute.Op { op.W = w; return op }
	default:
		return nil, nil
	}
}

// key tells scenes apart that take different times.
func (s *scene) key() string {
	var b strings.Builder
	op := s.op
	if w, with := weightOf(op); w != nil {
		out, in := w.Dims()
		_, _ = fmt.Fprintf(&b, "%d %d %s ", out, in, w.DType())
		op = with(nil)
	}
	_, _ = fmt.Fprintf(&b, "%s %v %v", op.Name(), op, s.in)
	return b.String()
}

// Times is how long the parts of a run take on a machine.
type Times struct {
	Training  time.Duration // of all steps
	Measuring time.Duration // validation, and the base's margins of preferences
	Saving    time.Duration
}

// Total is the time of the whole run, from the first step on.
func (t Times) Total() time.Duration { return t.Training + t.Measuring + t.Saving }

// Time tells how long the run takes on a device that computes, by timing each of its
// operators alone on the shapes that some micro-batches have, and taking those between
// for what lies between in time. save writes a state of so many bytes as a run saves
// its own, and may be nil.
func (r *Rehearsal) Time(ctx context.Context, dev compute.Device, save func(bytes int64) error) (times Times, err error) {
	defer compute.Recover(&err)
	c := &clock{ctx: ctx, dev: dev, known: map[string]time.Duration{}}
	type point struct {
		tokens        int
		learn, listen time.Duration
	}
	var points []point
	for i := range r.samples {
		s := &r.samples[i]
		points = append(points, point{s.tokens, c.part(&s.learn), c.part(&s.listen)})
	}
	update := c.part(&r.update)
	if c.err != nil {
		return Times{}, fmt.Errorf("time training: %w", c.err)
	}
	of := func(batches []extent, value func(point) time.Duration) time.Duration {
		var sum float64
		for _, e := range batches {
			i, _ := slices.BinarySearchFunc(points, e.tokens, func(p point, n int) int { return p.tokens - n })
			i = max(1, min(i, len(points)-1))
			if len(points) == 1 {
				sum += float64(value(points[0])) * float64(e.tokens) / float64(points[0].tokens)
				continue
			}
			a, b := points[i-1], points[i]
			share := float64(e.tokens-a.tokens) / float64(b.tokens-a.tokens)
			sum += max(0, float64(value(a))+share*float64(value(b)-value(a)))
		}
		return time.Duration(sum)
	}
	listen := func(p point) time.Duration { return p.listen }
	times.Training = of(r.batches, func(p point) time.Duration { return p.learn }) + time.Duration(r.Steps)*update
	times.Measuring = time.Duration(r.validations)*of(r.measured, listen) + of(r.margins, listen)
	if save != nil {
		start := time.Now()
		if err := save(r.State); err != nil {
			return Times{}, fmt.Errorf("time training: %w", err)
		}
		times.Saving = time.Duration(r.saves) * time.Since(start)
	}
	return times, nil
}

// clock times operators.
type clock struct {
	ctx   context.Context
	dev   compute.Device
	known map[string]time.Duration
	err   error
}

// Bounds of timing one operator.
const (
	timedAtLeast = time.Millisecond
	timedTimes   = 3
	coldBytes    = 48 << 20 // that no cache holds at once
	mostSets     = 64       // of what an operator works on
	headRows     = 1 << 14  // of a vocabulary; the time grows with its rows
)

// part returns the time of operators, as often as they come.
func (c *clock) part(p *part) time.Duration {
	var sum time.Duration
	for i := range p.scenes {
		s := &p.scenes[i]
		key := s.key()
		once, ok := c.known[key]
		if !ok && c.err == nil {
			if c.err = c.ctx.Err(); c.err == nil {
				once, c.err = c.time(s)
			}
			c.known[key] = once
		}
		sum += time.Duration(s.times) * once
	}
	return sum
}

// time returns how long an operator takes: the median of some runs, since a training run
// meets what disturbs some of them as well. A training run comes back to a weight or an
// activation only when all the others of a pass went through the caches, so each run
// here has weights, inputs and results of its own, taken in turn.
func (c *clock) time(s *scene) (time.Duration, error) {
	ops, more, freeOps, err := c.stage(s)
	if err != nil {
		return 0, err
	}
	defer freeOps()
	bytes := 0
	for _, in := range s.in {
		bytes += 4 * in.Len()
	}
	results := ops[0].Results(s.in)
	for _, out := range results {
		bytes += 4 * out.Len()
	}
	var sets, made [][]*compute.Tensor
	free := func(lists [][]*compute.Tensor) {
		for _, list := range lists {
			for _, t := range list {
				c.dev.Free(t)
			}
		}
	}
	defer func() { free(sets) }()
	n := max(1, min(mostSets, coldBytes/max(1, bytes)))
	for range n {
		sets = append(sets, c.inputs(s))
		var room []*compute.Tensor
		for _, out := range results {
			room = append(room, c.dev.New(out))
			c.touch(room[len(room)-1])
		}
		made = append(made, room)
	}
	free(made) // the device hands this memory out again
	made = nil
	var took []time.Duration
	for i, spent := -1, time.Duration(0); spent < timedAtLeast || len(took) < timedTimes; i++ {
		if len(made) == n {
			free(made)
			made = made[:0]
		}
		at := max(i, 0)
		start := time.Now()
		out := c.dev.Run(ops[at%len(ops)], sets[at%n])
		t := time.Since(start)
		made = append(made, out)
		if i >= 0 { // the first run takes the operator's working memory
			took = append(took, t)
			spent += t
		}
	}
	free(made)
	slices.Sort(took)
	return time.Duration(float64(took[len(took)/2]) * more), nil
}

// touch writes to a tensor, so that there is memory behind it.
func (c *clock) touch(t *compute.Tensor) {
	if t.DType == tensor.I32 {
		c.dev.WriteInts(t, make([]int32, t.Len()))
		return
	}
	c.dev.Run(compute.Fill{Value: 0.25}, []*compute.Tensor{t})
}

// stage returns an operator for each of the weights that it meets in turn, and what
// their time is to be multiplied by.
func (c *clock) stage(s *scene) (ops []compute.Op, more float64, free func(), err error) {
	w, with := weightOf(s.op)
	if w == nil {
		return []compute.Op{s.op}, 1, func() {}, nil
	}
	out, in := w.Dims()
	more = 1
	if _, head := s.op.(compute.HeadLoss); head && out > headRows {
		out, more = headRows, float64(out)/headRows
	}
	bytes := max(1, w.DType().Bytes(out*in))
	var made []compute.Weight
	free = func() {
		for _, w := range made {
			w.Free()
		}
	}
	for range max(1, min(mostSets, coldBytes/bytes)) {
		one, err := c.dev.Prepare(tensor.Tensor{DType: w.DType(), Shape: []int{out, in}, Data: make([]byte, bytes)})
		if err != nil {
			free()
			return nil, 0, nil, err
		}
		made = append(made, one)
		ops = append(ops, with(one))
	}
	return ops, more, free, nil
}

// inputs makes tensors that an operator takes: numbers of middling size, and indices
// that count up within what they may name.
func (c *clock) inputs(s *scene) []*compute.Tensor {
	var in []*compute.Tensor
	for _, spec := range s.in {
		t := c.dev.New(spec)
		if spec.DType == tensor.I32 {
			v := make([]int32, spec.Len())
			for i := range v {
				v[i] = int32(i % c.names(s))
			}
			c.dev.WriteInts(t, v)
		} else {
			c.touch(t)
		}
		in = append(in, t)
	}
	return in
}

// names is how many rows the indices of an operator may name.
func (c *clock) names(s *scene) int {
	switch op := s.op.(type) {
	case compute.GatherRows:
		rows, _ := s.in[0].Rows()
		return rows
	case compute.ScatterAddRows:
		return op.Rows
	case compute.Embed:
		out, _ := op.W.Dims()
		return out
	case compute.HeadLoss:
		out, _ := op.W.Dims()
		return min(out, headRows)
	case compute.CrossEntropy, compute.CrossEntropyBack:
		return s.in[0].Shape[1]
	default: // positions
		return 1 << 20
	}
}
