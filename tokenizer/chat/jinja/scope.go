package jinja

import "maps"

// Jinja decides when it compiles a template which variable a name means, and
// its decisions show: a name that is assigned anywhere in a scope is that
// scope's variable even before the assignment. This file makes the same
// decisions, after jinja2/idtracking.py.

// loadKind says what a variable holds when its scope is entered.
type loadKind uint8

const (
	loadParam     loadKind = iota // whatever the loop or call puts there
	loadResolve                   // the render's variable of that name
	loadAlias                     // the value of the same name further out
	loadUndefined                 // nothing yet
)

// scope is the variables of one template, loop, macro or block.
type scope struct {
	parent *scope
	slots  map[string]int // every name that is a variable here
	names  []string       // by slot
	syms   *symbols
	loads  []load // by slot, once sealed
}

type load struct {
	kind        loadKind
	name        string
	depth, slot int // of the outer variable, for loadAlias
}

// symbols is what is known about a scope's names at one point of the
// analysis; branches of an if work on copies.
type symbols struct {
	scope  *scope
	loads  map[string]loadKind // names with a variable in this scope
	stores map[string]bool
}

func newScope(parent *scope) *scope {
	s := &scope{parent: parent, slots: map[string]int{}}
	s.syms = &symbols{scope: s, loads: map[string]loadKind{}, stores: map[string]bool{}}
	return s
}

// outer reports whether a scope around s has a variable called name.
func (s *scope) outer(name string) bool {
	for p := s.parent; p != nil; p = p.parent {
		if _, ok := p.syms.loads[name]; ok {
			return true
		}
	}
	return false
}

// find returns where a variable lives, seen from s: how many scopes out, and
// the slot there. The analysis has given every name it meets a variable.
func (s *scope) find(name string) (depth, slot int) {
	for p := s; p != nil; p = p.parent {
		if _, has := p.syms.loads[name]; has {
			return depth, p.slot(name)
		}
		depth++
	}
	return 0, 0
}

func (s *scope) slot(name string) int {
	i, ok := s.slots[name]
	if !ok {
		i = len(s.names)
		s.slots[name] = i
		s.names = append(s.names, name)
	}
	return i
}

// seal fixes how each variable starts.
func (s *scope) seal() {
	for name := range s.syms.loads {
		s.slot(name)
	}
	s.loads = make([]load, len(s.names))
	for slot, name := range s.names {
		l := load{kind: s.syms.loads[name], name: name}
		if l.kind == loadAlias {
			depth, outer := s.parent.find(name)
			l.depth, l.slot = depth+1, outer
		}
		s.loads[slot] = l
	}
}

func (y *symbols) clone() *symbols {
	c := &symbols{scope: y.scope, loads: map[string]loadKind{}, stores: map[string]bool{}}
	maps.Copy(c.loads, y.loads)
	maps.Copy(c.stores, y.stores)
	return c
}

func (y *symbols) store(name string) {
	y.stores[name] = true
	if _, ok := y.loads[name]; ok {
		return
	}
	if y.scope.outer(name) {
		y.loads[name] = loadAlias
		return
	}
	y.loads[name] = loadUndefined
}

func (y *symbols) param(name string) {
	y.stores[name] = true
	y.loads[name] = loadParam
}

func (y *symbols) load(name string) {
	if _, ok := y.loads[name]; ok || y.scope.outer(name) {
		return
	}
	y.loads[name] = loadResolve
}

// merge takes over what the branches of an if found: a name that only some of
// them store may still mean what it meant outside.
func (y *symbols) merge(branches ...*symbols) {
	stored := map[string]bool{}
	for _, b := range branches {
		for name := range b.stores {
			if !y.stores[name] {
				stored[name] = true
			}
		}
	}
	for _, b := range branches {
		maps.Copy(y.loads, b.loads)
		maps.Copy(y.stores, b.stores)
	}
	for name := range stored {
		if y.scope.outer(name) {
			y.loads[name] = loadAlias
		} else {
			y.loads[name] = loadResolve
		}
	}
}

