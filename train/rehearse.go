package train

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/troikaml/troika/compute"
)

// Rehearsal is what a run will be, found out before it by going through its steps on a
// device that computes nothing, such as one of compute/cpu with Options.Rehearse: the
// trainer's own code says what it allocates and which products it asks for.
type Rehearsal struct {
	Steps        int
	MicroBatches int
	Tokens       int64 // that pass through the model in training, over the whole run
	Learned      int64 // of them, those with a loss
	Trained      int64 // parameters that are trained
	Longest      int   // tokens of the largest micro-batch

	// Flops of the whole run: of training's forward and backward passes, and of
	// measuring without learning (validation, and the base's margins of preferences).
	Forward, Backward, Measuring int64

	// Weights are the bytes of the model, Peak those of tensors at the most, adapter and
	// optimizer among them, and Saving those of the state's copy while it is written.
	// Garbage is what the program's collector may leave beside those.
	Weights, Peak, Saving, Garbage int64
	State                          int64 // bytes of the state's file

	batches     []extent // micro-batches of the run
	measured    []extent // passes of a validation
	margins     []extent // passes that ask the base about preferences
	saves       int      // saved states
	validations int
}

// extent is the size of a micro-batch.
type extent struct{ tokens, labels, longest int }

// Memory is what all of that takes at the most, in bytes.
func (r *Rehearsal) Memory() int64 { return r.Weights + r.Peak + r.Saving + r.Garbage }

// Watch is what a rehearsing device reports to. The zero value is ready to use.
type Watch struct {
	see func(compute.Op, []compute.Spec)
}

// See takes note of an operator.
func (w *Watch) See(op compute.Op, in []compute.Spec) {
	if w.see != nil {
		w.see(op, in)
	}
}

// Bounds of a rehearsal. The first micro-batches show how memory is reused, the largest
// how much there is at once.
const (
	rehearsedFirst   = 128
	rehearsedLargest = 12
	passTokens       = 1 << 20 // of a pass that only counts
)

// Rehearse goes through a job whose device reports to w; nothing is read from or written
// to Job.Dir. Of a preference only the numbers of reference margins matter. The model
// and the parameters are as before.
func Rehearse(ctx context.Context, job Job, w *Watch) (res *Rehearsal, err error) {
	defer compute.Recover(&err)
	r := &rehearser{runner: runner{Job: &job}, w: w, res: &Rehearsal{}}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("plan training: %w", err)
	}
	defer r.free()
	defer func() { w.see = nil }()
	r.prepare()
	for _, do := range []func(context.Context) error{r.deal, r.play, r.count} {
		if err := do(ctx); err != nil {
			return nil, fmt.Errorf("plan training: %w", err)
		}
	}
	return r.res, nil
}

type rehearser struct {
	runner
	w    *Watch
	res  *Rehearsal
	used []int // how often each sequence comes in the run
}

// deal lists the micro-batches of the run.
func (r *rehearser) deal(ctx context.Context) error {
	res := r.res
	res.Steps, res.MicroBatches = r.at.Steps, r.at.Steps*r.Config.Accumulate
	r.used = make([]int, len(r.Train))
	var at cursor
	for i := range res.MicroBatches {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var pick []int
		pick, at = r.plan.next(at)
		e := extentOf(r.Train, pick)
		res.batches = append(res.batches, e)
		res.Tokens += int64(e.tokens)
		res.Learned += int64(e.labels)
		res.Longest = max(res.Longest, e.tokens)
		for _, s := range pick {
			r.used[s]++
		}
	}
	for _, p := range r.Params {
		res.Trained += int64(p.Tensor.Len())
	}
	res.State = 3 * 4 * res.Trained // parameters and both moments, as F32
	// Each tensor is read from the device and encoded: two copies, of which the first is
	// the collector's to take back.
	res.Saving = 2 * res.State
	due := func(every int) int {
		n := 1 // the last step
		if every > 0 {
			n += (res.Steps - 1) / every
		}
		return n
	}
	res.saves = due(r.Config.SaveEvery)
	if len(r.Valid) > 0 {
		res.validations = due(r.Config.ValidEvery)
		res.measured = r.extents(r.Valid)
	}
	if r.Preference != nil {
		res.margins = append(r.extents(r.Train), res.measured...)
	}
	return nil
}

// extents returns the passes that measure sequences.
func (r *rehearser) extents(seqs []Sequence) []extent {
	var list []extent
	for _, pick := range inOrder(seqs, r.plan.group, r.Config.MicroTokens) {
		list = append(list, extentOf(seqs, pick))
	}
	return list
}

