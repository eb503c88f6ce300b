package grammar

import (
	"slices"
	"sync"
)

// Grammar is a set of texts. It is immutable and safe for concurrent use; what was
// computed for a vocabulary is kept for the next [Grammar.Matcher].
type Grammar struct {
	add part
	err error // found by the maker

	compile sync.Once
	root    *rule
	rootErr error

	mu       sync.Mutex
	programs []*program // the latest last
}

// maxPrograms is for how many vocabularies a grammar keeps what it computed.
const maxPrograms = 4

// Literal matches one text.
func Literal(text string) *Grammar {
	return &Grammar{add: func(n *nfa, from, to int32) { n.literal(from, to, text) }}
}

// Enum matches each of the texts, such as the labels of a classifier.
func Enum(texts ...string) *Grammar {
	return &Grammar{add: func(n *nfa, from, to int32) {
		for _, text := range texts {
			n.literal(from, to, text)
		}
	}}
}

// Concat matches the parts one after another.
func Concat(parts ...*Grammar) *Grammar {
	return &Grammar{err: errorOf(parts), add: func(n *nfa, from, to int32) {
		for _, p := range parts {
			at := n.state()
			p.add(n, from, at)
			from = at
		}
		n.empty(from, to)
	}}
}

// Choice matches what any of the parts does.
func Choice(parts ...*Grammar) *Grammar {
	return &Grammar{err: errorOf(parts), add: func(n *nfa, from, to int32) {
		for _, p := range parts {
			// States of its own, lest a part that loops meets another.
			in, out := n.state(), n.state()
			n.empty(from, in)
			p.add(n, in, out)
			n.empty(out, to)
		}
	}}
}

// Repeat matches the part least to most times; most below 0 is without end.
func Repeat(p *Grammar, least, most int) *Grammar {
	return &Grammar{err: p.err, add: func(n *nfa, from, to int32) {
		n.repeat(from, to, p.add, max(least, 0), most)
	}}
}

// Without matches every UTF-8 text, the empty one too, in which none of the words
// appears: what a model says before a marker. Empty words are ignored.
func Without(words ...string) *Grammar {
	d, err := without(words)
	return &Grammar{err: err, add: func(n *nfa, from, to int32) { n.embed(from, to, d) }}
}

func without(words []string) (d *dfa, err error) {
	defer catch(&err)
	lim := newLimits()
	n := newNFA(lim)
	start, end := n.state(), n.state()
	n.repeat(start, end, anyRune, 0, -1)
	d = n.determinize(start, end)
	for _, w := range words {
		if w == "" {
			continue
		}
		n := newNFA(lim)
		start, from, to, end := n.state(), n.state(), n.state(), n.state()
		n.repeat(start, from, anyRune, 0, -1)
		n.literal(from, to, w)
		n.repeat(to, end, anyRune, 0, -1)
		d = minus(lim, d, n.determinize(start, end))
	}
	return d, nil
}

func anyRune(n *nfa, from, to int32) { n.runes(from, to, 0, 0x10ffff) }

func errorOf(parts []*Grammar) error {
	for _, p := range parts {
		if p.err != nil {
			return p.err
		}
	}
	return nil
}

// Compile builds the automaton, which [Grammar.Matcher] does where it was not done.
// Errors are a [*SchemaError], [ErrUnsatisfiable] or [ErrTooLarge], or one of a part.
func (g *Grammar) Compile() error {
	g.compile.Do(func() { g.root, g.rootErr = g.build() })
	return g.rootErr
}

func (g *Grammar) build() (root *rule, err error) {
	defer catch(&err)
	if g.err != nil {
		return nil, g.err
	}
	n := newNFA(newLimits())
	start, end := n.state(), n.state()
	g.add(n, start, end)
	root = &rule{dfa: n.determinize(start, end)}
	finish(root)
	if root.empty() {
		return nil, ErrUnsatisfiable
	}
	return root, nil
}

// Matches reports whether the whole text is of the grammar.
func (g *Grammar) Matches(text []byte) bool {
	m, err := g.Matcher(bare())
	if err != nil {
		return false
	}
	return m.write(text) && m.Done()
}

// bare is a vocabulary of the single bytes.
var bare = sync.OnceValue(func() *Vocabulary {
	tokens := make([][]byte, 256)
	for b := range tokens {
		tokens[b] = []byte{byte(b)}
	}
	return NewVocabulary(tokens)
})

// reachable lists r and the rules below it that are not finished.
func reachable(r *rule) []*rule {
	seen := map[*rule]bool{r: true}
	list := []*rule{r}
	for at := 0; at < len(list); at++ {
		for _, calls := range list[at].calls {
			for _, c := range calls {
				if !seen[c.rule] && !c.rule.finished {
					seen[c.rule] = true
					list = append(list, c.rule)
				}
			}
		}
	}
	return list
}

// finish trims a rule and all below it, and finds out which match the empty text.
func finish(root *rule) {
	rules := reachable(root)
	productive := findProductive(rules)
	for _, r := range rules {
		r.dfa = r.trim(productive)
		r.finished = true
	}
	for changed := true; changed; {
		changed = false
		for _, r := range rules {
			if !r.nullable && r.emptyMatch() {
				r.nullable, changed = true, true
			}
		}
	}
}

// findProductive returns those of the rules, and of the finished ones that they call,
// that have any text.
func findProductive(rules []*rule) map[*rule]bool {
	productive := map[*rule]bool{}
	callers := map[*rule][]*rule{}
	for _, r := range rules {
		for _, calls := range r.calls {
			for _, c := range calls {
				if c.rule.finished {
					productive[c.rule] = true
				} else if n := len(callers[c.rule]); n == 0 || callers[c.rule][n-1] != r {
					callers[c.rule] = append(callers[c.rule], r)
				}
			}
		}
	}
	// Those that are called stand behind their callers.
	todo := slices.Clone(rules)
	slices.Reverse(todo)
	waiting := map[*rule]bool{}
	for _, r := range todo {
		waiting[r] = true
	}
	for len(todo) > 0 {
		r := todo[0]
		todo = todo[1:]
		waiting[r] = false
		if productive[r] || r.trim(productive).empty() {
			continue
		}
		productive[r] = true
		for _, up := range callers[r] {
			if !productive[up] && !waiting[up] {
				waiting[up] = true
				todo = append(todo, up)
			}
		}
	}
	return productive
}

// emptyMatch reports whether the start reaches an end through empty texts of others.
func (r *rule) emptyMatch() bool {
	if r.empty() {
		return false
	}
	seen := []int32{0}
	for at := 0; at < len(seen); at++ {
		if r.accept[seen[at]] {
			return true
		}
		for _, c := range r.callsOf(seen[at]) {
			if c.rule.nullable && !slices.Contains(seen, c.ret) {
				seen = append(seen, c.ret)
			}
		}
	}
	return false
}