// stmts analyses statements that run in y's scope.
func (y *symbols) stmts(body []stmt) {
	for _, s := range body {
		y.stmt(s)
	}
}

func (y *symbols) stmt(s stmt) {
	switch s := s.(type) {
	case *outputStmt:
		y.exprs(s.parts...)
	case *assignStmt:
		y.exprs(s.value)
		y.target(s.to, false)
	case *assignBlockStmt:
		y.target(s.to, false)
	case *ifStmt:
		y.branches(s, 0)
	case *forStmt:
		y.exprs(s.iter)
	case *macroStmt:
		y.store(s.def.name)
	case *callBlockStmt:
		y.exprs(s.call)
	case *filterBlockStmt:
		y.exprs(s.filter)
	case *withStmt:
		y.exprs(s.values...)
	}
}

// branches analyses an if from its i-th test on. All elifs together are one
// branch, in which each sees the ones before it.
func (y *symbols) branches(s *ifStmt, i int) {
	y.exprs(s.tests[i])
	body, elifs, otherwise := y.clone(), y.clone(), y.clone()
	body.stmts(s.bodies[i])
	if i == 0 {
		for j := 1; j < len(s.tests); j++ {
			elifs.elif(s, j)
		}
		otherwise.stmts(s.otherwise)
	}
	y.merge(body, elifs, otherwise)
}

func (y *symbols) elif(s *ifStmt, i int) {
	y.exprs(s.tests[i])
	body := y.clone()
	body.stmts(s.bodies[i])
	y.merge(body)
}

func (y *symbols) target(t target, asParam bool) {
	switch t := t.(type) {
	case *nameTarget:
		if asParam {
			y.param(t.name)
		} else {
			y.store(t.name)
		}
	case *nsTarget:
		y.load(t.name)
	case *tupleTarget:
		for _, item := range t.items {
			y.target(item, asParam)
		}
	}
}

func (y *symbols) exprs(list ...expr) {
	for _, e := range list {
		walkExpr(e, func(e expr) {
			if n, ok := e.(*nameExpr); ok {
				y.load(n.name)
			}
		})
	}
}

// walkExpr visits e and everything inside it, parents first.
func walkExpr(e expr, visit func(expr)) {
	if e == nil {
		return
	}
	visit(e)
	for _, child := range children(e) {
		walkExpr(child, visit)
	}
}

// children returns the parts of an expression in the order in which Jinja
// lists them; parts left out are nil.
func children(e expr) []expr {
	switch e := e.(type) {
	case *tupleExpr:
		return e.items
	case *listExpr:
		return e.items
	case *dictExpr:
		var out []expr
		for i := range e.keys {
			out = append(out, e.keys[i], e.values[i])
		}
		return out
	case *getattrExpr:
		return []expr{e.object}
	case *getitemExpr:
		return []expr{e.object, e.index}
	case *sliceExpr:
		return []expr{e.start, e.stop, e.step}
	case *callExpr:
		return append([]expr{e.fn}, e.args.all()...)
	case *filterExpr:
		return append([]expr{e.input}, e.args.all()...)
	case *testExpr:
		return append([]expr{e.input}, e.args.all()...)
	case *unaryExpr:
		return []expr{e.operand}
	case *binaryExpr:
		return []expr{e.left, e.right}
	case *andExpr:
		return []expr{e.left, e.right}
	case *orExpr:
		return []expr{e.left, e.right}
	case *compareExpr:
		return append([]expr{e.first}, e.rest...)
	case *concatExpr:
		return e.parts
	case *condExpr:
		return []expr{e.test, e.yes, e.no}
	default:
		return nil
	}
}

func (a *arguments) all() []expr {
	out := append([]expr(nil), a.positional...)
	out = append(out, a.named...)
	return append(out, a.dynArgs, a.dynKwargs)
}
