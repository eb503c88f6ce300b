package grammar

import "slices"

// arrayKeyword adds what a keyword says about arrays.
func (c *compiler) arrayKeyword(s *spec, v *value, key string) {
	at := v.fields[key]
	switch key {
	case "minItems":
		s.minItems = max(s.minItems, count(at, key))
		return
	case "maxItems":
		s.maxItems = least(s.maxItems, count(at, key))
		return
	case "uniqueItems":
		if at.kind != kindBool {
			fail(at.pointer, key, "true or false is expected")
		}
		if at.yes {
			s.unique = at
		}
		return
	case "contains":
		s.contains = append(s.contains, v)
		return
	case "prefixItems":
		schemas(at, key)
	}
	if len(s.arrays) == 0 || s.arrays[len(s.arrays)-1] != v {
		s.arrays = append(s.arrays, v)
	}
}

// element returns the schema that v has for the element at i, or nil. Up to draft 2019-09
// an array in items is what prefixItems is now.
func element(v *value, i int) *value {
	first, rest := v.fields["prefixItems"], v.fields["items"]
	if first == nil && rest != nil && rest.kind == kindArray {
		first, rest = rest, v.fields["additionalItems"]
	}
	if first != nil && i < len(first.items) {
		return first.items[i]
	}
	return rest
}

// prefix returns how many elements v has schemas of their own for.
func prefix(v *value) int {
	for _, key := range []string{"prefixItems", "items"} {
		if at := v.fields[key]; at != nil && at.kind == kindArray {
			return len(at.items)
		}
	}
	return 0
}

// elements returns the schemas for the element at i.
func (s *spec) elements(i int) []*value {
	var all []*value
	for _, v := range s.arrays {
		if e := element(v, i); e != nil {
			all = append(all, e)
		}
	}
	return all
}

// never reports whether a false schema is among them.
func never(all []*value) bool {
	for _, v := range all {
		if v.kind == kindBool && !v.yes {
			return true
		}
	}
	return false
}

// containing returns how many elements must satisfy the keyword contains of v; most below
// 0 is without end.
func containing(v *value) (least, most int) {
	least, most = 1, -1
	if at := v.fields["minContains"]; at != nil {
		least = count(at, "minContains")
	}
	if at := v.fields["maxContains"]; at != nil {
		most = count(at, "maxContains")
	}
	return least, most
}

// addArray adds the arrays that satisfy a spec.
func (c *compiler) addArray(n *nfa, from, to int32, s *spec) {
	if s.freeArray() {
		n.call(from, to, c.array)
		return
	}
	a := &array{compiler: c, s: s, most: s.maxItems, mostly: -1}
	for _, v := range s.arrays {
		a.own = max(a.own, prefix(v))
	}
	for i := range a.own + 1 {
		if never(s.elements(i)) {
			a.most = least(a.most, i)
		}
	}
	if len(s.contains) > 0 {
		a.contain()
	}
	if s.unique != nil && (a.most < 0 || a.most > 1) {
		a.distinguish()
	}
	if a.most < 0 || s.minItems <= a.most {
		a.add(n, from, to)
	}
}

// array is the work of addArray.
type array struct {
	*compiler
	s              *spec
	own            int      // elements that have schemas of their own
	most           int      // elements; below 0: any number
	kept           *value   // the schema of contains; nil: there is none
	fewest, mostly int      // elements that satisfy it; mostly below 0: any number
	values         []*value // of which no two elements may be the same; nil: they may
	places         [][]int  // by element up to own: which of values it may be
	fixed          []*rule  // by value
}

// filled is what is known of the elements written so far.
type filled struct {
	n     int    // how many, up to where more change nothing
	found int    // how many satisfy contains, as far as that matters
	used  uint64 // which values
}

// item is an element that may follow.
type item struct {
	rule *rule
	then filled
}

// maxSets bounds the sets of values that one array may be.
const maxSets = 1 << 12

// contain reads contains.
func (a *array) contain() {
	if len(a.s.contains) > 1 {
		fail(a.s.contains[1].fields["contains"].pointer, "contains", "this keyword cannot be compiled where another holds for the same elements")
	}
	a.fewest, a.mostly = containing(a.s.contains[0])
	if a.fewest > 0 || a.mostly >= 0 {
		a.kept = a.s.contains[0].fields["contains"]
	}
}

