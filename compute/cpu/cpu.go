package cpu

import (
	"runtime"
	"sync"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

// Options configure a Device. The zero value is ready to use.
type Options struct {
	// Threads is the number of workers, the caller of Run included. Zero means
	// one for each processor that Go may use.
	Threads int
	// Guard surrounds every tensor with zones of a known pattern, which
	// [Device.GuardError] looks at. It costs memory and time; it is for tests.
	Guard bool
	// Rehearse, if not nil, makes a device that computes nothing and holds no memory: it
	// counts what it would hold, to the byte, and tells Rehearse of each operator before it
	// would run, from the goroutine that asked for it. Everything reads as zero. The
	// source of a weight is not read.
	Rehearse func(op compute.Op, in []compute.Spec)
}

// Device implements [compute.Device] on the host's processor. It may be used by
// several goroutines.
type Device struct {
	work      workers
	mem       pool
	arena     arena
	scratches scratches
	calls     sync.Pool // of *call
	rope      ropeCache
	rehearse  func(op compute.Op, in []compute.Spec) // nil on a device that computes
}

// New returns a device with workers of its own. Close it to stop them.
func New(o Options) *Device {
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.Rehearse != nil {
		o.Threads = 1
	}
	d := &Device{rehearse: o.Rehearse}
	d.mem.dry, d.arena.dry = o.Rehearse != nil, o.Rehearse != nil
	d.calls.New = func() any { return &call{dev: d} }
	d.mem.guard = o.Guard
	d.work.start(o.Threads)
	return d
}

// Close stops the workers and gives pooled memory back. No operator may run
// meanwhile or afterwards; tensors may still be freed.
func (d *Device) Close() {
	d.work.stop()
	d.mem.close()
}

// Name implements [compute.Device].
func (*Device) Name() string { return "cpu " + kernel.Engine() }

// Threads returns the number of workers, the caller of Run included.
func (d *Device) Threads() int { return d.work.threads }

// Supports implements [compute.Device]: what has no code of its own runs its
// reference.
func (*Device) Supports(compute.Op) bool { return true }

// Sync implements [compute.Device]: operators are done when Run returns.
func (*Device) Sync() {}

// call is one operator at work: its inputs and results as host slices.
type call struct {
	dev     *Device
	specs   []compute.Spec
	in, out []compute.View
	attends []attend // reused
}

// Run implements [compute.Device]. It returns when the results are there.
func (d *Device) Run(op compute.Op, in []*compute.Tensor) []*compute.Tensor {
	if d.rehearse != nil {
		return d.runDry(op, in)
	}
	c := d.calls.Get().(*call)
	for _, t := range in {
		c.specs = append(c.specs, t.Spec)
		c.in = append(c.in, view(t))
	}
	out := d.results(c, op.Results(c.specs))
	done := false
	defer func() { // a bad index panics: what was made then is freed
		if !done {
			for _, t := range out {
				d.Free(t)
			}
		}
	}()
	if !c.run(op) {
		op.Reference(c.out, c.in)
	}
	done = true
	clear(c.specs)
	clear(c.in)
	clear(c.out)
	clear(c.attends)
	c.specs, c.in, c.out = c.specs[:0], c.in[:0], c.out[:0]
	d.calls.Put(c)
	return out
}

// results makes the tensors that a call writes.
func (d *Device) results(c *call, specs []compute.Spec) []*compute.Tensor {
	if len(specs) == 0 {
		return nil
	}
	out := make([]*compute.Tensor, len(specs))
	for i, s := range specs {
		out[i] = d.New(s)
		c.out = append(c.out, view(out[i]))
	}
	return out
}

// run executes op if it has code of its own here.
func (c *call) run(op compute.Op) bool {
	switch op := op.(type) {
	case compute.Linear:
		return c.linear(op)
	case compute.MatMul:
		c.matMul(op)
	case compute.GroupedMatMul:
		return c.groupedMatMul(op)
	case compute.Embed:
		c.embed(op)
	case compute.RMSNorm:
		c.rmsNorm(op)
	case compute.RMSNormBack:
		c.rmsNormBack(op)
	case compute.RoPE:
		c.rotate(op)
	case compute.GLU:
		return c.glu(op)
	case compute.GLUBack:
		return c.gluBack(op)
	case compute.Attention:
		return c.attention(op)
	case compute.AttentionBack:
		c.attentionBack(op)
	default:
		return c.runRest(op)
	}
	return true
}

// runRest is run for the operators that move little.
func (c *call) runRest(op compute.Op) bool {
	switch op := op.(type) {
	case compute.Add:
		c.add(op)
	case compute.Activate:
		return c.activate(op)
	case compute.LayerNorm:
		c.layerNorm(op)
	case compute.AddBias:
		c.addBias()
	case compute.SumRows:
		c.sumRows()
	case compute.Scale:
		c.scale(op)
	case compute.ScaleRows:
		c.scaleRows()
	case compute.Fill:
		c.fill(op)
	case compute.SumSquares:
		c.sumSquares()
	case compute.Dropout:
		c.dropout(op)
	case compute.AdamW:
		c.adamW(op)
	case compute.GatherRows:
		c.gatherRows(op)
	case compute.ScatterRows:
		c.scatterRows(op)
	case compute.ScatterAddRows:
		c.scatterAddRows(op)
	case compute.MoERoute:
		c.moeRoute(op)
	case compute.MoERouteBack:
		c.moeRouteBack(op)
	case compute.WeightedSum:
		c.weightedSum()
	case compute.WeightedSumBack:
		c.weightedSumBack()
	case compute.CrossEntropy:
		c.crossEntropy(op)
	case compute.CrossEntropyBack:
		c.crossEntropyBack(op)
	case compute.LowRank:
		return c.lowRank(op)
	case compute.HeadLoss:
		return c.headLoss(op)
	default:
		return false
	}
	return true
}
