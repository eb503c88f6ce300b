package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/train"
)

type planOptions struct {
	tuneOptions

	memory size
	price  train.Price
	time   bool
}

func newPlanCmd(a *app) *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan --model BASE --data DATA",
		Short: "Tell what tuning will take before it runs: memory, time, energy, cost",
		Long: `Tell what tuning will take before it runs: memory, time, energy, cost.

The flags are those of troika tune, and the data are read and packed as it would. The
trainer then goes through its steps with tensors that have shapes and no values, so that
tokens, steps, operations and memory are counted, not guessed. Operations of frozen
weights have no gradient of their own and are not counted.

For the time, the model is loaded and some of the run is tried on this machine, with an
adapter that is thrown away: about twelve seconds, or two micro-batches of a large model.
--time=false leaves that out, and so does a run that does not fit. It is the time of
training itself, on a machine as busy as it is now, without loading the model. Energy and
cost follow from it, with --watts, --price-hour and --price-kwh.

With --memory, a run that does not fit is answered with what would: a smaller rank,
smaller micro-batches, shorter examples, a quantised base, or a machine with more.`,
		Example: `  troika plan --data train.jsonl
  troika plan --model ./Qwen3-0.6B --data train.jsonl --memory 4GB
  troika plan --data faq@2 --epochs 5 --price-hour 0.12 --watts 180 --json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.plan(cmd.Context(), &o) },
	}
	f := cmd.Flags()
	o.recipeFlags(f)
	f.Var(&o.memory, "memory", "what the machine has for the run, such as 8GB")
	f.BoolVar(&o.time, "time", true, "try some of the run on this machine to tell its time")
	priceFlags(f, &o.price)
	_ = cmd.MarkFlagRequired("data") // the flag above exists
	return cmd
}

// priceFlags are the flags of every verb that tells what work costs.
func priceFlags(f *pflag.FlagSet, p *train.Price) {
	f.Var((*amount)(&p.Hour), "price-hour", "what an hour of this machine costs, such as 0.85")
	f.Var((*amount)(&p.KWh), "price-kwh", "what a kilowatt-hour costs beside it")
	f.Int64Var(&p.Watts, "watts", 0, "what this machine draws at work")
	f.StringVar(&p.Currency, "currency", "", "of the prices, such as EUR")
}

// amount is a flag with money in it.
type amount train.Money

// Set implements [pflag.Value].
func (m *amount) Set(text string) error {
	v, err := train.ParseMoney(text)
	*m = amount(v)
	return err
}

// String implements [pflag.Value].
func (m *amount) String() string {
	if *m == 0 {
		return ""
	}
	return train.Money(*m).String()
}

// Type implements [pflag.Value].
func (*amount) Type() string { return "amount" }

// planned is the report of the verb.
type planned struct {
	Model      string        `json:"model"`
	Dataset    troika.Digest `json:"dataset"`
	Parameters int64         `json:"parameters"`
	Trained    int64         `json:"trained_parameters"`
	Examples   int           `json:"examples"`
	Steps      int           `json:"steps"`
	Micro      int           `json:"micro_batches"`
	Tokens     int64         `json:"tokens"`         // of the whole run
	Learned    int64         `json:"learned_tokens"` // of them
	Flops      struct {
		Forward   int64 `json:"forward"`
		Backward  int64 `json:"backward"`
		Measuring int64 `json:"measuring"`
	} `json:"flops"`
	Memory   planMemory  `json:"memory_bytes"`
	Disk     int64       `json:"state_bytes"`
	Limit    int64       `json:"memory_limit_bytes,omitempty"`
	Fits     *bool       `json:"fits,omitempty"`
	Changes  []change    `json:"would_fit,omitempty"`
	Seconds  *planTime   `json:"seconds,omitempty"`
	Untimed  string      `json:"not_timed,omitempty"` // why
	Joules   int64       `json:"energy_joules,omitempty"`
	Cost     train.Money `json:"cost_micros,omitempty"` // millionths of the currency
	Currency string      `json:"currency,omitempty"`
}

// plan tells what a run takes.
func (a *app) plan(ctx context.Context, o *planOptions) error {
	render, err := o.rendering()
	if err != nil {
		return err
	}
	if o.price.Watts < 0 {
		return usagef("--watts %d: want at least 0", o.price.Watts)
	}
	data, err := a.tuneData(ctx, &o.tuneOptions)
	if err != nil {
		return err
	}
	i, err := a.intent(&o.tuneOptions, data, render)
	if err != nil {
		return err
	}
	program := peakRSS()
	r, err := i.rehearse(ctx)
	if err != nil {
		return err
	}
	p := planned{
		Model: o.model, Dataset: data.version.Digest(), Trained: r.Trained, Examples: len(i.Train) / i.group(),
		Steps: r.Steps, Micro: r.MicroBatches, Tokens: r.Tokens, Learned: r.Learned,
		Memory: memoryOf(r, program), Disk: r.State, Limit: int64(o.memory), Currency: o.price.Currency,
	}
	p.Flops.Forward, p.Flops.Backward, p.Flops.Measuring = r.Forward, r.Backward, r.Measuring
	if p.Parameters, err = i.Bundle.Parameters(); err != nil {
		return err
	}
	if o.memory > 0 {
		fits := p.Memory.Total <= p.Limit
		if p.Fits = &fits; !fits {
			if p.Changes, err = i.changes(ctx, program, p.Memory.Total, p.Limit); err != nil {
				return err
			}
		}
	}
	if o.time {
		if err := p.timeRun(ctx, a, &i, r, o.price); err != nil {
			return err
		}
	}
	if a.JSON {
		return a.WriteJSON(&p)
	}
	return a.showPlan(&p)
}

// timeRun tells how long the run takes, or why that is not known.
func (p *planned) timeRun(ctx context.Context, a *app, i *intent, r *train.Rehearsal, price train.Price) error {
	if p.Fits != nil && !*p.Fits {
		p.Untimed = "what does not fit is not tried"
		return nil
	}
	times, err := a.timeRun(ctx, &i.Tuning, r)
	if errors.Is(err, errNoRoom) {
		p.Untimed = err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	p.Seconds = timeOf(times)
	p.Joules, p.Cost = price.Joules(times.Total()), price.Cost(times.Total())
	return nil
}

// intent reads the data of a run as training does.
func (a *app) intent(o *tuneOptions, data *chats, render rendering) (i intent, err error) {
	i = intent{train.Tuning{Adapter: o.adapter, Config: o.train, Beta: o.beta}}
	if i.Bundle, err = a.openBase(o.model); err != nil {
		return i, err
	}
	s := &session{bundle: i.Bundle}
	prompt := asked(data.version, o.instruction)
	if i.Train, err = s.encode(data.version, dataset.Train, prompt, data.names[dataset.Train], render); err != nil {
		return i, err
	}
	i.Valid, err = s.encode(data.version, dataset.Validation, prompt, data.names[dataset.Validation], render)
	return i, err
}

// showPlan prints the report.
func (a *app) showPlan(p *planned) error {
	t := term.NewTable(term.Column{}, term.Column{Align: term.Right}, term.Column{})
	mega := func(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
	t.Row("parameters", mega(p.Parameters), fmt.Sprintf("million, of which an adapter trains %s million more", mega(p.Trained)))
	t.Row("examples", fmt.Sprint(p.Examples), "")
	t.Row("steps", fmt.Sprint(p.Steps), fmt.Sprintf("of %d micro-batches", p.Micro/p.Steps))
	t.Row("tokens", fmt.Sprint(p.Tokens), fmt.Sprintf("of the whole run, %d of them learned", p.Learned))
	t.Row("operations", fmt.Sprintf("%.3g", float64(p.Flops.Forward+p.Flops.Backward+p.Flops.Measuring)), fmt.Sprintf(
		"FLOP: %.3g forward, %.3g backward, %.3g to measure", float64(p.Flops.Forward), float64(p.Flops.Backward), float64(p.Flops.Measuring)))
	t.Row("memory", mega(p.Memory.Total), fmt.Sprintf("MB: %s weights, %s tensors, %s to save, %s garbage, %s program",
		mega(p.Memory.Weights), mega(p.Memory.Tensors), mega(p.Memory.Saving), mega(p.Memory.Garbage), mega(p.Memory.Program)))
	t.Row("disk", mega(p.Disk), "MB for the run's state")
	if p.Untimed != "" {
		t.Row("time", "unknown", p.Untimed)
	}
	if s := p.Seconds; s != nil {
		took := time.Duration(s.Total * float64(time.Second))
		t.Row("time", took.Round(10*time.Millisecond).String(), fmt.Sprintf("%.1f s training, %.1f s measuring, %.1f s saving", s.Training, s.Measuring, s.Saving))
		if p.Joules > 0 {
			t.Row("energy", fmt.Sprintf("%.3g", float64(p.Joules)/3.6e6), "kWh")
		}
		if p.Cost > 0 {
			t.Row("cost", p.Cost.String(), p.Currency)
		}
	}
	var end strings.Builder
	if p.Fits != nil {
		p.writeFit(&end)
	}
	_, err := fmt.Fprint(a.Out, t.String(), end.String())
	return err
}

// writeFit says whether the run fits, and what would.
func (p *planned) writeFit(w *strings.Builder) {
	if *p.Fits {
		fmt.Fprintf(w, "\nit fits %.1f MB\n", float64(p.Limit)/1e6)
		return
	}
	fmt.Fprintf(w, "\nit does not fit %.1f MB\n", float64(p.Limit)/1e6)
	t := term.NewTable(term.Column{Title: "instead"}, term.Column{Title: "MB", Align: term.Right}, term.Column{})
	for _, c := range p.Changes {
		verdict := "does not fit"
		if c.Fits {
			verdict = "fits"
		}
		t.Row(c.What, fmt.Sprintf("%.1f", float64(c.Memory)/1e6), verdict)
	}
	t.Row("another machine", fmt.Sprintf("%.1f", float64(p.Memory.Total)/1e6), "or more")
	w.WriteString(t.String())
}
