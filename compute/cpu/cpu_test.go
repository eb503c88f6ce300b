package cpu_test

import (
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/computetest"
	"github.com/troikaml/troika/compute/cpu"
)

func open(t testing.TB, s computetest.Setup) compute.Device {
	t.Helper()
	dev := cpu.New(cpu.Options{Threads: s.Threads, Guard: s.Guard})
	t.Cleanup(dev.Close)
	return dev
}

func TestConformance(t *testing.T) { computetest.Run(t, open) }
