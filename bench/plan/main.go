package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bench/internal/clock"
	"github.com/troikaml/troika/bench/internal/shape"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/train"
)

// figures are what a run takes.
type figures struct {
	Tokens  int64   `json:"tokens"`
	Tensors int64   `json:"tensor_bytes"`
	Memory  int64   `json:"memory_bytes"` // of the process
	Seconds float64 `json:"seconds"`
	// Processor is the part of Seconds in which processors were at work for it.
	Processor float64 `json:"processor_seconds"`
}

func main() {
	threads := flag.Int("threads", 2, "threads")
	only := flag.Bool("small", false, "leave the large configurations out")
	do := flag.String("do", "", "plan or run, of one configuration: what this program calls itself with")
	which := flag.Int("which", 0, "the configuration")
	flag.Parse()
	var err error
	if *do == "" {
		err = report(*threads, *only)
	} else {
		err = one(*do, *which, *threads) // never report from here: it starts this program again
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench/plan:", err)
		os.Exit(1)
	}
}

// report plans and runs each configuration, and prints the ratios.
func report(threads int, only bool) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "configuration\ttokens\tplanned\ttensors, MB\tplanned\tmemory, MB\tplanned\tratio\ttime, s\tplanned\tratio\tof processors\t")
	for i, c := range configurations() {
		if only && c.Large {
			continue
		}
		planned, err := call("plan", i, threads)
		if err != nil {
			return err
		}
		was, err := call("run", i, threads)
		if err != nil {
			return err
		}
		mega := func(n int64) float64 { return float64(n) / 1e6 }
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%.3f\t%.3f\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", c.Name, was.Tokens, planned.Tokens,
			mega(was.Tensors), mega(planned.Tensors), mega(was.Memory), mega(planned.Memory), mega(planned.Memory)/mega(was.Memory),
			was.Seconds, planned.Seconds, planned.Seconds/was.Seconds, planned.Processor/was.Processor)
	}
	return w.Flush()
}

// call has a process of its own do one thing.
func call(do string, which, threads int) (*figures, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.Background(), self, "-do", do, "-which", strconv.Itoa(which), "-threads", strconv.Itoa(threads))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s configuration %d: %w", do, which, err)
	}
	f := &figures{}
	return f, json.Unmarshal(out, f)
}

// one plans or runs a configuration.
func one(do string, which, threads int) error {
	c := configurations()[which]
	dir, err := os.MkdirTemp("", "plan")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // scratch
	dev := cpu.New(cpu.Options{Threads: threads})
	defer dev.Close()
	var f *figures
	switch do {
	case "plan":
		f, err = plan(&c, dev, dir)
	case "run":
		f, err = run(&c, dev, dir)
	default:
		err = fmt.Errorf("-do %s: want plan or run", do)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// job makes the run of a configuration on a device.
func (c *configuration) job(dev compute.Device, dir string) (train.Job, error) {
	cfg, err := model.Parse(all.Architectures(), []byte(c.Config))
	if err != nil {
		return train.Job{}, err
	}
	src, err := newWeights(c.DType)
	if err != nil {
		return train.Job{}, err
	}
	m, err := cfg.New(nn.NewLoader(dev, src, false))
	if err != nil {
		return train.Job{}, err
	}
	x, err := adapter.New(dev, m, c.Adapter, 1)
	if err != nil {
		return train.Job{}, err
	}
	adapter.NewSet(m).Add(x)
	// Weights come from files that are given back; here they were made, and are.
	debug.FreeOSMemory()
	return train.Job{
		Device: dev, Model: m, Params: x.Params(), Train: c.sequences(64, 1), Valid: c.sequences(c.Valid, 2),
		Context: cfg.Facts().MaxPositions, Vocab: c.Vocab, Config: c.train(), Dir: dir,
	}, nil
}

func plan(c *configuration, dev compute.Device, dir string) (*figures, error) {
	program := shape.PeakRSS("self")
	var watch train.Watch
	dry := cpu.New(cpu.Options{Rehearse: watch.See})
	defer dry.Close()
	j, err := c.job(dry, dir)
	if err != nil {
		return nil, err
	}
	r, err := train.Rehearse(context.Background(), j, &watch)
	if err != nil {
		return nil, err
	}
	if j, err = c.job(dev, dir); err != nil {
		return nil, err
	}
	start, before := time.Now(), clock.CPU()
	times, err := r.Time(context.Background(), j)
	if err != nil {
		return nil, err
	}
	share := (clock.CPU() - before).Seconds() / time.Since(start).Seconds()
	return &figures{
		Tokens: r.Tokens, Tensors: r.Peak, Memory: r.Memory() + program,
		Seconds: times.Total().Seconds(), Processor: share * times.Total().Seconds(),
	}, nil
}

func run(c *configuration, dev compute.Device, dir string) (*figures, error) {
	j, err := c.job(dev, dir)
	if err != nil {
		return nil, err
	}
	// What loading took at the most is no part of the run: weights of files are mapped.
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "the memory is that of loading, too:", err)
	}
	before := clock.CPU()
	res, err := train.Run(context.Background(), j)
	if err != nil {
		return nil, err
	}
	return &figures{
		Tokens: int64(res.Tokens), Tensors: dev.Stats().Peak, Memory: shape.PeakRSS("self"),
		Seconds: res.Seconds, Processor: (clock.CPU() - before).Seconds(),
	}, nil
}
