package jinja

// iterator returns the next item, false at the end.
type iterator func() (Value, bool, error)

// generator is a lazy sequence that can be walked once.
type generator struct {
	typeName string
	next     iterator
	depth    int // lazy filters below this one
}

func newGenerator(next iterator) Value {
	return Value{kind: kindGenerator, ref: &generator{typeName: "generator", next: next}}
}

func sliceIterator(items []Value) iterator {
	i := 0
	return func() (Value, bool, error) {
		if i >= len(items) {
			return Value{}, false, nil
		}
		i++
		return items[i-1], true, nil
	}
}

func countIterator(n int, at func(int) Value) iterator {
	i := 0
	return func() (Value, bool, error) {
		if i >= n {
			return Value{}, false, nil
		}
		i++
		return at(i - 1), true, nil
	}
}

// iterate is Python's iter(v).
func (r *run) iterate(v Value) (iterator, error) {
	switch v.kind {
	case KindUndefined:
		return sliceIterator(nil), nil
	case KindString:
		return runeIterator(v), nil
	case KindList, KindTuple:
		return sliceIterator(v.ref.(*list).items), nil
	case KindDict:
		d := v.ref.(*Dict)
		return countIterator(d.Len(), func(i int) Value { return d.keys[i] }), nil
	case kindView:
		w := v.ref.(*view)
		return countIterator(w.dict.Len(), w.at), nil
	case kindRange:
		g := v.ref.(*pyRange)
		return countIterator(g.len(), g.at), nil
	case kindGenerator:
		next := v.ref.(*generator).next
		return func() (Value, bool, error) {
			if err := r.spend(1); err != nil {
				return Value{}, false, err
			}
			return next()
		}, nil
	}
	return nil, fail(typeError, "'%s' object is not iterable", typeName(v))
}

// runeIterator walks the characters of a string.
func runeIterator(v Value) iterator {
	rest := v.str
	return func() (Value, bool, error) {
		if rest == "" {
			return Value{}, false, nil
		}
		n := runeLen(rest)
		c := String(rest[:n]) // plain even if v is a Markup, as in Python
		rest = rest[n:]
		return c, true, nil
	}
}

// toSlice is Python's list(v). The result may be v's own storage.
func (r *run) toSlice(v Value) ([]Value, error) {
	if l, ok := v.ref.(*list); ok {
		return l.items, nil
	}
	next, err := r.iterate(v)
	if err != nil {
		return nil, err
	}
	var out []Value
	for {
		item, ok, err := next()
		if err != nil || !ok {
			return out, err
		}
		if err := r.elements(1); err != nil {
			return nil, err
		}
		out = append(out, item)
	}
}

// loopContext is the variable loop of a for statement.
type loopContext struct {
	run    *run
	stmt   *forStmt
	frame  *frame
	source Value
	next   iterator
	depth0 int
	index0 int

	ahead    Value // read early, if hasAhead
	hasAhead bool
	current  Value
	before   Value
	size     int // once sized
	sized    bool
	changed  []Value
	asked    bool // changed was called
}

// advance moves to the next item.
func (l *loopContext) advance() (Value, bool, error) {
	item, ok := l.ahead, l.hasAhead
	l.hasAhead = false
	if !ok {
		var err error
		if item, ok, err = l.next(); err != nil || !ok {
			return Value{}, false, err
		}
	}
	l.index0++
	l.before, l.current = l.current, item
	return item, true, nil
}

// peek reads one item ahead.
func (l *loopContext) peek() (Value, bool, error) {
	if l.hasAhead {
		return l.ahead, true, nil
	}
	item, ok, err := l.next()
	if err == nil && ok {
		l.ahead, l.hasAhead = item, true
	}
	return item, ok, err
}

// length counts the items, reading the rest of them if there is no other way.
func (l *loopContext) length() (int, error) {
	if l.sized {
		return l.size, nil
	}
	n, ok := sizeOf(l.source)
	if !ok {
		rest, err := l.run.toSlice(newGenerator(l.next))
		if err != nil {
			return 0, err
		}
		l.next = sliceIterator(rest)
		n = len(rest) + l.index0 + 1
		if l.hasAhead {
			n++
		}
	}
	l.size, l.sized = n, true
	return n, nil
}

// attr returns an attribute of loop.
func (l *loopContext) attr(name string) (v Value, ok bool, err error) {
	switch name {
	case "index":
		return Int(l.index0 + 1), true, nil
	case "index0":
		return Int(l.index0), true, nil
	case "first":
		return Bool(l.index0 == 0), true, nil
	case "depth":
		return Int(l.depth0 + 1), true, nil
	case "depth0":
		return Int(l.depth0), true, nil
	case "length", "revindex", "revindex0":
		n, err := l.length()
		switch name {
		case "revindex":
			n -= l.index0
		case "revindex0":
			n -= l.index0 + 1
		}
		return Int(n), true, err
	case "last":
		_, more, err := l.peek()
		return Bool(!more), true, err
	case "nextitem":
		item, more, err := l.peek()
		if !more {
			item = undefinedHint("there is no next item")
		}
		return item, true, err
	case "previtem":
		if l.index0 == 0 {
			return undefinedHint("there is no previous item"), true, nil
		}
		return l.before, true, nil
	case "cycle":
		return newFunction("cycle", l.cycle), true, nil
	case "changed":
		return newFunction("changed", l.hasChanged), true, nil
	}
	return Value{}, false, nil
}

func (l *loopContext) cycle(_ *run, a callArgs) (Value, error) {
	if len(a.pos) == 0 {
		return Value{}, fail(typeError, "no items for cycling given")
	}
	return a.pos[l.index0%len(a.pos)], nil
}

func (l *loopContext) hasChanged(r *run, a callArgs) (Value, error) {
	same := false
	if l.asked {
		var err error
		if same, err = r.equal(Tuple(l.changed...), Tuple(a.pos...)); err != nil {
			return Value{}, err
		}
	}
	l.asked = true
	if !same {
		l.changed = a.pos
	}
	return Bool(!same), nil
}

// recurse renders the loop over inner items, for "loop(items)".
func (l *loopContext) recurse(v Value) (string, error) {
	if !l.stmt.recursive {
		return "", fail(typeError, "The loop must have the 'recursive' marker to be called recursively.")
	}
	return l.run.recurse(l.stmt, l.frame, v, l.depth0+1)
}
