package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// disturb compares generation on a quiet machine with generation beside a loop that takes
// the first processor whole, for both sides in turn.
func (b *bench) disturb(ctx context.Context, formats []string) error {
	fmt.Printf("generating %d tokens at depth %d beside a loop on processor 0, %d threads, medians of %d\n", b.gen, b.depth, b.threads, b.rounds)
	fmt.Println("format   quiet tok/s   disturbed   share   (llama.cpp: quiet, disturbed, share)")
	for _, format := range formats {
		path, err := b.convert(ctx, format)
		if err != nil {
			return err
		}
		var speeds [2][2][]float64 // by side, then quiet or not
		for range b.rounds {
			for side, run := range b.sides() {
				for state := range 2 {
					stop := func() {}
					if state == 1 {
						if stop, err = burn(ctx); err != nil {
							return err
						}
					}
					s, err := run(ctx, path)
					stop()
					if err != nil {
						return fmt.Errorf("%s: %w", format, err)
					}
					speeds[side][state] = append(speeds[side][state], s.decode)
				}
			}
		}
		var parts []string
		for side := range b.sides() {
			quiet, loud := median(speeds[side][0]), median(speeds[side][1])
			parts = append(parts, fmt.Sprintf("%.1f   %.1f   %.0f %%", quiet, loud, 100*loud/quiet))
		}
		fmt.Printf("%-8s %s\n", format, strings.Join(parts, "   | "))
	}
	return nil
}

// sides are ours and, unless it is left out, the peer's.
func (b *bench) sides() []func(context.Context, string) (speed, error) {
	if b.peer == "" {
		return []func(context.Context, string) (speed, error){b.runTroika}
	}
	return []func(context.Context, string) (speed, error){b.runTroika, b.runPeer}
}

// burn starts this program as the loop, and returns what ends it.
func burn(ctx context.Context) (stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-burn")
	cmd.Stderr = os.Stderr
	ready, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		stop()
		return nil, fmt.Errorf("the loop did not start: %w", err)
	}
	return stop, nil
}

// loop computes on the first processor until it is killed.
func loop() error {
	if err := pin(0); err != nil {
		return err
	}
	fmt.Print(".")
	for x := 1.0; ; {
		for range 1 << 20 {
			x = x*0.999999 + 1e-6
		}
		if x == 0 { // never: it keeps the sum alive
			fmt.Print(x)
		}
	}
}
