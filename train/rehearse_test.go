package train_test

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tensor"
	"github.com/troikaml/troika/train"
)

// tiny is a run of a tiny model, on a device.
func tiny(t *testing.T, dir string, dev compute.Device, change func(*train.Job)) (train.Job, func()) {
	t.Helper()
	m, free := modeltest.Load(t, all.Architectures(), dir, dev, false)
	x, err := adapter.New(m.Device, m.Model, adapter.Config{Rank: 4, Alpha: 8, Dropout: 0.1}, 5)
	if err != nil {
		t.Fatal(err)
	}
	adapter.NewSet(m.Model).Add(x)
	j := train.Job{
		Device: m.Device, Model: m.Model, Params: x.Params(), Train: sequences(40, 1), Valid: sequences(10, 2),
		Context: 128, Vocab: 89, Config: config(), Dir: t.TempDir(),
	}
	if change != nil {
		change(&j)
	}
	return j, func() {
		x.Free()
		free()
	}
}

// preferences makes a job learn pairs.
func preferences(j *train.Job) {
	for _, s := range [][]train.Sequence{j.Train, j.Valid} {
		for i := range s {
			for k := range s[i].Weights {
				s[i].Weights[k] = min(1, s[i].Weights[k])
			}
		}
	}
	j.Preference = &train.Preference{Beta: 0.1, Train: make([]float64, len(j.Train)/2), Valid: make([]float64, len(j.Valid)/2)}
}

var tinyRuns = []struct {
	name, dir string
	change    func(*train.Job)
}{
	{"qwen3", "../model/qwen3/testdata/tied", nil},
	{"one micro-batch a step", "../model/qwen3/testdata/tied", func(j *train.Job) { j.Config.Accumulate = 1 }},
	{"one sequence at a time", "../model/qwen3/testdata/tied", func(j *train.Job) { j.Config.MicroTokens, j.Config.Accumulate = 2, 5 }},
	{"gemma", "../model/gemma3/testdata/bf16", nil},
	{"preferences", "../model/qwen3/testdata/tied", preferences},
	{"no validation, by epochs", "../model/qwen3/testdata/tied", func(j *train.Job) { j.Valid, j.Config.Steps, j.Config.Epochs = nil, 0, 2 }},
}

// rehearsed returns the rehearsal of a tiny run, which leaves less than its peak behind.
func rehearsed(t *testing.T, dir string, change func(*train.Job)) *train.Rehearsal {
	t.Helper()
	var watch train.Watch
	dry := cpu.New(cpu.Options{Rehearse: watch.See})
	defer dry.Close()
	j, free := tiny(t, dir, dry, change)
	defer free()
	got, err := train.Rehearse(t.Context(), j, &watch)
	if err != nil {
		t.Fatal(err)
	}
	if after := dry.Stats(); after.Live >= got.Peak {
		t.Errorf("%d bytes are live after a rehearsal with a peak of %d", after.Live, got.Peak)
	}
	return got
}

