package finetune

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

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
	t := &train.Tuning{Bundle: b.bundle, Adapter: r.Adapter, Config: r.Train}
	if r.Method == methodDPO {
		t.Beta = r.Hyper.Beta
	}
	var err error
	if t.Train, err = training.sequences(b); err != nil {
		return nil, err
	}
	if validation != nil {
		if t.Valid, err = validation.sequences(b); err != nil {
			return nil, err
		}
	}
	f := &forecast{}
	if f.Rehearsal, err = t.Rehearse(ctx, s.o.Rehearse); err != nil {
		return nil, err
	}
	if s.o.Time == nil {
		return f, nil
	}
	within, cancel := context.WithTimeout(ctx, timing)
	defer cancel()
	f.times, err = s.o.Time(within, t, f.Rehearsal)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		f.times, err = train.Times{}, nil
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
