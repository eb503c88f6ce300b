package grammar

import (
	"slices"
	"sync"
	"sync/atomic"
)

// program is a grammar over a vocabulary, with the masks that are computed once.
type program struct {
	vocab *Vocabulary
	root  *rule
	alive map[*rule][]bool // where the vocabulary does not spell every byte; else nil

	mu    sync.Mutex
	masks map[*rule]*masks
	bytes atomic.Int64 // that the masks take
}

// maxMaskBytes bounds the masks that a grammar keeps for a vocabulary. Those beyond are
// computed each time.
const maxMaskBytes = 16 << 20

// masks are those of one rule, by state.
type masks struct {
	states []atomic.Pointer[stateMask]
	alike  []int32 // by state: the one whose mask is the same; nil: each has its own
}

// stateMask says which tokens go on from a state without leaving its rule, wherever
// the rule was called from.
type stateMask struct {
	nodes []int32  // of the tokens, or
	bits  []uint64 // where those would take more
	exits []exit   // grouped by state
}

// exit is a place within tokens at which the text may leave the rule: state ends it or
// calls another.
type exit struct{ node, state int32 }

// of returns the masks of a rule.
func (p *program) of(r *rule) *masks {
	mu, all := &p.mu, p.masks
	if r.shared {
		mu, all = &p.vocab.mu, p.vocab.shared
	}
	mu.Lock()
	defer mu.Unlock()
	m := all[r]
	if m == nil {
		m = &masks{states: make([]atomic.Pointer[stateMask], r.states())}
		if r.counts != nil {
			m.alike = r.counts.alike(p.vocab.deepest)
		}
		all[r] = m
	}
	return m
}

// state returns the mask of a state.
func (p *program) state(r *rule, q int32) *stateMask {
	all := p.of(r)
	if all.alike != nil {
		q = all.alike[q]
	}
	at := &all.states[q]
	if m := at.Load(); m != nil {
		return m
	}
	m := p.inner(r, q)
	if r.shared && p.alive == nil || p.bytes.Load() < maxMaskBytes {
		at.Store(m)
		p.bytes.Add(int64(4*len(m.nodes) + 8*len(m.bits) + 8*len(m.exits) + 96))
	}
	return m
}

// inner walks the whole vocabulary from a state of a rule.
func (p *program) inner(r *rule, q int32) *stateMask {
	v, d := p.vocab, r.dfa
	m := &stateMask{}
	alive := p.alive[r]
	leaves := make([]bool, d.states())
	for i := range leaves {
		// Nobody goes on after the root.
		leaves[i] = d.accept[i] && r != p.root || len(d.callsOf(int32(i))) > 0
	}
	states := make([]int32, v.deepest+1)
	states[0] = q
	few := v.words()*2 + 1 // beyond that bits take less
	nodes := v.nodes
	next, width := d.next, d.width
	for i := int32(1); i < int32(len(nodes)); {
		n := &nodes[i]
		t := next[int(states[n.depth-1])*width+int(d.classes[n.label])]
		if t == dead {
			i = n.skip
			continue
		}
		states[n.depth] = t
		if n.id >= 0 && (alive == nil || alive[t]) {
			if m.bits == nil {
				m.nodes = append(m.nodes, i)
				if len(m.nodes) >= few {
					m.spread(v)
				}
			} else {
				v.set(m.bits, i)
			}
		}
		if leaves[t] && n.skip > i+1 {
			m.exits = append(m.exits, exit{i, t})
		}
		i++
	}
	slices.SortStableFunc(m.exits, func(a, b exit) int { return int(a.state - b.state) })
	return m
}

// spread turns nodes into bits.
func (m *stateMask) spread(v *Vocabulary) {
	m.bits = make([]uint64, v.words())
	for _, at := range m.nodes {
		v.set(m.bits, at)
	}
	m.nodes = nil
}

// addTo allows the tokens in mask.
func (m *stateMask) addTo(v *Vocabulary, mask []uint64) {
	for _, at := range m.nodes {
		v.set(mask, at)
	}
	for i, w := range m.bits {
		mask[i] |= w
	}
}
