package finetune

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/train"
)

// forecast is what a job will take.
type forecast struct {
	*train.Rehearsal
	times train.Times // zero where there was no time to find out
}

// timing bounds how long a client waits for the time that its job will take to be
// measured.
const timing = 5 * time.Second

// plan rehearses a job; nil where nothing can be rehearsed on.
func (s *Service) plan(ctx context.Context, b *base, r recipe, training, validation *checked) (*forecast, error) {
	if s.o.Rehearse == nil {
		return nil, nil //nolint:nilnil // unknown, which is no error
	}
	var watch train.Watch
	dev, giveBack := s.o.Rehearse(watch.See)
	defer giveBack()
	m, err := b.bundle.Rehearse(dev, "")
	if err != nil {
		return nil, err
	}
	defer m.Free()
	lora, err := adapter.New(dev, m, r.Adapter, r.Train.Seed)
	if err != nil {
		return nil, err
	}
	defer lora.Free()
	adapter.NewSet(m).Add(lora)
	j := train.Job{
		Device: dev, Model: m, Params: lora.Params(), Config: r.Train,
		Context: b.bundle.Facts.MaxPositions, Vocab: b.bundle.Facts.VocabSize,
	}
	if j.Train, err = training.sequences(b); err != nil {
		return nil, err
	}
	if validation != nil {
		if j.Valid, err = validation.sequences(b); err != nil {
			return nil, err
		}
	}
	if r.Method == methodDPO {
		j.Preference = &train.Preference{
			Beta: r.Hyper.Beta, Train: make([]float64, len(j.Train)/2), Valid: make([]float64, len(j.Valid)/2),
		}
	}
	f := &forecast{}
	if f.Rehearsal, err = train.Rehearse(ctx, j, &watch); err != nil {
		return nil, err
	}
	if s.o.Time == nil {
		return f, nil
	}
	within, cancel := context.WithTimeout(ctx, timing)
	defer cancel()
	f.times, err = s.o.Time(within, f.Rehearsal)
	if within.Err() != nil {
		f.times, err = train.Times{}, ctx.Err()
	}
	return f, err
}

// sequences renders the examples of a file as the model will see them.
func (c *checked) sequences(b *base) ([]train.Sequence, error) {
	var out []train.Sequence
	for _, e := range c.examples {
		seqs, err := c.render(b.bundle, e)
		if err != nil {
			return nil, err
		}
		out = append(out, seqs...)
	}
	return out, nil
}

// needs is what an admitter and clients are told: of memory, the same for the same
// request. 0 is unknown.
func (f *forecast) needs() job.Needs {
	if f == nil {
		return job.Needs{}
	}
	return job.Needs{Memory: f.Memory(), Seconds: int64(math.Ceil(f.times.Total().Seconds()))}
}

// event tells a job's owner what to expect.
func (f *forecast) event(p train.Price) job.Event {
	data := map[string]any{
		"tokens": f.Tokens, "learned_tokens": f.Learned, "memory_bytes": f.Memory(),
		"flops": f.Forward + f.Backward + f.Measuring,
	}
	var text strings.Builder
	_, _ = fmt.Fprintf(&text, "Estimated: %d tokens, %.0f MB of memory", f.Tokens, float64(f.Memory())/1e6)
	if total := f.times.Total(); total > 0 {
		data["seconds"] = total.Seconds()
		_, _ = fmt.Fprintf(&text, ", %s", max(total.Round(time.Second), time.Second))
		if joules := p.Joules(total); joules > 0 {
			data["energy_joules"] = joules
		}
		if cost := p.Cost(total); cost > 0 {
			data["cost_micros"], data["currency"] = cost, p.Currency
			_, _ = fmt.Fprintf(&text, ", %s %s", cost, p.Currency)
		}
	}
	raw, err := json.Marshal(data)
	if err != nil { // only for values that this package builds
		raw = nil
	}
	return job.Event{Message: strings.TrimSpace(text.String()), Data: raw}
}
