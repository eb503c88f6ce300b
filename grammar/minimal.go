package grammar

import "encoding/binary"

// mergeClasses makes one class of bytes that no state tells apart.
func (d *dfa) mergeClasses() {
	ids := map[string]uint8{}
	var kept []int // a class of each new one
	to := make([]uint8, d.width)
	column := make([]byte, 0, 4*d.states())
	for c := range d.width {
		column = column[:0]
		for q := range d.states() {
			column = binary.LittleEndian.AppendUint32(column, uint32(d.next[q*d.width+c]))
		}
		id, ok := ids[string(column)]
		if !ok {
			id = uint8(len(kept))
			ids[string(column)] = id
			kept = append(kept, c)
		}
		to[c] = id
	}
	if len(kept) == d.width {
		return
	}
	next := make([]int32, 0, d.states()*len(kept))
	for q := range d.states() {
		for _, c := range kept {
			next = append(next, d.next[q*d.width+c])
		}
	}
	for b := range d.classes {
		d.classes[b] = to[d.classes[b]]
	}
	d.next, d.width = next, len(kept)
}

// minimal returns the automaton of the same texts with the fewest states, by Moore's
// refinement: states stay together as long as their bytes lead to states that do. d
// must not call. It is d itself where that could take more than a quarter of the work
// that is left: fewer states save masks, and decide nothing.
func (d *dfa) minimal(lim *limits) *dfa {
	if d.states()*len(d.next) > lim.left/4 {
		return d
	}
	group := make([]int32, d.states())
	for q, ok := range d.accept {
		if ok != d.accept[0] {
			group[q] = 1
		}
	}
	count := 0
	for {
		lim.spend(len(d.next))
		ids := map[string]int32{}
		next := make([]int32, d.states())
		key := make([]byte, 0, 4*(d.width+1))
		for q := range d.states() {
			key = binary.LittleEndian.AppendUint32(key[:0], uint32(group[q]))
			for _, t := range d.row(int32(q)) {
				if t != dead {
					t = group[t]
				}
				key = binary.LittleEndian.AppendUint32(key, uint32(t))
			}
			id, ok := ids[string(key)]
			if !ok {
				id = int32(len(ids))
				ids[string(key)] = id
			}
			next[q] = id
		}
		group = next
		if len(ids) == count {
			break
		}
		count = len(ids)
	}
	out := &dfa{classes: d.classes, width: d.width}
	for q := range d.states() {
		if int(group[q]) < out.states() {
			continue // as one before it
		}
		out.accept = append(out.accept, d.accept[q])
		for _, t := range d.row(int32(q)) {
			if t != dead {
				t = group[t]
			}
			out.next = append(out.next, t)
		}
	}
	out.mergeClasses()
	return out
}
