package grammar

import (
	"encoding/binary"
	"slices"
)

// partition tells apart the states of a rule by what the next bytes can be. After k
// rounds the states of one class take the same texts of up to k bytes, and pass through
// states of the same kind with them: however far the end of a counted repeat is beyond
// that, tokens of up to k bytes are the same. It is Moore's refinement, in which a round
// looks again only at states that lead to those whose class has changed, so that a
// repeat of n costs no more than n states once, and a few in each round.
type partition struct {
	*dfa
	class   []int32 // by state
	size    []int32 // by class
	first   []int32 // by state: where in sources those of its predecessors begin
	sources []int32
	todo    []int32 // the states to look at in the next round
	mark    []bool  // by state: it is in todo
	left    int     // entries of the table that may still be looked at
}

// maxRounds bounds the work of a partition, in visits of each entry of the table.
const maxRounds = 16

// newPartition begins with classes of the states of the same kind.
func newPartition(d *dfa, kind []int32) *partition {
	p := &partition{
		dfa: d, class: kind, size: make([]int32, slices.Max(kind)+1),
		first: make([]int32, d.states()+1), mark: make([]bool, d.states()), left: maxRounds * len(d.next),
	}
	for q, c := range kind {
		p.size[c]++
		p.todo = append(p.todo, int32(q))
	}
	p.eachEdge(func(_, to int32) { p.first[to]++ })
	for q := range d.states() {
		p.first[q+1] += p.first[q]
	}
	p.sources = make([]int32, p.first[d.states()])
	p.eachEdge(func(from, to int32) {
		p.first[to]--
		p.sources[p.first[to]] = from
	})
	return p
}

// eachEdge calls f for each state that another leads to, mostly once.
func (p *partition) eachEdge(f func(from, to int32)) {
	for q := range p.states() {
		last := int32(dead)
		for _, t := range p.row(int32(q)) {
			if t != last && t != dead {
				f(int32(q), t)
			}
			last = t
		}
	}
}

// refine goes through a number of rounds. Where that is more work than a partition may
// take, each state is left with a class of its own, which is right after any round.
func (p *partition) refine(rounds int) {
	for range rounds {
		if len(p.todo) == 0 {
			return
		}
		if p.left -= len(p.todo) * p.width; p.left < 0 {
			p.todo = nil
			p.size = slices.Repeat([]int32{1}, p.states())
			for q := range p.class {
				p.class[q] = int32(q)
			}
			return
		}
		p.round()
	}
}

// round splits the classes of the states in todo.
func (p *partition) round() {
	type group struct{ class, size int32 }
	var groups []group
	ids := map[string]int32{}
	in := make([]int32, len(p.todo))     // the group of each
	looked := make([]int32, len(p.size)) // how many of each class
	key := make([]byte, 0, 4*(p.width+1))
	for i, q := range p.todo {
		class := p.class[q]
		p.mark[q] = false
		looked[class]++
		key = binary.LittleEndian.AppendUint32(key[:0], uint32(class))
		for _, t := range p.row(q) {
			if t != dead {
				t = p.class[t]
			}
			key = binary.LittleEndian.AppendUint32(key, uint32(t))
		}
		id, ok := ids[string(key)]
		if !ok {
			id = int32(len(groups))
			ids[string(key)] = id
			groups = append(groups, group{class: class})
		}
		in[i] = id
		groups[id].size++
	}
	// Those of a class that were not looked at are alike, and keep its number. Where there
	// are none, the most of those that are alike do.
	keeps := map[int32]int{}
	for i, g := range groups {
		if k, ok := keeps[g.class]; looked[g.class] == p.size[g.class] && (!ok || g.size > groups[k].size) {
			keeps[g.class] = i
		}
	}
	for i, g := range groups {
		if k, ok := keeps[g.class]; ok && k == i {
			continue
		}
		p.size[g.class] -= g.size
		groups[i].class = int32(len(p.size))
		p.size = append(p.size, g.size)
	}
	looking := p.todo
	p.todo = nil
	for i, q := range looking {
		c := groups[in[i]].class
		if c == p.class[q] {
			continue
		}
		p.class[q] = c
		for _, from := range p.sources[p.first[q]:p.first[q+1]] {
			if !p.mark[from] {
				p.mark[from] = true
				p.todo = append(p.todo, from)
			}
		}
	}
}

// kinds numbers the states of a rule by what they are besides their bytes: whether the
// rule may be left there, how, and whether there is a way on.
func (p *program) kinds(r *rule) []int32 {
	kinds := make([]int32, r.states())
	ids := map[string]int32{}
	rules := map[*rule]uint32{}
	var key []byte
	for q := range kinds {
		key = key[:0]
		for _, is := range []bool{r.accept[q] && r != p.root, p.alive != nil && p.alive[r][q]} {
			if is {
				key = append(key, 1)
			} else {
				key = append(key, 0)
			}
		}
		for _, c := range r.callsOf(int32(q)) {
			if _, ok := rules[c.rule]; !ok {
				rules[c.rule] = uint32(len(rules))
			}
			key = binary.LittleEndian.AppendUint32(key, rules[c.rule])
			key = binary.LittleEndian.AppendUint32(key, uint32(c.ret))
		}
		id, ok := ids[string(key)]
		if !ok {
			id = int32(len(ids))
			ids[string(key)] = id
		}
		kinds[q] = id
	}
	return kinds
}
