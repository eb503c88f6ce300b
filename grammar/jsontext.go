package grammar

import (
	"fmt"
	"sync"
)

const (
	// maxIndent bounds the white space after a line's end: a model that indents for
	// ever must not.
	maxIndent = 40
	// maxWhole and maxFraction bound the digits of a number before and after its point,
	// so that integers fit 64 bits and numbers are finite in float64.
	maxWhole    = 18
	maxFraction = 17
)

// jsonEscapes are the characters with a short escape that must be escaped.
var jsonEscapes = map[rune]byte{'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}

// jsonRunes adds the characters from lo to hi as encoders write them within a JSON
// string: as they are, or by the shortest escape where one is needed.
func jsonRunes(n *nfa, from, to int32, lo, hi rune) {
	const first, last = 0x20, 0x10ffff
	for _, safe := range [][2]rune{{first, '"' - 1}, {'"' + 1, '\\' - 1}, {'\\' + 1, last}} {
		if a, b := max(lo, safe[0]), min(hi, safe[1]); a <= b {
			n.runes(from, to, a, b)
		}
	}
	for r := lo; r <= min(hi, '\\'); r++ {
		if e, ok := jsonEscapes[r]; ok {
			n.literal(from, to, string([]byte{'\\', e}))
		} else if r < first {
			n.literal(from, to, fmt.Sprintf(`\u%04x`, r))
			if s := fmt.Sprintf(`\u%04X`, r); s != fmt.Sprintf(`\u%04x`, r) {
				n.literal(from, to, s)
			}
		}
	}
}

// jsonChar adds any one character as jsonRunes does.
func jsonChar(n *nfa, from, to int32) { jsonRunes(n, from, to, 0, 0x10ffff) }

// freeChar adds any one character in any way that JSON can spell it.
func freeChar(n *nfa, from, to int32) {
	jsonChar(n, from, to)
	n.literal(from, to, `\/`)
	hex := func(from, to int32, digits ...string) {
		for i, set := range digits {
			at := to
			if i < len(digits)-1 {
				at = n.state()
			}
			for j := range len(set) {
				n.bytes(from, at, set[j], set[j])
			}
			from = at
		}
	}
	const all, notD, low, high = "0123456789abcdefABCDEF", "0123456789abcefABCEF", "01234567", "89abAB"
	escape := n.state()
	n.literal(from, escape, `\u`)
	hex(escape, to, notD, all, all, all)
	hex(escape, to, "dD", low, all, all)
	// A surrogate stands before its other half alone.
	second, half := n.state(), n.state()
	hex(escape, second, "dD", high, all, all)
	n.literal(second, half, `\u`)
	hex(half, to, "dD", "cdefCDEF", all, all)
}

// build makes a finished rule of a part that calls none.
func build(shared bool, p part) *rule {
	n := newNFA(newLimits())
	from, to := n.state(), n.state()
	p(n, from, to)
	r := &rule{dfa: n.determinize(from, to).minimal(n.lim), shared: shared}
	finish(r)
	return r
}

// numberExpr is JSON's number in float64's range, an exponent behind one digit alone.
var numberExpr = fmt.Sprintf(`-?((0|[1-9][0-9]{0,%d})(\.[0-9]{1,%d})?|[1-9](\.[0-9]{1,%[2]d})?[eE][+-]?([0-9]{1,2}|[12][0-9]{2}|30[0-7]))`,
	maxWhole-1, maxFraction)

var integerExpr = fmt.Sprintf(`-?(0|[1-9][0-9]{0,%d})`, maxWhole-1)

// texts are the rules that every schema shares.
type texts struct {
	compact               bool
	text, number, integer *rule
	value, object, array  *rule
	space                 *rule
	canonical             *dfa // the inside of a string, as encoders write it
	char                  *dfa // one character of it
}

var (
	looseTexts   = sync.OnceValue(func() *texts { return newTexts(false) })
	compactTexts = sync.OnceValue(func() *texts { return newTexts(true) })
	leafTexts    = sync.OnceValue(func() *texts {
		lim := newLimits()
		inside := func(p part) *dfa {
			n := newNFA(lim)
			from, to := n.state(), n.state()
			p(n, from, to)
			return n.determinize(from, to).minimal(lim)
		}
		expr := func(expr string) *rule {
			return build(true, func(n *nfa, from, to int32) {
				re, err := parseRegex(expr)
				if err != nil {
					panic(err) // the expressions are ours
				}
				n.regex(from, to, re, (*nfa).runes)
			})
		}
		return &texts{
			text: build(true, func(n *nfa, from, to int32) {
				in, out := n.state(), n.state()
				n.literal(from, in, `"`)
				n.repeat(in, out, freeChar, 0, -1)
				n.literal(out, to, `"`)
			}),
			number:  expr(numberExpr),
			integer: expr(integerExpr),
			space:   expr(fmt.Sprintf(` ?|\n[ \t]{0,%d}`, maxIndent)),
			char:    inside(jsonChar),
			canonical: inside(func(n *nfa, from, to int32) {
				n.repeat(from, to, jsonChar, 0, -1)
			}),
		}
	})
)

// newTexts returns the rules with white space, or without.
func newTexts(compact bool) *texts {
	t := *leafTexts()
	t.compact = compact
	t.value = &rule{shared: true}
	t.object = &rule{shared: true}
	t.array = &rule{shared: true}
	set := func(r *rule, p part) {
		n := newNFA(newLimits())
		from, to := n.state(), n.state()
		p(n, from, to)
		r.dfa = n.determinize(from, to)
	}
	set(t.value, func(n *nfa, from, to int32) {
		for _, word := range []string{"null", "true", "false"} {
			n.literal(from, to, word)
		}
		for _, r := range []*rule{t.text, t.number, t.object, t.array} {
			n.call(from, to, r)
		}
	})
	set(t.object, func(n *nfa, from, to int32) {
		t.list(n, from, to, "{}", func(n *nfa, from, to int32) {
			key, colon := n.state(), n.state()
			n.call(from, key, t.text)
			n.literal(key, colon, ":")
			value := n.state()
			t.gap(n, colon, value)
			n.call(value, to, t.value)
		})
	})
	set(t.array, func(n *nfa, from, to int32) {
		t.list(n, from, to, "[]", func(n *nfa, from, to int32) { n.call(from, to, t.value) })
	})
	for _, r := range []*rule{t.value, t.object, t.array} {
		r.shared = false // for finish to see
	}
	finish(t.value)
	for _, r := range []*rule{t.value, t.object, t.array} {
		r.shared = true
	}
	return &t
}

// gap adds white space, where there may be any.
func (t *texts) gap(n *nfa, from, to int32) {
	if t.compact {
		n.empty(from, to)
		return
	}
	n.call(from, to, t.space)
}

// list adds any number of elements between brackets.
func (t *texts) list(n *nfa, from, to int32, brackets string, element part) {
	in, open, comma, more, end := n.state(), n.state(), n.state(), n.state(), n.state()
	n.literal(from, in, brackets[:1])
	t.gap(n, in, open)
	n.literal(open, to, brackets[1:])
	start := n.state()
	n.empty(open, start)
	element(n, start, more)
	n.literal(more, comma, ",")
	t.gap(n, comma, start)
	t.gap(n, more, end)
	n.literal(end, to, brackets[1:])
}