// What a rehearsal says of memory and tokens is what the device and the trainer count
// when the run is done, to the byte.
func TestRehearsalIsWhatHappens(t *testing.T) {
	for _, c := range tinyRuns {
		t.Run(c.name, func(t *testing.T) {
			got := rehearsed(t, c.dir, c.change)
			dev := cpu.New(cpu.Options{Threads: 2})
			defer dev.Close()
			k, freeRun := tiny(t, c.dir, dev, c.change)
			defer freeRun()
			res, err := train.Run(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			stats := dev.Stats()
			if got.Peak != stats.Peak || got.Weights != stats.Weights || got.Garbage != stats.Garbage {
				t.Errorf("planned a peak of %d bytes and %d of weights, counted %d and %d", got.Peak, got.Weights, stats.Peak, stats.Weights)
			}
			if got.Steps != res.Steps || got.Tokens != int64(res.Tokens) {
				t.Errorf("planned %d steps over %d tokens, there were %d over %d", got.Steps, got.Tokens, res.Steps, res.Tokens)
			}
		})
	}
}

// quantised supplies weights of Q8_0.
type quantised struct{ train.Init }

// Tensor implements [nn.Source].
func (q quantised) Tensor(name string, shape []int) (tensor.Tensor, error) {
	t, err := q.Init.Tensor(name, shape)
	if err != nil || len(shape) < 2 {
		return t, err
	}
	return t.Encode(tensor.Q8_0)
}

// A quantised base needs its rows rounded while it is multiplied: that is counted, too.
func TestRehearsalOfQuantisedBase(t *testing.T) {
	const config = `{"model_type":"qwen2","architectures":["Qwen2ForCausalLM"],"vocab_size":320,"hidden_size":64,
		"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,
		"max_position_embeddings":128,"tie_word_embeddings":true}`
	cfg, err := model.Parse(all.Architectures(), []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	job := func(dev compute.Device) train.Job {
		m, err := cfg.New(nn.NewLoader(dev, quantised{train.Init{Std: 0.1, Layers: 2}}, false))
		if err != nil {
			t.Fatal(err)
		}
		x, err := adapter.New(dev, m, adapter.Config{Rank: 4, Alpha: 8}, 5)
		if err != nil {
			t.Fatal(err)
		}
		adapter.NewSet(m).Add(x)
		c := train.DefaultConfig()
		c.Steps, c.MicroTokens, c.Accumulate = 6, 64, 2
		return train.Job{
			Device: dev, Model: m, Params: x.Params(), Train: sequences(40, 1), Valid: sequences(10, 2),
			Context: 128, Vocab: 320, Config: c, Dir: t.TempDir(),
		}
	}
	var watch train.Watch
	dry := cpu.New(cpu.Options{Rehearse: watch.See})
	defer dry.Close()
	got, err := train.Rehearse(t.Context(), job(dry), &watch)
	if err != nil {
		t.Fatal(err)
	}
	dev := cpu.New(cpu.Options{Threads: 2})
	defer dev.Close()
	if _, err := train.Run(t.Context(), job(dev)); err != nil {
		t.Fatal(err)
	}
	if stats := dev.Stats(); got.Peak != stats.Peak || got.Weights != stats.Weights {
		t.Errorf("planned a peak of %d bytes and %d of weights, counted %d and %d", got.Peak, got.Weights, stats.Peak, stats.Weights)
	}
}

// Operations are those of the formulas that people use: two for each weight and token
// forward, as many back to the inputs and none back to frozen weights; an adapter's are
// three times those of its forward pass; attention sees half of a sequence's pairs.
func TestRehearsalCountsFlops(t *testing.T) {
	var watch train.Watch
	dry := cpu.New(cpu.Options{Rehearse: watch.See})
	defer dry.Close()
	const n, steps = 33, 3 // tokens that are seen, of which each has a loss
	j, free := tiny(t, "../model/qwen3/testdata/tied", dry, func(j *train.Job) {
		s := train.Sequence{Tokens: make([]int32, n+1), Weights: make([]float32, n+1)}
		for i := range s.Weights {
			s.Weights[i] = 1
		}
		j.Train, j.Valid = []train.Sequence{s}, nil
		j.Config.Steps, j.Config.Accumulate = steps, 1
	})
	defer free()
	got, err := train.Rehearse(t.Context(), j, &watch)
	if err != nil {
		t.Fatal(err)
	}
	var dense, adapted, first int64
	for i, l := range j.Model.Layers() {
		dense += int64(l.In * l.Out)
		adapted += 4 * int64(l.In+l.Out)
		if i < 3 { // nothing is asked of the gradient by the embeddings
			first += int64(l.In*l.Out) + 4*int64(l.In)
		}
	}
	kv := j.Model.KVSpec(1)
	heads := int64(j.Model.Layers()[0].Out / kv.Dim)
	pairs := int64(n*(n+1)/2) * int64(kv.Layers) * heads * int64(kv.Dim)
	head := int64(j.Model.OutputHead().In * j.Model.OutputHead().Out)
	forward := steps * (2*n*(dense+adapted+head) + 4*pairs)
	back := steps * (2*n*(dense+2*adapted+head-first) + 10*pairs)
	if got.Forward != forward || got.Backward != back {
		t.Errorf("counted %d and %d operations, want %d and %d", got.Forward, got.Backward, forward, back)
	}
	if got.Tokens != steps*n || got.Learned != steps*n || got.Measuring != 0 {
		t.Errorf("%d tokens, %d of them learned, %d operations to measure", got.Tokens, got.Learned, got.Measuring)
	}
}

// Times are those of all parts of a run, which leave no trace: the parameters keep their
// bits, memory is given back, and the folder is empty again.
func TestTime(t *testing.T) {
	for _, c := range tinyRuns {
		t.Run(c.name, func(t *testing.T) {
			got := rehearsed(t, c.dir, c.change)
			dev := cpu.New(cpu.Options{Threads: 2})
			defer dev.Close()
			k, freeRun := tiny(t, c.dir, dev, c.change)
			defer freeRun()
			live, params := dev.Stats().Live, values(dev, k.Params)
			times, err := got.Time(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			measures := len(k.Valid) > 0 || k.Preference != nil
			if times.Training <= 0 || measures != (times.Measuring > 0) || times.Saving <= 0 {
				t.Errorf("times are %+v", times)
			}
			if dev.Stats().Live != live || !slices.Equal(values(dev, k.Params), params) {
				t.Errorf("%d bytes are live after %d, or parameters have changed", dev.Stats().Live, live)
			}
			if left, err := os.ReadDir(k.Dir); err != nil || len(left) > 0 {
				t.Errorf("%v is left, %v", left, err)
			}
		})
	}
}

// values returns the values of parameters one after another, as bits.
func values(dev compute.Device, params []model.Parameter) (bits []uint32) {
	for _, p := range params {
		for _, v := range compute.Floats(dev, p.Tensor) {
			bits = append(bits, math.Float32bits(v))
		}
	}
	return bits
}

// ending is a device with which a context ends after some operators.
type ending struct {
	compute.Device
	left int
	end  func()
}

// Run implements [compute.Device].
func (e *ending) Run(op compute.Op, in []*compute.Tensor) []*compute.Tensor {
	if e.left--; e.left == 0 {
		e.end()
	}
	return e.Device.Run(op, in)
}

// A context that ends stops a trial wherever it is, and nothing stays in memory.
func TestTimeStops(t *testing.T) {
	var watch train.Watch
	dry := cpu.New(cpu.Options{Rehearse: watch.See})
	defer dry.Close()
	j, free := tiny(t, "../model/qwen3/testdata/tied", dry, nil)
	defer free()
	got, err := train.Rehearse(t.Context(), j, &watch)
	if err != nil {
		t.Fatal(err)
	}
	dev := cpu.New(cpu.Options{Threads: 1})
	defer dev.Close()
	e := &ending{Device: dev}
	k, freeRun := tiny(t, "../model/qwen3/testdata/tied", e, nil)
	defer freeRun()
	live := dev.Stats().Live
	for after := 1; after < 1000; after += 37 {
		ctx, cancel := context.WithCancel(t.Context())
		e.left, e.end = after, cancel
		if times, err := got.Time(ctx, k); !errors.Is(err, context.Canceled) || times != (train.Times{}) {
			t.Errorf("cancelled after %d operators: %v, %v", after, times, err)
		}
		if now := dev.Stats().Live; now != live {
			t.Errorf("cancelled after %d operators: %d bytes are live, were %d", after, now, live)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := train.Rehearse(ctx, j, &watch); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	k.Dir = ""
	e.left = 0
	if times, err := got.Time(t.Context(), k); err != nil || times.Training <= 0 || times.Saving != 0 {
		t.Errorf("without a folder: %+v, %v", times, err)
	}
	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := got.Time(past, k); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("too late: %v", err)
	}
}

func TestPrice(t *testing.T) {
	for text, want := range map[string]train.Money{"0": 0, "1.25": 1_250_000, ".000001": 1, "12": 12_000_000} {
		if got, err := train.ParseMoney(text); err != nil || got != want {
			t.Errorf("ParseMoney(%q) is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ".", "-1", "1e3", "1.2345678", "1,5", "9999999999999"} {
		if _, err := train.ParseMoney(text); err == nil {
			t.Errorf("ParseMoney(%q) is accepted", text)
		}
	}
	p := train.Price{Hour: 1_200_000, KWh: 300_000, Watts: 500}
	if got := p.Cost(90 * time.Minute); got != 1_800_000+225_000 || got.String() != "2.025" {
		t.Errorf("90 minutes cost %s", got)
	}
	if got := p.Cost(time.Nanosecond); got != 2 {
		t.Errorf("a moment costs %d, want 1 for the machine and 1 for the energy", got)
	}
	if got := p.Joules(90 * time.Second); got != 45_000 {
		t.Errorf("90 seconds take %d J", got)
	}
}
