package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ErrBusy is wrapped by an [Admitter] that would admit the work later, when
// other work has ended.
var ErrBusy = errors.New("no room for the work now")

// Admitter decides whether work may run now: here for jobs, elsewhere for
// requests. It is safe for concurrent use.
type Admitter interface {
	// Admit returns a grant, or an error at once: one that wraps [ErrBusy] to
	// be asked again, one that wraps [ErrPause] to set the job aside until
	// someone resumes it, and any other for work that will never be admitted.
	Admit(ctx context.Context, spec Spec) (Grant, error)
}

// Grant is leave to do a piece of work. It is safe for concurrent use.
type Grant interface {
	// Done is closed when the leave is revoked: the work must stop.
	Done() <-chan struct{}
	// Err says why, once Done is closed; nil before.
	Err() error
	// Release ends the leave when the work has stopped. It may be called more
	// than once.
	Release()
}

// AllowAll admits everything for good.
type AllowAll struct{}

// Admit implements [Admitter].
func (AllowAll) Admit(context.Context, Spec) (Grant, error) { return grant{}, nil }

// grant is never revoked.
type grant struct{ release func() }

func (grant) Done() <-chan struct{} { return nil }
func (grant) Err() error            { return nil }
func (g grant) Release() {
	if g.release != nil {
		g.release()
	}
}

// Memory admits work as long as the sum of Needs.Memory fits a budget. Work
// that does not say what it needs is admitted alone. Make it with [NewMemory].
type Memory struct {
	budget int64

	mu    sync.Mutex
	inUse int64
}

// NewMemory returns an Admitter for a machine with budget bytes for jobs.
func NewMemory(budget int64) *Memory { return &Memory{budget: budget} }

// Admit implements [Admitter].
func (m *Memory) Admit(_ context.Context, spec Spec) (Grant, error) {
	need := spec.Needs.Memory
	if need == 0 {
		need = m.budget
	}
	if need > m.budget {
		return nil, fmt.Errorf("the work needs %d bytes of memory, the budget is %d", need, m.budget)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if need > m.budget-m.inUse {
		return nil, fmt.Errorf("%d bytes of memory are needed, %d of %d are in use: %w", need, m.inUse, m.budget, ErrBusy)
	}
	m.inUse += need
	return grant{release: sync.OnceFunc(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.inUse -= need
	})}, nil
}

// InUse returns the bytes that are granted now.
func (m *Memory) InUse() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.inUse
}

// All admits what every one of its admitters admits, asked in order. The grant
// is revoked when one of theirs is.
type All []Admitter

// Admit implements [Admitter].
func (a All) Admit(ctx context.Context, spec Spec) (Grant, error) {
	all := &grants{revoked: make(chan struct{}), released: make(chan struct{})}
	for _, admitter := range a {
		g, err := admitter.Admit(ctx, spec)
		if err != nil {
			all.Release()
			return nil, err
		}
		all.list = append(all.list, g)
		if g.Done() != nil {
			go all.watch(g)
		}
	}
	return all, nil
}

// grants are several as one.
type grants struct {
	list     []Grant
	revoked  chan struct{}
	released chan struct{}

	revoking  sync.Once
	releasing sync.Once
	err       error // written before revoked is closed
}

// watch passes a revocation on; it ends with the grant.
func (g *grants) watch(part Grant) {
	select {
	case <-part.Done():
		g.revoking.Do(func() {
			g.err = part.Err()
			close(g.revoked)
		})
	case <-g.released:
	}
}

// Done implements [Grant].
func (g *grants) Done() <-chan struct{} { return g.revoked }

// Err implements [Grant].
func (g *grants) Err() error {
	select {
	case <-g.revoked:
		return g.err
	default:
		return nil
	}
}

// Release implements [Grant].
func (g *grants) Release() {
	g.releasing.Do(func() {
		close(g.released)
		for _, part := range slices.Backward(g.list) {
			part.Release()
		}
	})
}