// distinguish finds the values that elements may have, which must be few.
func (a *array) distinguish() {
	at := a.s.unique
	for i := range a.own + 1 {
		if i == a.most {
			break
		}
		values, ok := a.finite(a.s.elements(i))
		if !ok {
			fail(at.pointer, "uniqueItems", "this keyword cannot be compiled where there may be two items, unless their values are listed, as by enum")
		}
		var place []int
		for _, v := range values {
			id := slices.IndexFunc(a.values, v.equal)
			if id < 0 {
				id = len(a.values)
				a.values = append(a.values, v)
			}
			if !slices.Contains(place, id) {
				place = append(place, id)
			}
		}
		a.places = append(a.places, place)
	}
	if len(a.values) > 64 {
		fail(at.pointer, "uniqueItems", "this keyword cannot be compiled for items of more than 64 values")
	}
	a.most = least(a.most, len(a.values))
	for _, v := range a.values {
		n := newNFA(a.lim)
		from, to := n.state(), n.state()
		n.literal(from, to, v.spell())
		a.fixed = append(a.fixed, &rule{dfa: n.determinize(from, to)})
	}
}

// finite returns the values that satisfy all schemas, if they are listed.
func (c *compiler) finite(all []*value) (values []*value, ok bool) {
	for _, s := range c.expand(all) {
		list := s.values
		if !s.listed {
			if s.types&^(1<<kindNull|1<<kindBool) != 0 {
				return nil, false
			}
			list = []*value{{kind: kindNull}, {kind: kindBool}, {kind: kindBool, yes: true}}
		}
		for _, v := range list {
			if c.allows(s, v) {
				values = append(values, v)
			}
		}
	}
	return values, true
}

// mayEnd reports whether the array may end.
func (a *array) mayEnd(f filled) bool {
	return f.n >= a.s.minItems && f.found >= a.fewest && (a.mostly < 0 || f.found <= a.mostly)
}

// next returns the elements that may follow.
func (a *array) next(f filled) []item {
	if f.n == a.most {
		return nil
	}
	if a.values != nil {
		return a.unused(f)
	}
	all := a.s.elements(f.n)
	then := f
	then.n++
	if a.most < 0 {
		then.n = min(then.n, max(a.own, a.s.minItems))
	}
	if a.kept == nil || a.mostly < 0 && f.found == a.fewest {
		return []item{{a.rule(all), then}}
	}
	found := then
	found.found++
	if a.mostly < 0 {
		// Any of those that satisfy contains may be counted, or not.
		return []item{{a.rule(all), then}, {a.rule(append(all, a.kept)), found}}
	}
	items := []item{{a.rule(append(slices.Clone(all), a.negated(a.kept))), then}}
	if f.found < a.mostly {
		items = append(items, item{a.rule(append(all, a.kept)), found})
	}
	return items
}

// unused is next for values of which none may come twice.
func (a *array) unused(f filled) []item {
	var items []item
	for _, id := range a.places[min(f.n, a.own)] {
		if f.used>>id&1 != 0 {
			continue
		}
		then := filled{f.n + 1, f.found, f.used | 1<<id}
		if a.kept != nil && a.satisfies([]*value{a.kept}, a.values[id]) {
			then.found++
		}
		items = append(items, item{a.fixed[id], then})
	}
	return items
}

// add adds the arrays.
func (a *array) add(n *nfa, from, to int32) {
	in, open, end := n.state(), n.state(), n.state()
	n.literal(from, in, "[")
	a.gap(n, in, open)
	n.literal(end, to, "]")
	after := map[filled]int32{}
	var todo []filled
	follow := func(at int32, items []item) {
		for _, i := range items {
			state, ok := after[i.then]
			if !ok {
				if a.values != nil && len(after) == maxSets {
					fail(a.s.unique.pointer, "uniqueItems", "this keyword cannot be compiled where items come to more than %d sets; list fewer values, or set maxItems", maxSets)
				}
				state = n.state()
				after[i.then] = state
				todo = append(todo, i.then)
			}
			n.call(at, state, i.rule)
		}
	}
	if a.mayEnd(filled{}) {
		n.empty(open, end)
	}
	follow(open, a.next(filled{}))
	for len(todo) > 0 {
		f := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		at := after[f]
		if a.mayEnd(f) {
			a.gap(n, at, end)
		}
		if items := a.next(f); len(items) > 0 {
			comma, start := n.state(), n.state()
			n.literal(at, comma, ",")
			a.gap(n, comma, start)
			follow(start, items)
		}
	}
}
