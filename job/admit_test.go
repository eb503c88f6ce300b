package job_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/troikaml/troika/job"
)

func needing(bytes int64) job.Spec { return job.Spec{Kind: "a", Needs: job.Needs{Memory: bytes}} }

func TestMemory(t *testing.T) {
	m := job.NewMemory(100)
	a, err := m.Admit(t.Context(), needing(60))
	if err != nil || a.Done() != nil || a.Err() != nil {
		t.Fatal(err)
	}
	if _, err := m.Admit(t.Context(), needing(41)); !errors.Is(err, job.ErrBusy) {
		t.Errorf("over the budget: %v, want ErrBusy", err)
	}
	if _, err := m.Admit(t.Context(), needing(0)); !errors.Is(err, job.ErrBusy) {
		t.Errorf("an unknown need beside another: %v, want ErrBusy", err)
	}
	if _, err := m.Admit(t.Context(), needing(101)); err == nil || errors.Is(err, job.ErrBusy) {
		t.Errorf("never fits: %v", err)
	}
	b, err := m.Admit(t.Context(), needing(40))
	if err != nil || m.InUse() != 100 {
		t.Errorf("%d bytes in use, %v", m.InUse(), err)
	}
	for range 2 {
		b.Release()
	}
	if m.InUse() != 60 {
		t.Errorf("%d bytes in use, want 60", m.InUse())
	}
	a.Release()
	if c, err := m.Admit(t.Context(), needing(0)); err != nil || m.InUse() != 100 {
		t.Errorf("an unknown need alone: %d bytes in use, %v", m.InUse(), err)
	} else {
		c.Release()
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			g, err := m.Admit(t.Context(), needing(30))
			if errors.Is(err, job.ErrBusy) {
				return
			}
			if used := m.InUse(); err != nil || used > 100 {
				t.Errorf("%d bytes in use, %v", used, err)
				return
			}
			g.Release()
		})
	}
	wg.Wait()
	if m.InUse() != 0 {
		t.Errorf("%d bytes in use, want none", m.InUse())
	}
}

// leave is a grant that a test revokes.
type leave struct {
	done     chan struct{}
	released int
}

func (l *leave) Done() <-chan struct{} { return l.done }
func (l *leave) Err() error            { return errors.New("over") }
func (l *leave) Release()              { l.released++ }

// lender gives a leave, or an error.
type lender struct {
	leave *leave
	err   error
}

func (l lender) Admit(context.Context, job.Spec) (job.Grant, error) { return l.leave, l.err }

func TestAll(t *testing.T) {
	m := job.NewMemory(10)
	one, two := &leave{done: make(chan struct{})}, &leave{done: make(chan struct{})}
	g, err := job.All{m, lender{leave: one}, lender{leave: two}}.Admit(t.Context(), needing(10))
	if err != nil || g.Err() != nil || m.InUse() != 10 {
		t.Fatal(err, m.InUse())
	}
	select {
	case <-g.Done():
		t.Error("revoked before anyone did")
	default:
	}
	close(two.done)
	<-g.Done()
	if g.Err() == nil || g.Err().Error() != "over" {
		t.Errorf("revoked for %v", g.Err())
	}
	for range 2 {
		g.Release()
	}
	if m.InUse() != 0 || one.released != 1 || two.released != 1 {
		t.Errorf("released %d and %d times, %d bytes in use", one.released, two.released, m.InUse())
	}
	_, err = job.All{m, lender{leave: one}, lender{err: job.ErrBusy}}.Admit(t.Context(), needing(10))
	if !errors.Is(err, job.ErrBusy) || m.InUse() != 0 || one.released != 2 {
		t.Errorf("%v; what was granted before the refusal: %d bytes, released %d times", err, m.InUse(), one.released)
	}
	if g, err = (job.All{}).Admit(t.Context(), needing(1)); err != nil {
		t.Fatal(err)
	}
	g.Release()
}
