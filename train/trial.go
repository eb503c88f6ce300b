package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// Times is how long the parts of a run take on a machine.
type Times struct {
	Training  time.Duration // of all steps
	Measuring time.Duration // validation, and the base's margins of preferences
	Saving    time.Duration
}

// Total is the time of the whole run, from the first step on.
func (t Times) Total() time.Duration { return t.Training + t.Measuring + t.Saving }

// Bounds of trying a run.
const (
	triedLeast = time.Second      // however short the run is: a shorter look is chance
	triedMost  = 12 * time.Second // with more than two micro-batches
	triedTwo   = 40 * time.Second // with more than one
	triedPart  = 0.75             // of what is left of the context
	triedBatch = 65               // different micro-batches
)

// Time tells how long the run takes, by doing some of it: micro-batches of all sizes,
// forward and backward, and updates with a learning rate of 0. What lies between the sizes
// that were tried is taken for what lies between in time. Where Job.Dir is not "", a state
// is saved in a folder of its own there, which is removed again. The job is the one that
// was rehearsed, on a device that computes; its parameters and model are left as they are.
//
// It takes some twelve seconds, and as long as one micro-batch at least. Its error is that of
// ctx where ctx ends before anything is known.
func (r *Rehearsal) Time(ctx context.Context, job Job) (times Times, err error) {
	defer compute.Recover(&err)
	job.Device = within{job.Device, ctx}
	t := &trial{runner: runner{Job: &job}, ctx: ctx, res: r, points: map[int]*point{}}
	if err := t.check(); err != nil {
		return Times{}, fmt.Errorf("time training: %w", err)
	}
	defer t.free()
	err = t.try()
	if errors.Is(err, context.DeadlineExceeded) && len(t.points) > 0 && t.updates > 0 {
		err = nil // what was tried until then must do
	}
	if err != nil {
		return Times{}, fmt.Errorf("time training: %w", err)
	}
	return t.times(), nil
}

// trial is some of a run, done to see how long it takes.
type trial struct {
	runner
	ctx context.Context
	res *Rehearsal

	points map[int]*point // by tokens
	first  point          // the first micro-batch of all, while memory is new
	learnt int            // micro-batches since the last update
	weight float64        // of their losses

	updating time.Duration // all updates
	updates  int
	saving   time.Duration
}

// point is how long micro-batches of one size took together, with a backward pass and
// without.
type point struct {
	tokens, n     int
	learn, listen time.Duration
}

// try runs micro-batches of different sizes in turn, so that each meets the caches and the
// memory as others left them, as in the run.
func (t *trial) try() error {
	start, left := time.Now(), triedTwo
	if end, ok := t.ctx.Deadline(); ok {
		left = time.Duration(triedPart * float64(time.Until(end)))
	}
	t.prepare()
	tried := t.choose()
	measures := len(t.res.margins) > 0 || t.res.validations > 0
	var err error
	if t.first, err = t.once(tried[0], measures); err != nil {
		return err
	}
	perToken := float64(t.first.learn+t.first.listen) / float64(t.first.tokens)
	for i, most := 0, min(left, triedTwo); ; i, most = i+1, min(left, triedMost) {
		micro := tried[i%len(tried)]
		spent, next := time.Since(start), time.Duration(perToken*float64(micro.size.tokens))
		if spent+next > most || i >= t.res.MicroBatches && spent > triedLeast {
			break
		}
		p, err := t.once(micro, measures)
		if err != nil {
			return err
		}
		t.note(p)
	}
	if len(t.points) == 0 {
		t.note(t.first)
	}
	if t.updates == 0 {
		if err := t.update(); err != nil {
			return err
		}
	}
	return t.writeState()
}

func (t *trial) note(p point) {
	q := t.points[p.tokens]
	if q == nil {
		q = &point{tokens: p.tokens}
		t.points[p.tokens] = q
	}
	q.n += p.n
	q.learn += p.learn
	q.listen += p.listen
}

// tried is a micro-batch that is tried.
type tried struct {
	number int // in the run
	pick   []int
	size   extent
}

// choose returns micro-batches that stand for all: by tokens the middle one, the smallest
// and the largest, the quartiles, and so on.
func (t *trial) choose() []tried {
	batches := t.res.batches
	order := make([]int, len(batches))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(batches[a].tokens, batches[b].tokens) })
	last := len(order) - 1
	ranks := []int{last / 2, 0, last}
	for parts := 4; parts < triedBatch; parts *= 2 {
		for k := 1; k < parts; k += 2 {
			ranks = append(ranks, last*k/parts)
		}
	}
	chosen := map[int]*tried{}
	var numbers []int
	for _, rank := range ranks {
		i := order[rank]
		if chosen[i] == nil {
			chosen[i] = &tried{number: i, size: batches[i]}
			numbers = append(numbers, i)
		}
	}
	var at cursor
	for i := range batches {
		var pick []int
		pick, at = t.plan.next(at)
		if c := chosen[i]; c != nil {
			c.pick = pick
		}
	}
	list := make([]tried, len(numbers))
	for k, i := range numbers {
		list[k] = *chosen[i]
	}
	return list
}

