package grammar

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

type edgeKind uint8

const (
	edgeEmpty edgeKind = iota
	edgeBytes
	edgeCall
	edgeBegin // passes at the start of the text alone
	edgeEnd   // passes at the end of the text alone
)

type edge struct {
	kind   edgeKind
	lo, hi byte // of edgeBytes
	to     int32
	rule   *rule // of edgeCall
}

// nfa is an automaton under construction. Parts are added between two of its states.
type nfa struct {
	edges [][]edge
	lim   *limits
}

func newNFA(lim *limits) *nfa { return &nfa{lim: lim} }

func (n *nfa) state() int32 {
	n.lim.spend(stateWork)
	n.edges = append(n.edges, nil)
	return int32(len(n.edges) - 1)
}

func (n *nfa) edge(from int32, e edge) {
	n.lim.spend(edgeWork)
	n.edges[from] = append(n.edges[from], e)
}

func (n *nfa) empty(from, to int32) { n.edge(from, edge{to: to}) }

func (n *nfa) bytes(from, to int32, lo, hi byte) {
	n.edge(from, edge{kind: edgeBytes, lo: lo, hi: hi, to: to})
}

func (n *nfa) call(from, to int32, r *rule) { n.edge(from, edge{kind: edgeCall, to: to, rule: r}) }

// literal adds a text.
func (n *nfa) literal(from, to int32, text string) {
	if text == "" {
		n.empty(from, to)
		return
	}
	for i := range len(text) {
		at := to
		if i < len(text)-1 {
			at = n.state()
		}
		n.bytes(from, at, text[i], text[i])
		from = at
	}
}

// embed adds a copy of a whole automaton.
func (n *nfa) embed(from, to int32, d *dfa) {
	if d.empty() {
		return
	}
	base := int32(len(n.edges))
	for range d.states() {
		n.state()
	}
	n.empty(from, base)
	for q := range d.states() {
		row := d.row(int32(q))
		for b := 0; b < 256; {
			lo, t := b, row[d.classes[b]]
			for b < 256 && row[d.classes[b]] == t {
				b++
			}
			if t != dead {
				n.bytes(base+int32(q), base+t, byte(lo), byte(b-1))
			}
		}
		for _, c := range d.callsOf(int32(q)) {
			n.call(base+int32(q), base+c.ret, c.rule)
		}
		if d.accept[q] {
			n.empty(base+int32(q), to)
		}
	}
}

// part adds something between two states.
type part func(n *nfa, from, to int32)

// repeat adds least to most copies of p; most below 0 is without end.
func (n *nfa) repeat(from, to int32, p part, least, most int) {
	for range least {
		at := n.state()
		p(n, from, at)
		from = at
	}
	if most < 0 {
		loop, end := n.state(), n.state()
		n.empty(from, loop)
		p(n, loop, end)
		n.empty(end, loop)
		n.empty(loop, to)
		return
	}
	n.empty(from, to)
	for range most - least {
		at := n.state()
		p(n, from, at)
		n.empty(at, to)
		from = at
	}
}

// runes adds the UTF-8 of the characters from lo to hi; surrogates are none.
func (n *nfa) runes(from, to int32, lo, hi rune) {
	for lo <= hi && lo <= utf8.MaxRune {
		if lo >= 0xd800 && lo <= 0xdfff {
			lo = 0xe000
			continue
		}
		end := stretch(lo, min(hi, utf8.MaxRune))
		var a, b [utf8.UTFMax]byte
		size := utf8.EncodeRune(a[:], lo)
		utf8.EncodeRune(b[:], end)
		at := from
		for i := range size {
			next := to
			if i < size-1 {
				next = n.state()
			}
			n.bytes(at, next, a[i], b[i])
			at = next
		}
		lo = end + 1
	}
}

// stretch returns the last character up to hi such that the encodings from lo on are
// those whose every byte is in a range.
func stretch(lo, hi rune) rune {
	for _, border := range []rune{0x7f, 0x7ff, 0xd7ff, 0xffff} {
		if lo <= border && border < hi {
			hi = border
		}
	}
	if lo <= 0x7f {
		return hi
	}
	for shift := 6; shift <= 18 && lo>>shift != hi>>shift; shift += 6 {
		low := rune(1)<<shift - 1
		if lo&low != 0 {
			return lo | low
		}
		if hi&low != low {
			hi = hi&^low - 1
		}
	}
	return hi
}

