package jinja

// resolver binds every name of a template to its variable and every filter
// and test to its function.
type resolver struct {
	err        error
	generation bool // a generation block was seen
}

func (c *resolver) fail(err error, line int) {
	if c.err == nil {
		c.err = atLine(err, line)
	}
}

// body binds statements that run in s. soft is set inside an if, where
// unknown filters and tests fail only when they are used.
func (c *resolver) body(list []stmt, s *scope, soft bool) {
	for _, st := range list {
		c.stmt(st, s, soft)
	}
}

func (c *resolver) stmt(st stmt, s *scope, soft bool) {
	switch st := st.(type) {
	case *outputStmt:
		c.exprs(s, soft, st.parts...)
	case *assignStmt:
		c.target(st.to, s)
		c.exprs(s, soft, st.value)
	case *assignBlockStmt:
		st.scope = newScope(s)
		st.scope.syms.stmts(st.body)
		st.scope.syms.exprs(st.filter)
		st.scope.seal()
		c.body(st.body, st.scope, false)
		c.target(st.to, s)
		c.exprs(st.scope, false, st.filter)
	case *ifStmt:
		c.exprs(s, true, st.tests...)
		for _, b := range st.bodies {
			c.body(b, s, true)
		}
		c.body(st.otherwise, s, true)
	case *forStmt:
		c.forLoop(st, s, soft)
	case *macroStmt:
		c.function(st.def, s)
		_, st.slot = s.find(st.def.name)
	case *callBlockStmt:
		c.function(st.def, s)
		c.exprs(s, soft, st.call)
	case *generationStmt:
		c.generation = true
		c.function(st.def, s)
	case *filterBlockStmt:
		st.scope = newScope(s)
		st.scope.syms.stmts(st.body)
		st.scope.syms.exprs(st.filter)
		st.scope.seal()
		c.body(st.body, st.scope, false)
		c.exprs(st.scope, false, st.filter)
	case *withStmt:
		st.scope = newScope(s)
		for _, t := range st.targets {
			st.scope.syms.target(t, true)
		}
		st.scope.syms.stmts(st.body)
		st.scope.seal()
		for _, t := range st.targets {
			c.target(t, st.scope)
		}
		c.exprs(s, soft, st.values...)
		c.body(st.body, st.scope, false)
	}
}

func (c *resolver) forLoop(st *forStmt, s *scope, soft bool) {
	st.extended = st.recursive || undeclared(st.body, "loop")
	st.scope = newScope(s)
	if st.extended {
		st.scope.syms.param("loop")
	}
	st.scope.syms.target(st.to, true)
	st.scope.syms.stmts(st.body)
	st.scope.seal()
	if st.extended {
		st.loopSlot = st.scope.slot("loop")
	}
	c.target(st.to, st.scope)
	c.body(st.body, st.scope, false)
	if st.test != nil {
		st.testScope = newScope(s)
		st.testScope.syms.target(st.testTarget, true)
		st.testScope.syms.exprs(st.test)
		st.testScope.seal()
		c.target(st.testTarget, st.testScope)
		c.exprs(st.testScope, false, st.test)
	}
	if st.otherwise != nil {
		st.elseScope = newScope(s)
		st.elseScope.syms.stmts(st.otherwise)
		st.elseScope.seal()
		c.body(st.otherwise, st.elseScope, false)
	}
	c.exprs(s, soft, st.iter)
}

// function binds a macro's body. The names caller, kwargs and varargs become
// parameters when the body uses them.
func (c *resolver) function(def *macroDef, s *scope) {
	def.scope = newScope(s)
	y := def.scope.syms
	for _, name := range def.params {
		y.param(name)
	}
	special := map[string]*bool{"caller": &def.caller, "kwargs": &def.kwargs, "varargs": &def.varargs}
	names := append([]string(nil), def.params...)
	for _, name := range []string{"caller", "kwargs", "varargs"} {
		if !undeclared(def.body, name) {
			continue
		}
		if i := indexOf(def.params, name); i >= 0 {
			if name == "caller" {
				*special[name] = true
				if i < len(def.params)-len(def.defaults) {
					c.fail(fail(SyntaxError, "When defining macros or call blocks the special \"caller\" argument must be omitted or be given a default."), def.line())
				}
			}
			continue
		}
		y.param(name)
		names = append(names, name)
		*special[name] = true
	}
	y.exprs(def.defaults...)
	y.stmts(def.body)
	def.scope.seal()
	for _, name := range names {
		def.slots = append(def.slots, def.scope.slot(name))
	}
	c.exprs(def.scope, false, def.defaults...)
	c.body(def.body, def.scope, false)
}

