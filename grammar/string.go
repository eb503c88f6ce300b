package grammar

// addString adds the strings that satisfy a spec.
func (c *compiler) addString(n *nfa, from, to int32, s *spec) {
	if len(s.patterns) == 0 && s.minLength <= 0 && s.maxLength < 0 {
		n.call(from, to, c.text)
		return
	}
	inside := c.canonical
	for i, p := range s.patterns {
		if i > 0 {
			p = intersect(c.lim, inside, p)
		}
		inside = p.minimal(c.lim)
	}
	if inside.empty() || s.maxLength >= 0 && s.minLength > s.maxLength {
		return
	}
	if s.minLength <= 0 && s.maxLength < 0 {
		in, out := n.state(), n.state()
		n.literal(from, in, `"`)
		n.embed(in, out, inside)
		n.literal(out, to, `"`)
		return
	}
	// Each character of the longest string takes the states of one, and of the pattern.
	each := tableWork * (c.char.states()*c.char.width + inside.states())
	if most := c.lim.left / each; max(s.minLength, s.maxLength) > most {
		fail(s.lengthAt.pointer, keyOf(s.lengthAt), "strings of more than %d characters cannot be counted here", most)
	}
	if r := c.counted(inside, s.minLength, s.maxLength); r != nil {
		n.call(from, to, r)
	}
}

// counted returns the rule of quoted strings of least to most characters whose inside
// an automaton accepts, or nil where there are none.
func (c *compiler) counted(inside *dfa, least, most int) *rule {
	type state struct {
		phase   int8 // 0 before the string, 1 in it, 2 behind
		q, char int32
		n       int // characters so far
	}
	char := c.char
	d := explore(c.lim, joinClasses(inside, char), state{}, func(s state, b byte) (state, bool) {
		switch {
		case s.phase == 0:
			return state{phase: 1}, b == '"'
		case s.phase == 2:
			return s, false
		case b == '"' && s.char == 0:
			return state{phase: 2}, inside.accept[s.q] && s.n >= least
		case s.n == most:
			return s, false
		}
		q, to := inside.step(s.q, b), char.step(s.char, b)
		if q == dead || to == dead {
			return s, false
		}
		if !char.accept[to] {
			return state{1, q, to, s.n}, true
		}
		n := s.n + 1
		if most < 0 {
			n = min(n, least)
		}
		return state{1, q, 0, n}, true
	}, func(s state) bool { return s.phase == 2 })
	if d.empty() {
		return nil
	}
	return &rule{dfa: d, finished: true}
}
