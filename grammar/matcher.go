package grammar

import (
	"fmt"
	"slices"
)

// Matcher follows one text through a grammar, token by token. It is not safe for
// concurrent use.
type Matcher struct {
	p     *program
	at    level
	begun bool // a token was accepted
	clock int64

	mask  []uint64
	fresh bool // mask is of the place
	walk  []level
}

// config is one way to read the text so far: a state of a rule, and where to go on
// once the rule has ended.
type config struct {
	rule *rule
	q    int32
	up   *frame // nil for the root
}

// frame stands for all calls of a rule at one place of the text: the rule's text is
// read once, however many callers go on after it. Frames form a graph, so that even an
// ambiguous grammar has no more ways than states times places.
type frame struct {
	rule *rule
	at   int64    // the place
	back []config // where callers go on
	dead bool     // no caller can go on with the tokens there are
}

// level holds the ways at one place.
type level struct {
	at      int64
	configs []config
	frames  []*frame
	spare   []*frame // to be used again, where nobody keeps frames
}

// Matcher returns a matcher at the start of a text. Errors are those of
// [Grammar.Compile], or [ErrStuck].
func (g *Grammar) Matcher(v *Vocabulary) (*Matcher, error) {
	if err := g.Compile(); err != nil {
		return nil, err
	}
	p := g.program(v)
	m := &Matcher{p: p, mask: make([]uint64, v.words())}
	m.at.add(config{rule: p.root})
	m.at.close(p)
	if !m.viable(&m.at) {
		return nil, ErrStuck
	}
	return m, nil
}

// program returns what is kept for a vocabulary.
func (g *Grammar) program(v *Vocabulary) *program {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := slices.IndexFunc(g.programs, func(p *program) bool { return p.vocab == v })
	if at < 0 {
		if len(g.programs) == maxPrograms {
			g.programs = slices.Delete(g.programs, 0, 1)
		}
		g.programs = append(g.programs, newProgram(v, g.root))
		at = len(g.programs) - 1
	}
	return g.programs[at]
}

// Clone returns a matcher at the same place that goes its own way.
func (m *Matcher) Clone() *Matcher {
	return &Matcher{p: m.p, at: level{at: m.at.at, configs: slices.Clone(m.at.configs)}, begun: m.begun, clock: m.clock, mask: make([]uint64, len(m.mask))}
}

// Done reports whether the text may end here.
func (m *Matcher) Done() bool {
	for i := range m.at.configs {
		c := &m.at.configs[i]
		if c.up == nil && c.rule.accept[c.q] {
			return true
		}
	}
	return false
}

// Accept goes on by a token. A token that is not allowed is an error and changes
// nothing.
func (m *Matcher) Accept(id int32) error {
	b := m.p.vocab.Bytes(id)
	if !m.begun && m.p.vocab.space > 0 && len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	if len(b) == 0 || !m.write(b) {
		return fmt.Errorf("token %d (%q) is not allowed by the grammar here", id, m.p.vocab.Bytes(id))
	}
	m.begun = true
	return nil
}

// write goes on by bytes, or changes nothing and returns false.
func (m *Matcher) write(b []byte) bool {
	from := m.at
	for _, c := range b {
		var to level
		m.clock++
		if !m.step(&from, &to, c) {
			return false
		}
		to.close(m.p)
		from = to
	}
	if !m.viable(&from) {
		return false
	}
	from.frames = nil // callers hold those that matter
	m.at, m.fresh = from, m.fresh && len(b) == 0
	return true
}

// step fills to with the ways from a level by a byte, calls and ends left to close. It
// returns false where there are none.
func (m *Matcher) step(from, to *level, b byte) bool {
	to.reset(m.clock)
	for i := range from.configs {
		c := &from.configs[i]
		if t := c.rule.step(c.q, b); t != dead {
			to.add(config{c.rule, t, c.up})
		}
	}
	return len(to.configs) > 0
}

func (l *level) reset(at int64) {
	l.at = at
	l.configs = l.configs[:0]
	l.spare, l.frames = append(l.spare, l.frames...), l.frames[:0]
}