func extentOf(seqs []Sequence, pick []int) extent {
	var e extent
	for _, i := range pick {
		n := len(seqs[i].Tokens) - 1
		e.tokens += n
		e.labels += seqs[i].labels()
		e.longest = max(e.longest, n)
	}
	return e
}

// play runs steps for their memory: the first of the run, then the largest micro-batches
// where gradients of others are there already.
func (r *rehearser) play(ctx context.Context) error {
	first := min(r.res.MicroBatches, rehearsedFirst) / r.Config.Accumulate * r.Config.Accumulate
	largest := r.largest()
	var at cursor
	for i := range r.res.MicroBatches {
		var pick []int
		pick, at = r.plan.next(at)
		if i >= first && !largest[i] {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := backward(r.Device, r.Model, r.params, r.Train, pick, r.learn, r.dropout(uint64(i))); err != nil {
			return err
		}
		if i < first && (i+1)%r.Config.Accumulate == 0 {
			if err := r.step(); err != nil {
				return err
			}
		}
	}
	for i, pick := range inOrder(r.Valid, r.plan.group, r.Config.MicroTokens) {
		if i >= rehearsedFirst && r.res.measured[i].tokens < r.res.Longest {
			continue
		}
		if _, _, err := forward(r.Device, r.Model, r.Valid, pick); err != nil {
			return err
		}
	}
	stats := r.Device.Stats()
	r.res.Weights, r.res.Peak, r.res.Garbage = stats.Weights, stats.Peak, stats.Garbage
	return nil
}

// step is an update.
func (r *rehearser) step() error {
	_, err := update(r.Device, r.params, &r.Config, 1, r.Config.LR, 1)
	return err
}

// largest picks the micro-batches that may take the most memory: by tokens, by rows with
// a loss, and by the longest sequence.
func (r *rehearser) largest() map[int]bool {
	picked := map[int]bool{}
	for _, size := range []func(extent) int{
		func(e extent) int { return e.tokens },
		func(e extent) int { return e.labels },
		func(e extent) int { return e.longest },
	} {
		order := make([]int, len(r.res.batches))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return size(r.res.batches[b]) - size(r.res.batches[a]) })
		for _, i := range order[:min(rehearsedLargest, len(order))] {
			picked[i] = true
		}
	}
	return picked
}

// count sums the products of all sequences. A row's are its own, and attention's those of
// its sequence, so that sequences may be packed in any way.
func (r *rehearser) count(ctx context.Context) error {
	var value, gradient int64
	r.w.see = func(op compute.Op, in []compute.Spec) {
		own, beside := compute.Flops(op, in)
		value += own
		gradient += beside
	}
	defer func() { r.w.see = nil }()
	for _, pick := range r.alike() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		times := int64(r.used[pick[0]])
		value, gradient = 0, 0
		if _, _, err := forward(r.Device, r.Model, r.Train, pick); err != nil {
			return err
		}
		once := value
		value, gradient = 0, 0
		if _, err := backward(r.Device, r.Model, r.params, r.Train, pick, likelihood, r.dropout(0)); err != nil {
			return err
		}
		r.res.Forward += times * once
		r.res.Backward += times * (value + gradient - once)
	}
	measured := func(seqs []Sequence, times int) error {
		value, gradient = 0, 0
		for _, pick := range inOrder(seqs, 1, passTokens) {
			if _, _, err := forward(r.Device, r.Model, seqs, pick); err != nil {
				return err
			}
		}
		r.res.Measuring += int64(times) * (value + gradient)
		return ctx.Err()
	}
	err := measured(r.Valid, r.res.validations)
	if r.Preference != nil { // the base is asked about all pairs
		err = errors.Join(err, measured(r.Train, 1), measured(r.Valid, 1))
	}
	return err
}

// alike parts the sequences that the run uses into passes whose sequences come equally
// often.
func (r *rehearser) alike() [][]int {
	order := make([]int, len(r.Train))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return r.used[b] - r.used[a] })
	var passes [][]int
	room := 0
	for _, i := range order {
		n := len(r.Train[i].Tokens)
		if r.used[i] == 0 {
			break
		}
		last := len(passes) - 1
		if last < 0 || r.used[passes[last][0]] != r.used[i] || room < n {
			passes, room, last = append(passes, nil), passTokens, last+1
		}
		passes[last] = append(passes[last], i)
		room -= n
	}
	return passes
}