// determinize returns the automaton of the texts between two states, dead ends
// trimmed where nothing is called.
func (n *nfa) determinize(start, final int32) *dfa {
	w := &subsets{nfa: n, final: final, ids: map[string]int32{}, mark: make([]int32, len(n.edges))}
	w.d.classes, w.d.width = classesOf(n)
	var first [256]int // a byte of each class
	for b := 255; b >= 0; b-- {
		first[w.d.classes[b]] = b
	}
	w.add(w.closure([]int32{start}, true, false), true)
	for at := 0; at < len(w.sets); at++ { //nolint:intrange // sets grows
		set := w.sets[at]
		for c := range w.d.width {
			w.d.next = append(w.d.next, w.move(set, byte(first[c])))
		}
		w.calls(at, set)
	}
	if w.d.calls != nil {
		for len(w.d.calls) < len(w.sets) {
			w.d.calls = append(w.d.calls, nil)
		}
		return &w.d
	}
	return w.d.trim(nil)
}

// subsets is the work of determinize.
type subsets struct {
	*nfa
	final int32
	d     dfa
	sets  [][]int32
	ids   map[string]int32
	mark  []int32 // the round in which a state was last seen
	round int32
}

// add returns the id of a closed set.
func (w *subsets) add(set []int32, start bool) int32 {
	key := setKey(set)
	if id, ok := w.ids[key]; ok {
		return id
	}
	id := int32(len(w.sets))
	if !start { // the start alone sees edgeBegin: nothing leads back to it
		w.ids[key] = id
	}
	w.sets = append(w.sets, set)
	w.d.accept = append(w.d.accept, slices.Contains(w.closure(set, start, true), w.final))
	return id
}

func (w *subsets) move(set []int32, b byte) int32 {
	var to []int32
	for _, q := range set {
		w.lim.spend(1 + len(w.edges[q]))
		for _, e := range w.edges[q] {
			if e.kind == edgeBytes && e.lo <= b && b <= e.hi {
				to = append(to, e.to)
			}
		}
	}
	if len(to) == 0 {
		return dead
	}
	return w.add(w.closure(to, false, false), false)
}

// calls adds the calls of a set, rule by rule.
func (w *subsets) calls(at int, set []int32) {
	var rules []*rule
	to := map[*rule][]int32{}
	for _, q := range set {
		for _, e := range w.edges[q] {
			if e.kind == edgeCall {
				if to[e.rule] == nil {
					rules = append(rules, e.rule)
				}
				to[e.rule] = append(to[e.rule], e.to)
			}
		}
	}
	if len(rules) == 0 {
		return
	}
	for len(w.d.calls) <= at {
		w.d.calls = append(w.d.calls, nil)
	}
	for _, r := range rules {
		ret := w.add(w.closure(to[r], false, false), false)
		w.d.calls[at] = append(w.d.calls[at], call{r, ret})
	}
}

// closure returns the states reached without a byte, in order, those with nothing but
// empty edges left out.
func (w *subsets) closure(set []int32, begin, end bool) []int32 {
	w.round++
	var out []int32
	var todo []int32
	for _, q := range set { // in which one may stand twice
		if w.mark[q] != w.round {
			w.mark[q] = w.round
			todo = append(todo, q)
		}
	}
	for len(todo) > 0 {
		q := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		useful := q == w.final
		w.lim.spend(1 + len(w.edges[q]))
		for _, e := range w.edges[q] {
			useful = useful || e.kind != edgeEmpty
			pass := e.kind == edgeEmpty || e.kind == edgeBegin && begin || e.kind == edgeEnd && end
			if pass && w.mark[e.to] != w.round {
				w.mark[e.to] = w.round
				todo = append(todo, e.to)
			}
		}
		if useful {
			out = append(out, q)
		}
	}
	slices.SortFunc(out, cmp.Compare[int32])
	return out
}
