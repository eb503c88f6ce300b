package grammar

import (
	"encoding/binary"
	"slices"
)

// dead is the state without a way to an accepted end.
const dead = -1

// dfa is a deterministic automaton over bytes whose states may also call rules.
// State 0 is the start.
type dfa struct {
	classes [256]uint8 // of bytes that no state tells apart
	width   int        // number of classes
	next    []int32    // by state*width+class; dead: refused
	accept  []bool
	calls   [][]call // by state; nil where no state calls
}

// call says that a state goes on in ret after a text of the rule.
type call struct {
	rule *rule
	ret  int32
}

// rule is a named part of a grammar, which may call itself.
type rule struct {
	*dfa
	nullable bool // matches the empty text
	finished bool // trimmed, with nullable set: immutable from here
	shared   bool // one for all grammars: its masks belong to the vocabulary
}

func (d *dfa) states() int { return len(d.accept) }

// step returns the state after a byte.
func (d *dfa) step(q int32, b byte) int32 { return d.next[int(q)*d.width+int(d.classes[b])] }

// row returns the states after a state by class of bytes.
func (d *dfa) row(q int32) []int32 { return d.next[int(q)*d.width:][:d.width] }

// callsOf returns the calls of a state.
func (d *dfa) callsOf(q int32) []call {
	if d.calls == nil {
		return nil
	}
	return d.calls[q]
}

// matches reports whether the whole text is accepted. d must not call.
func (d *dfa) matches(text string) bool {
	q := int32(0)
	for i := 0; i < len(text) && q != dead; i++ {
		q = d.step(q, text[i])
	}
	return q != dead && d.accept[q]
}

// empty reports whether a trimmed automaton accepts nothing.
func (d *dfa) empty() bool { return len(d.accept) == 0 }

// explore builds the automaton whose states are those that step reaches from start.
// classes tells bytes apart; step gets one byte of a class. Dead ends are trimmed.
func explore[S comparable](lim *limits, classes [256]uint8, start S, step func(S, byte) (S, bool), accept func(S) bool) *dfa {
	d := &dfa{classes: classes}
	var bytes []byte // the first of each class
	for b := range 256 {
		if int(classes[b]) == len(bytes) {
			bytes = append(bytes, byte(b))
		}
	}
	d.width = len(bytes)
	ids := map[S]int32{start: 0}
	order := []S{start}
	for at := 0; at < len(order); at++ {
		s := order[at]
		lim.spend(tableWork * d.width)
		d.accept = append(d.accept, accept(s))
		for _, b := range bytes {
			t, ok := step(s, b)
			if !ok {
				d.next = append(d.next, dead)
				continue
			}
			id, seen := ids[t]
			if !seen {
				id = int32(len(order))
				ids[t] = id
				order = append(order, t)
			}
			d.next = append(d.next, id)
		}
	}
	return d.trim(nil)
}

// trim leaves out states from which no end is reached, given the rules that have any
// text at all; nil for an automaton without calls. What accepts nothing has no states.
func (d *dfa) trim(productive map[*rule]bool) *dfa {
	back := make([][]int32, d.states())
	for q := range d.states() {
		for _, t := range d.row(int32(q)) {
			if t != dead && (len(back[t]) == 0 || back[t][len(back[t])-1] != int32(q)) {
				back[t] = append(back[t], int32(q))
			}
		}
		for _, c := range d.callsOf(int32(q)) {
			if productive[c.rule] {
				back[c.ret] = append(back[c.ret], int32(q))
			}
		}
	}
	live := slices.Clone(d.accept)
	var todo []int32
	for q, ok := range live {
		if ok {
			todo = append(todo, int32(q))
		}
	}
	for len(todo) > 0 {
		q := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, p := range back[q] {
			if !live[p] {
				live[p] = true
				todo = append(todo, p)
			}
		}
	}
	return d.keep(live, productive)
}

// keep renumbers the states that are live and reached.
func (d *dfa) keep(live []bool, productive map[*rule]bool) *dfa {
	out := &dfa{classes: d.classes, width: d.width}
	if d.states() == 0 || !live[0] {
		return out
	}
	ids := make([]int32, d.states())
	for i := range ids {
		ids[i] = dead
	}
	ids[0] = 0
	order := []int32{0}
	id := func(q int32) int32 {
		if q == dead || !live[q] {
			return dead
		}
		if ids[q] == dead {
			ids[q] = int32(len(order))
			order = append(order, q)
		}
		return ids[q]
	}
	for at := 0; at < len(order); at++ { //nolint:intrange // order grows
		q := order[at]
		out.accept = append(out.accept, d.accept[q])
		for _, t := range d.row(q) {
			out.next = append(out.next, id(t))
		}
		if d.calls == nil {
			continue
		}
		var calls []call
		for _, c := range d.calls[q] {
			if ret := id(c.ret); ret != dead && productive[c.rule] {
				calls = append(calls, call{c.rule, ret})
			}
		}
		out.calls = append(out.calls, calls)
	}
	out.mergeClasses()
	return out
}

// pair is a state of a product; either may be dead.
type pair struct{ a, b int32 }

// product runs two automata without calls beside each other and accepts by keep.
func product(lim *limits, a, b *dfa, keep func(a, b bool) bool) *dfa {
	if a.empty() && b.empty() {
		return a
	}
	at := func(d *dfa, q int32) bool { return q != dead && d.accept[q] }
	step := func(d *dfa, q int32, c byte) int32 {
		if q == dead {
			return dead
		}
		return d.step(q, c)
	}
	begin := func(d *dfa) int32 {
		if d.empty() {
			return dead
		}
		return 0
	}
	return explore(lim, joinClasses(a, b), pair{begin(a), begin(b)},
		func(s pair, c byte) (pair, bool) {
			t := pair{step(a, s.a, c), step(b, s.b, c)}
			inA, inB := t.a != dead, t.b != dead
			return t, keep(inA, inB) || keep(inA, false) || keep(false, inB)
		},
		func(s pair) bool { return keep(at(a, s.a), at(b, s.b)) })
}

// intersect accepts what both accept.
func intersect(lim *limits, a, b *dfa) *dfa {
	return product(lim, a, b, func(a, b bool) bool { return a && b })
}

// minus accepts what a accepts and b does not.
func minus(lim *limits, a, b *dfa) *dfa {
	return product(lim, a, b, func(a, b bool) bool { return a && !b })
}

func joinClasses(a, b *dfa) [256]uint8 {
	var out [256]uint8
	ids := map[[2]uint8]uint8{}
	for i := range 256 {
		key := [2]uint8{a.classes[i], b.classes[i]}
		id, ok := ids[key]
		if !ok {
			id = uint8(len(ids))
			ids[key] = id
		}
		out[i] = id
	}
	return out
}

// classesOf tells apart the bytes between which some edge begins or ends.
func classesOf(n *nfa) (classes [256]uint8, width int) {
	var border [257]bool
	for _, edges := range n.edges {
		for _, e := range edges {
			if e.kind == edgeBytes {
				border[e.lo], border[int(e.hi)+1] = true, true
			}
		}
	}
	for b := range 256 {
		if b > 0 && border[b] {
			width++
		}
		classes[b] = uint8(width)
	}
	return classes, width + 1
}

// setKey names a sorted set of states.
func setKey(set []int32) string {
	b := make([]byte, 0, 4*len(set))
	for _, q := range set {
		b = binary.LittleEndian.AppendUint32(b, uint32(q))
	}
	return string(b)
}
