package local

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/serve"
)

// Tuned is an adapter that is loaded when it is first asked for, and may leave memory
// again while it rests.
type Tuned struct {
	Name string
	Dir  string // of the adapter
	// Parent is the base's name, and BaseDir where it was loaded from.
	Parent, BaseDir string
	// Base is what the adapter was tuned on, as [bundle.Bundle.Digest] has it. On any
	// other base it is refused; zero is not known.
	Base    troika.Digest
	OwnedBy string
	Created time.Time
}

// Offer adds a tuned adapter, also while requests run. Its base must be loaded.
func (e *Engine) Offer(t Tuned) error {
	dir, err := filepath.Abs(t.BaseDir)
	if err != nil {
		return err
	}
	b := e.baseIn(dir)
	if b == nil {
		return fmt.Errorf("offer %s: its base %s is not served", t.Name, t.Parent)
	}
	return e.add(t.Name, &served{base: b, tuned: &t}, serve.ModelInfo{
		Kind: serve.KindAdapter, Parent: t.Parent, OwnedBy: t.OwnedBy, Created: t.Created,
	})
}

// use returns what answers for a name, in memory until it is released.
func (e *Engine) use(name string) (chat *infer.Chat, release func(), err error) {
	e.mu.Lock()
	m := e.models[name]
	if m == nil {
		e.mu.Unlock()
		return nil, nil, &serve.RequestError{Param: "model", Message: fmt.Sprintf("no model %q", name)}
	}
	if m.base.embedder != nil {
		e.mu.Unlock()
		return nil, nil, &serve.RequestError{
			Param: "model", Message: fmt.Sprintf("The model '%s' makes embeddings and answers nothing else: ask it at /v1/embeddings.", name),
		}
	}
	e.uses++
	m.users++
	m.used = e.uses
	e.mu.Unlock()
	release = func() {
		e.mu.Lock()
		m.users--
		free := e.rest()
		e.mu.Unlock()
		free()
	}
	if m.tuned != nil {
		if err := e.load(m); err != nil {
			release()
			return nil, nil, err
		}
	}
	return m.chat, release, nil
}

// load brings a tuned adapter into memory, for one of its users.
func (e *Engine) load(m *served) error {
	m.loading.Lock()
	defer m.loading.Unlock()
	if m.adapter != nil {
		return nil
	}
	if err := m.check(); err != nil {
		return err
	}
	x, err := adapter.Open(e.dev, m.base.model, m.tuned.Dir)
	if err != nil {
		return err
	}
	m.adapter, m.chat = x, m.base.chat(m.base.add(x))
	e.mu.Lock()
	m.loaded = true
	e.loaded += x.Bytes()
	free := e.rest()
	e.mu.Unlock()
	free()
	return nil
}

// check refuses a base that an adapter was not tuned on.
func (m *served) check() error {
	if m.tuned.Base.IsZero() {
		return nil
	}
	digest, err := m.base.digest()
	if err != nil {
		return err
	}
	if digest != m.tuned.Base {
		return &serve.RequestError{Param: "model", Message: fmt.Sprintf(
			"The model %s was tuned on another %s: on %s, and the one that is served is %s.",
			m.tuned.Name, m.tuned.Parent, m.tuned.Base, digest)}
	}
	return nil
}

// rest takes the adapters that have rested longest out of memory, down to what all may
// take together. What it returns frees them: the caller, who holds mu, calls it without,
// because it waits for the pass that runs.
func (e *Engine) rest() (free func()) {
	var gone []func()
	for e.loaded > e.opts.AdapterMemory {
		var oldest *served
		for _, m := range e.models {
			if m.loaded && m.users == 0 && (oldest == nil || m.used < oldest.used) {
				oldest = m
			}
		}
		if oldest == nil {
			break
		}
		b, slot, x := oldest.base, oldest.chat.Slot, oldest.adapter
		gone = append(gone, func() {
			b.remove(slot)
			x.Free()
		})
		e.loaded -= x.Bytes()
		oldest.adapter, oldest.chat, oldest.loaded = nil, nil, false
	}
	return func() {
		for _, free := range gone {
			free()
		}
	}
}