func indexOf(list []string, name string) int {
	for i, s := range list {
		if s == name {
			return i
		}
	}
	return -1
}

func (c *resolver) target(t target, s *scope) {
	switch t := t.(type) {
	case *nameTarget:
		t.slot = s.slot(t.name)
	case *nsTarget:
		t.depth, t.slot = s.find(t.name)
	case *tupleTarget:
		for _, item := range t.items {
			c.target(item, s)
		}
	}
}

// exprs binds names, and refuses filters and tests that nobody knows unless
// they stand where they may never be reached.
func (c *resolver) exprs(s *scope, soft bool, list ...expr) {
	for _, e := range list {
		if e == nil {
			continue
		}
		inner := soft
		switch e := e.(type) {
		case *nameExpr:
			e.depth, e.slot = s.find(e.name)
		case *filterExpr:
			if !soft && filterByName(e.name) == nil {
				c.fail(fail(assertionError, "No filter named '%s'.", e.name), e.line())
			}
		case *testExpr:
			if !soft && testByName(e.name) == nil {
				c.fail(fail(assertionError, "No test named '%s'.", e.name), e.line())
			}
		case *condExpr:
			inner = true
		}
		c.exprs(s, inner, children(e)...)
	}
}

// undeclared reports whether statements read name before anything in them
// stores it, looking into inner functions and loops too.
func undeclared(body []stmt, name string) bool {
	u := undeclaredFinder{name: name}
	u.stmts(body)
	return u.found
}

type undeclaredFinder struct {
	name        string
	found, done bool
}

func (u *undeclaredFinder) exprs(list ...expr) {
	for _, e := range list {
		walkExpr(e, func(e expr) {
			if n, ok := e.(*nameExpr); ok && n.name == u.name && !u.done {
				u.found, u.done = true, true
			}
		})
	}
}

func (u *undeclaredFinder) declare(name string) {
	if name == u.name {
		u.done = true
	}
}

func (u *undeclaredFinder) target(t target) {
	switch t := t.(type) {
	case *nameTarget:
		u.declare(t.name)
	case *tupleTarget:
		for _, item := range t.items {
			u.target(item)
		}
	}
}

func (u *undeclaredFinder) stmts(body []stmt) {
	for _, s := range body {
		u.stmt(s)
	}
}

func (u *undeclaredFinder) function(def *macroDef) {
	for _, name := range def.params {
		u.declare(name)
	}
	u.exprs(def.defaults...)
	u.stmts(def.body)
}

func (u *undeclaredFinder) stmt(s stmt) {
	switch s := s.(type) {
	case *outputStmt:
		u.exprs(s.parts...)
	case *assignStmt:
		u.target(s.to)
		u.exprs(s.value)
	case *assignBlockStmt:
		u.target(s.to)
		u.exprs(s.filter)
		u.stmts(s.body)
	case *ifStmt:
		u.exprs(s.tests[0])
		u.stmts(s.bodies[0])
		for i := 1; i < len(s.tests); i++ {
			u.exprs(s.tests[i])
			u.stmts(s.bodies[i])
		}
		u.stmts(s.otherwise)
	case *forStmt:
		u.target(s.to)
		u.exprs(s.iter)
		u.stmts(s.body)
		u.stmts(s.otherwise)
		u.exprs(s.test)
	case *macroStmt:
		u.function(s.def)
	case *callBlockStmt:
		u.exprs(s.call)
		u.function(s.def)
	case *generationStmt:
		u.function(s.def)
	case *filterBlockStmt:
		u.stmts(s.body)
		u.exprs(s.filter)
	case *withStmt:
		for _, t := range s.targets {
			u.target(t)
		}
		u.exprs(s.values...)
		u.stmts(s.body)
	}
}