// once does a micro-batch, and an update where one is due.
func (t *trial) once(m tried, measures bool) (p point, err error) {
	p = point{tokens: m.size.tokens, n: 1}
	p.learn, err = t.stopwatch(func() error {
		done, err := backward(t.Device, t.Model, t.params, t.Train, m.pick, t.learn, t.dropout(uint64(m.number)))
		t.weight += done.weight
		return err
	})
	if err != nil {
		return p, err
	}
	if t.learnt++; t.learnt == t.Config.Accumulate {
		if err := t.update(); err != nil {
			return p, err
		}
	}
	if measures {
		p.listen, err = t.stopwatch(func() error {
			_, _, err := forward(t.Device, t.Model, t.Train, m.pick)
			return err
		})
	}
	return p, err
}

// update leaves the parameters as they are.
func (t *trial) update() error {
	took, err := t.stopwatch(func() error {
		_, err := update(t.Device, t.params, &t.Config, t.updates+1, 0, t.weight)
		return err
	})
	if err == nil {
		t.updating += took
		t.updates++
	}
	t.learnt, t.weight = 0, 0
	return err
}

// writeState saves the state as it is, and removes it.
func (t *trial) writeState() error {
	if t.Dir == "" {
		return nil
	}
	dir, err := os.MkdirTemp(t.Dir, ".plan-*")
	if err != nil {
		return err
	}
	t.saving, err = t.stopwatch(func() error { return save(t.Device, dir, t.params, t.at) })
	return errors.Join(err, os.RemoveAll(dir))
}

// stopwatch tells how long do takes, unless the device gave up meanwhile.
func (t *trial) stopwatch(do func() error) (time.Duration, error) {
	start := time.Now()
	err := do()
	took := time.Since(start)
	if stopped := t.ctx.Err(); stopped != nil {
		return 0, stopped
	}
	return took, err
}

// times is what follows for the whole run.
func (t *trial) times() Times {
	c := curve{}
	for _, p := range t.points {
		c = append(c, *p)
	}
	slices.SortFunc(c, func(a, b point) int { return cmp.Compare(a.tokens, b.tokens) })
	learn := func(p point) time.Duration { return p.learn }
	listen := func(p point) time.Duration { return p.listen }
	r := t.res
	times := Times{
		Training:  c.of(r.batches, learn) + time.Duration(r.Steps)*t.updating/time.Duration(t.updates),
		Measuring: time.Duration(r.validations)*c.of(r.measured, listen) + c.of(r.margins, listen),
		Saving:    time.Duration(r.saves) * t.saving,
	}
	// The first micro-batch takes its memory from the system, which happens once.
	usual := c.of([]extent{{tokens: t.first.tokens}}, learn)
	times.Training += max(0, t.first.learn-usual)
	return times
}

// curve is how long micro-batches take, by their tokens, ascending.
type curve []point

// of sums what batches take.
func (c curve) of(batches []extent, value func(point) time.Duration) time.Duration {
	mean := func(p point) float64 { return float64(value(p)) / float64(p.n) }
	var sum float64
	for _, e := range batches {
		i, _ := slices.BinarySearchFunc(c, e.tokens, func(p point, n int) int { return cmp.Compare(p.tokens, n) })
		if i == 0 || i == len(c) { // beyond what was tried
			p := c[min(i, len(c)-1)]
			sum += mean(p) * float64(e.tokens) / float64(p.tokens)
			continue
		}
		a, b := c[i-1], c[i]
		share := float64(e.tokens-a.tokens) / float64(b.tokens-a.tokens)
		sum += mean(a) + share*(mean(b)-mean(a))
	}
	return time.Duration(sum)
}

// within is a device that gives up when ctx ends: Prepare returns its error, and operators
// are no longer computed, so that what is under way ends soon and frees what it holds.
type within struct {
	compute.Device
	ctx context.Context
}

// Run implements [compute.Device]. Once ctx has ended, the values of results are undefined.
func (w within) Run(op compute.Op, in []*compute.Tensor) []*compute.Tensor {
	if w.ctx.Err() == nil {
		return w.Device.Run(op, in)
	}
	specs := make([]compute.Spec, len(in))
	for i, t := range in {
		specs[i] = t.Spec
	}
	var out []*compute.Tensor
	for _, s := range op.Results(specs) {
		out = append(out, w.New(s))
	}
	return out
}

// Prepare implements [compute.Device].
func (w within) Prepare(t tensor.Tensor) (compute.Weight, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	return w.Device.Prepare(t)
}
