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

// counts tells which states of a rule that counts characters are alike but for the count.
type counts struct {
	least, most int     // characters; most below 0: any
	base        []int32 // by state: states that differ in the count alone have the same
	n           []int   // by state: characters so far
}

// alike returns for each state one from which texts of at most reach characters go on
// in the same way: how far a limit is matters only when it is within reach.
func (c *counts) alike(reach int) []int32 {
	type view struct {
		base             int32
		missing, allowed int
	}
	first := map[view]int32{}
	out := make([]int32, len(c.n))
	for q, n := range c.n {
		v := view{base: c.base[q], missing: min(max(c.least-n, 0), reach+1), allowed: reach + 1}
		if c.most >= 0 {
			v.allowed = min(c.most-n, reach+1)
		}
		if _, ok := first[v]; !ok {
			first[v] = int32(q)
		}
		out[q] = first[v]
	}
	return out
}

// counted returns the rule of quoted strings of least to most characters whose inside
// an automaton accepts, or nil where there are none.
func (c *compiler) counted(inside *dfa, least, most int) *rule {
	type place struct {
		phase   int8 // 0 before the string, 1 in it, 2 behind
		q, char int32
	}
	type state struct {
		place
		n int
	}
	char := c.char
	d, states := exploreAll(c.lim, joinClasses(inside, char), state{}, func(s state, b byte) (state, bool) {
		switch {
		case s.phase == 0:
			return state{place: place{phase: 1}}, b == '"'
		case s.phase == 2:
			return s, false
		case b == '"' && s.char == 0:
			return state{place: place{phase: 2}, n: least}, inside.accept[s.q] && s.n >= least
		case s.n == most:
			return s, false
		}
		q, to := inside.step(s.q, b), char.step(s.char, b)
		if q == dead || to == dead {
			return s, false
		}
		if !char.accept[to] {
			return state{place{1, q, to}, s.n}, true
		}
		n := s.n + 1
		if most < 0 {
			n = min(n, least)
		}
		return state{place{1, q, 0}, n}, true
	}, func(s state) bool { return s.phase == 2 })
	if d.empty() {
		return nil
	}
	k := &counts{least: least, most: most}
	bases := map[place]int32{}
	for _, s := range states {
		if _, ok := bases[s.place]; !ok {
			bases[s.place] = int32(len(bases))
		}
		k.base, k.n = append(k.base, bases[s.place]), append(k.n, s.n)
	}
	return &rule{dfa: d, counts: k, finished: true}
}
