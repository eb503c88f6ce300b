package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/local"
	"github.com/troikaml/troika/starter"
)

func main() {
	seconds := flag.Int("seconds", 600, "how long to load the server")
	clients := flag.Int("clients", 12, "clients at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := soak(ctx, time.Duration(*seconds)*time.Second, *clients); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench/soak:", err)
		os.Exit(1)
	}
}

func soak(ctx context.Context, length time.Duration, clients int) (err error) {
	home, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home) //nolint:errcheck // scratch
	dev := cpu.New(cpu.Options{Threads: 2})
	defer dev.Close()
	if err := write(dev, home); err != nil {
		return err
	}
	goroutines, weights := runtime.NumGoroutine(), dev.Stats().Weights
	l := &load{answers: map[string]answer{}}
	if err := l.serve(ctx, dev, home, func(ctx context.Context) error {
		if err := l.record(ctx); err != nil {
			return err
		}
		return l.run(ctx, length, clients)
	}); err != nil {
		return err
	}
	if now := dev.Stats().Weights; now != weights {
		err = errors.Join(err, fmt.Errorf("%d bytes of weights are held after the end", now-weights))
	}
	return errors.Join(err, settle("goroutines", func() int64 { return int64(runtime.NumGoroutine()) }, int64(goroutines)))
}

// write lays the starter out below home, and two adapters that change its answers.
func write(dev *cpu.Device, home string) error {
	base := filepath.Join(home, "starter")
	if err := os.CopyFS(base, starter.Files()); err != nil {
		return err
	}
	b, err := bundle.Open(base, all.Architectures())
	if err != nil {
		return err
	}
	m, err := b.Load(dev, false)
	if err != nil {
		return err
	}
	defer m.Free()
	for i, name := range adapters {
		x, err := adapter.New(dev, m, adapter.Config{Rank: 4, Alpha: 8}, uint64(i))
		if err != nil {
			return err
		}
		r := rand.New(rand.NewPCG(uint64(i), 7))
		for _, p := range x.Pairs() { // B of a fresh adapter is zero
			v := make([]float32, p.B.Len())
			for j := range v {
				v[j] = float32(r.NormFloat64()) / 8
			}
			dev.WriteFloats(p.B, v)
		}
		err = x.Save(filepath.Join(home, name), "starter")
		x.Free()
		if err != nil {
			return err
		}
	}
	return nil
}

var adapters = []string{"first", "second"}

// serve runs do beside a server of what lies below home, and then checks the books.
func (l *load) serve(ctx context.Context, dev *cpu.Device, home string, do func(context.Context) error) error {
	e := local.New(dev, local.Options{Known: all.Architectures(), Context: 512, Sequences: 6})
	defer e.Close()
	base := filepath.Join(home, "starter")
	if err := e.AddBase("starter", base); err != nil {
		return err
	}
	for _, name := range adapters {
		if err := e.AddAdapter(name, filepath.Join(home, name), "starter", base); err != nil {
			return err
		}
	}
	s, err := serve.New(e, serve.Options{Emit: l.emit, MaxConcurrent: 16, MaxBody: 256 << 10, WriteTimeout: 2 * time.Second, ReadTimeout: 2 * time.Second})
	if err != nil {
		return err
	}
	ln, err := serve.Listen(ctx, "127.0.0.1:0", nil, false)
	if err != nil {
		return err
	}
	l.host = ln.Addr().String()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	l.client = &http.Client{Transport: transport, Timeout: 2 * time.Minute}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	var served error
	group.Go(func() { served = serve.Run(serving, ln, s, 30*time.Second, slog.New(slog.DiscardHandler)) })
	err = do(ctx)
	if err == nil {
		err = l.books(ctx)
	}
	transport.CloseIdleConnections()
	stop()
	group.Wait()
	return errors.Join(err, served)
}

// settle waits for a count to come down to what it was.
func settle(what string, count func() int64, was int64) error {
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for count() > was {
		if time.Now().After(deadline) {
			if what == "goroutines" {
				_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			}
			return fmt.Errorf("%s: %d at the end, %d before", what, count(), was)
		}
		<-tick.C
	}
	return nil
}

// heap returns the bytes that are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
