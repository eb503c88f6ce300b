package grammar

import (
	"fmt"
	"slices"
	"strings"
)

// Options say how JSON is written.
type Options struct {
	// Compact allows no white space. Without it one space, or a line's end with up to 40
	// spaces or tabs, may stand where JSON allows white space, but for the ends and the
	// places before a colon or comma.
	Compact bool
	// Open lets objects whose schema names properties, and says nothing of others, have
	// others too, as JSON Schema has it. Without it they have none, which a model is the
	// better for; what is written satisfies the schema either way.
	Open bool
}

// JSONSchema returns the texts of the JSON values that satisfy a schema (see the
// package's comment for what is supported). Errors are a [*SchemaError] that names a
// keyword, [ErrUnsatisfiable], [ErrTooLarge], or say why schema is no JSON.
func JSONSchema(schema []byte, o Options) (g *Grammar, err error) {
	defer catch(&err)
	root, err := readValue(schema)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	c := &compiler{
		root: root, open: o.Open, texts: looseTexts(), lim: newLimits(),
		rules: map[string]*rule{}, anchors: map[string]*value{}, denied: map[*value]*value{}, made: forbidden.order,
	}
	if o.Compact {
		c.texts = compactTexts()
	}
	root.each(func(v *value) {
		if a := v.fields["$anchor"]; a != nil && a.kind == kindString {
			c.anchors[a.text] = v
		}
	})
	r := c.rule([]*value{root})
	c.run()
	finish(r)
	if r.empty() {
		return nil, ErrUnsatisfiable
	}
	return &Grammar{add: func(n *nfa, from, to int32) { n.call(from, to, r) }}, nil
}

// JSON matches any JSON value, or with object set any JSON object.
func JSON(object bool, o Options) *Grammar {
	t := looseTexts()
	if o.Compact {
		t = compactTexts()
	}
	r := t.value
	if object {
		r = t.object
	}
	return &Grammar{add: func(n *nfa, from, to int32) { n.call(from, to, r) }}
}

// compiler turns one schema into rules.
type compiler struct {
	*texts
	root    *value
	open    bool
	lim     *limits
	anchors map[string]*value
	rules   map[string]*rule  // by the schemas that all hold
	denied  map[*value]*value // what without and negated have made
	made    int               // order of the last schema that was made
	todo    []func()
	checks  []func()
}

// maxRules bounds how many different conjunctions of schemas are compiled.
const maxRules = 1 << 14

// rule returns the rule of the values that satisfy all of some schemas. It may be
// compiled later, by run.
func (c *compiler) rule(all []*value) *rule {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b *value) int { return a.order - b.order })
	all = slices.Compact(all)
	all = slices.DeleteFunc(all, func(v *value) bool { return v.kind == kindBool && v.yes })
	if len(all) == 0 {
		return c.value
	}
	var key strings.Builder
	for _, v := range all {
		fmt.Fprintf(&key, "%d,", v.order)
	}
	r := c.rules[key.String()]
	if r != nil {
		return r
	}
	if len(c.rules) == maxRules {
		panic(failure{ErrTooLarge})
	}
	r = &rule{}
	c.rules[key.String()] = r
	c.todo = append(c.todo, func() { c.define(r, c.expand(all)) })
	return r
}

// run compiles the rules that are still to be, then what can be checked only then.
func (c *compiler) run() {
	for len(c.todo) > 0 || len(c.checks) > 0 {
		for len(c.todo) > 0 {
			next := c.todo[len(c.todo)-1]
			c.todo = c.todo[:len(c.todo)-1]
			next()
		}
		checks := c.checks
		c.checks = nil
		for _, check := range checks {
			check()
		}
	}
}

// define compiles a rule: the values that satisfy any of the specs.
func (c *compiler) define(r *rule, specs []*spec) {
	n := newNFA(c.lim)
	from, to := n.state(), n.state()
	for _, s := range specs {
		in, out := n.state(), n.state()
		n.empty(from, in)
		c.add(n, in, out, s)
		n.empty(out, to)
	}
	r.dfa = n.determinize(from, to)
}

// add adds the values that satisfy a spec.
func (c *compiler) add(n *nfa, from, to int32, s *spec) {
	if s.listed {
		for _, v := range s.values {
			if s.types.has(v.kind) && c.allows(s, v) {
				n.literal(from, to, v.spell())
			}
		}
		return
	}
	if s.free() {
		n.call(from, to, c.value)
		return
	}
	if s.types.has(kindNull) {
		n.literal(from, to, "null")
	}
	if s.types.has(kindBool) {
		n.literal(from, to, "true")
		n.literal(from, to, "false")
	}
	if s.types.has(kindNumber) {
		s.addNumbers(n, from, to, c.texts)
	}
	if s.types.has(kindString) {
		c.addString(n, from, to, s)
	}
	if s.types.has(kindArray) {
		c.addArray(n, from, to, s)
	}
	if s.types.has(kindObject) {
		c.addObject(n, from, to, s)
	}
}
