package grammar

import (
	"math/bits"
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

// masks are those of one rule, for tokens of each length.
type masks [len(lengths)]struct {
	class []int32 // by state: those of one class have the same mask
	of    []atomic.Pointer[stateMask]
}

// stateMask says which tokens of some length go on from a state without leaving its
// rule, wherever the rule was called from.
type stateMask struct {
	nodes []int32  // of the tokens, or
	bits  []uint64 // where those would take more
	exits []exit   // grouped by state
}

// exit is a place within tokens at which the text may leave the rule: state, or one like
// it, ends it or calls another.
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
		m = p.newMasks(r)
		all[r] = m
	}
	return m
}

func (p *program) newMasks(r *rule) *masks {
	m := &masks{}
	alike := newPartition(r.dfa, p.kinds(r))
	rounds := 0
	for i, most := range lengths {
		most = min(most, p.vocab.deepest)
		alike.refine(most - rounds)
		rounds = most
		m[i].class = slices.Clone(alike.class)
		m[i].of = make([]atomic.Pointer[stateMask], len(alike.size))
	}
	return m
}

// state returns the masks of a state.
func (p *program) state(r *rule, q int32) [len(lengths)]*stateMask {
	all := p.of(r)
	var out [len(lengths)]*stateMask
	var missing uint8
	for i := range all {
		out[i] = all[i].of[all[i].class[q]].Load()
		if out[i] == nil {
			out[i] = &stateMask{}
			missing |= 1 << i
		}
	}
	if missing == 0 {
		return out
	}
	p.inner(r, q, &out, missing)
	for i, m := range out {
		if missing>>i&1 != 0 && (r.shared && p.alive == nil || p.bytes.Load() < maxMaskBytes) {
			all[i].of[all[i].class[q]].Store(m)
			p.bytes.Add(int64(4*len(m.nodes) + 8*len(m.bits) + 8*len(m.exits) + 96))
		}
	}
	return out
}

// inner walks the vocabulary from a state of a rule and fills the masks that are missing.
func (p *program) inner(r *rule, q int32, out *[len(lengths)]*stateMask, missing uint8) {
	v, d := p.vocab, r.dfa
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
		if n.spans&missing == 0 {
			i = n.skip
			continue
		}
		t := next[int(states[n.depth-1])*width+int(d.classes[n.label])]
		if t == dead {
			i = n.skip
			continue
		}
		states[n.depth] = t
		token, leave := n.id >= 0 && (alive == nil || alive[t]), leaves[t] && n.skip > i+1
		if own := n.spans & -n.spans; (token || leave) && own&missing != 0 {
			m := out[bits.TrailingZeros8(own)]
			if leave {
				m.exits = append(m.exits, exit{i, t})
			}
			switch {
			case !token:
			case m.bits != nil:
				v.set(m.bits, i)
			default:
				m.nodes = append(m.nodes, i)
				if len(m.nodes) >= few {
					m.spread(v)
				}
			}
		}
		i++
	}
	for _, m := range out {
		slices.SortStableFunc(m.exits, func(a, b exit) int { return int(a.state - b.state) })
	}
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
