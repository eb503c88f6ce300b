package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/refine/recipe"
)

// phaseBars shows the phases of a run, one bar each.
type phaseBars struct {
	a     *app
	items string // what is counted where it is not bytes
	mu    sync.Mutex
	phase recipe.Phase
	bar   *term.Bar
	most  int64
}

// moved is called from several goroutines, not always in order.
func (b *phaseBars) moved(p recipe.Phase, done, total int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar == nil || p != b.phase {
		if b.bar != nil {
			b.bar.Done()
		}
		unit := term.Items(b.items)
		if p.Bytes {
			unit = term.Bytes
		}
		b.phase, b.most, b.bar = p, 0, b.a.Progress.Bar(p.Name, total, unit)
	}
	b.most = max(b.most, done)
	b.bar.Set(b.most)
}

func (b *phaseBars) done() {
	if b.bar != nil {
		b.bar.Done()
	}
}

// byteSize is a flag such as 512MiB.
type byteSize int64

var byteUnits = []struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1}}

func (s *byteSize) Set(v string) error {
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(v, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 1 || n > (1<<62)/u.bytes {
			break
		}
		*s = byteSize(n * u.bytes)
		return nil
	}
	return fmt.Errorf("%q is no size: want a number with KiB, MiB, GiB, KB, MB or GB", v)
}

func (s *byteSize) String() string {
	for _, u := range []int{2, 1, 0} {
		if n := int64(*s); n > 0 && n%byteUnits[u].bytes == 0 {
			return fmt.Sprintf("%d%s", n/byteUnits[u].bytes, byteUnits[u].suffix)
		}
	}
	return fmt.Sprint(int64(*s))
}

func (s *byteSize) Type() string { return "size" }