func (l *level) add(c config) {
	if !slices.Contains(l.configs, c) {
		l.configs = append(l.configs, c)
	}
}

// close follows calls and ends.
func (l *level) close(p *program) {
	for i := 0; i < len(l.configs); i++ { //nolint:intrange // configs grows
		c := l.configs[i]
		// A frame of this place ends through nullable below.
		if c.rule.accept[c.q] && c.up != nil && c.up.at != l.at {
			for _, back := range c.up.back {
				l.add(back)
			}
		}
		for _, call := range c.rule.callsOf(c.q) {
			back := config{c.rule, call.ret, c.up}
			if call.rule.nullable {
				l.add(back)
			}
			f := l.frame(call.rule)
			if !slices.Contains(f.back, back) {
				f.back = append(f.back, back)
			}
			l.add(config{call.rule, 0, f})
		}
	}
	if p.alive != nil {
		p.findDead(l.frames)
	}
}

// frame returns the frame of a rule at this place.
func (l *level) frame(r *rule) *frame {
	for _, f := range l.frames {
		if f.rule == r {
			return f
		}
	}
	var f *frame
	if n := len(l.spare); n > 0 {
		f = l.spare[n-1]
		l.spare = l.spare[:n-1]
		*f = frame{rule: r, at: l.at, back: f.back[:0]}
	} else {
		f = &frame{rule: r, at: l.at}
	}
	l.frames = append(l.frames, f)
	return f
}

// Mask returns the tokens that may come next as bits, id i in bit i%64 of word i/64.
// It is the matcher's, and holds until the next Accept. No bit is set where the text
// can only end.
func (m *Matcher) Mask() []uint64 {
	if m.fresh {
		return m.mask
	}
	clear(m.mask)
	if m.walk == nil {
		m.walk = make([]level, m.p.vocab.deepest+2)
	}
	for i := range m.at.configs {
		c := m.at.configs[i]
		for _, s := range m.p.state(c.rule, c.q) {
			if c.up == nil || !c.up.dead {
				s.addTo(m.p.vocab, m.mask)
			}
			m.leave(c, s.exits)
		}
	}
	if !m.begun && m.p.vocab.space > 0 {
		m.dropSpace()
	}
	m.fresh = true
	return m.mask
}

// dropSpace takes the tokens with a space in front for what they say without it.
func (m *Matcher) dropSpace() {
	v := m.p.vocab
	for i := v.space; i < v.nodes[v.space].skip; i++ {
		if v.nodes[i].id >= 0 {
			v.forbid(m.mask, i)
		}
	}
	start := &m.walk[0]
	m.clock++
	start.reset(m.clock)
	start.configs = append(start.configs, m.at.configs...)
	m.below(v.space)
}

// leave allows the tokens that leave the rule of c on their way.
func (m *Matcher) leave(c config, exits []exit) {
	start := &m.walk[0]
	last := int32(dead)
	for _, e := range exits {
		if e.state != last {
			last = e.state
			m.clock++
			start.reset(m.clock)
			start.add(config{c.rule, e.state, c.up})
			start.close(m.p)
			// What stays within the rule is not ours.
			start.configs = slices.Delete(start.configs, 0, 1)
		}
		if len(start.configs) > 0 {
			m.below(e.node)
		}
	}
}

// below allows the tokens below a node, from the ways of walk[0].
func (m *Matcher) below(at int32) {
	v := m.p.vocab
	top := v.nodes[at].depth
	for i, end := at+1, v.nodes[at].skip; i < end; {
		n := &v.nodes[i]
		from, to := &m.walk[n.depth-top-1], &m.walk[n.depth-top]
		m.clock++
		if !m.step(from, to, n.label) {
			i = n.skip
			continue
		}
		if n.skip > i+1 || m.p.alive != nil {
			to.close(m.p)
		}
		if n.id >= 0 && m.viable(to) {
			v.set(m.mask, i)
		}
		i++
	}
}
