package grammar

import "slices"

// newProgram prepares a grammar for a vocabulary.
func newProgram(v *Vocabulary, root *rule) *program {
	p := &program{vocab: v, root: root, masks: map[*rule]*masks{}}
	if !v.spells {
		p.findAlive()
	}
	return p
}

// findAlive finds, for a vocabulary that lacks bytes, the states from which the rule
// can be ended by tokens of one byte. Texts are led through such states alone at the
// ends of tokens, so that there is always a way on.
func (p *program) findAlive() {
	rules := everything(p.root)
	p.alive = map[*rule][]bool{}
	ends := map[*rule]bool{} // the start is alive
	for _, r := range rules {
		p.alive[r] = make([]bool, r.states())
	}
	for changed := true; changed; {
		changed = false
		for _, r := range rules {
			alive := p.alive[r]
			for q := r.states() - 1; q >= 0; q-- {
				if !alive[q] && p.goesOn(r, int32(q), ends) {
					alive[q], changed = true, true
				}
			}
			if alive[0] && !ends[r] {
				ends[r], changed = true, true
			}
		}
	}
}

func (p *program) goesOn(r *rule, q int32, ends map[*rule]bool) bool {
	if r.accept[q] {
		return true
	}
	alive := p.alive[r]
	for b, ok := range p.vocab.single {
		if ok {
			if t := r.step(q, byte(b)); t != dead && alive[t] {
				return true
			}
		}
	}
	for _, c := range r.callsOf(q) {
		if ends[c.rule] && alive[c.ret] {
			return true
		}
	}
	return false
}

// everything lists the rules of a grammar, shared ones too.
func everything(root *rule) []*rule {
	seen := map[*rule]bool{root: true}
	list := []*rule{root}
	for at := 0; at < len(list); at++ {
		for _, calls := range list[at].calls {
			for _, c := range calls {
				if !seen[c.rule] {
					seen[c.rule] = true
					list = append(list, c.rule)
				}
			}
		}
	}
	return list
}

// viable reports whether some way at a level can be gone to its end.
func (m *Matcher) viable(l *level) bool {
	return m.p.alive == nil || slices.ContainsFunc(l.configs, m.p.goes)
}

// goes reports whether a way can be gone to its end.
func (p *program) goes(c config) bool {
	return p.alive[c.rule][c.q] && (c.up == nil || !c.up.dead)
}

// findDead marks those of the frames of one place none of whose callers can go on.
func (p *program) findDead(frames []*frame) {
	for _, f := range frames {
		f.dead = true
	}
	for changed := true; changed; {
		changed = false
		for _, f := range frames {
			if f.dead && slices.ContainsFunc(f.back, p.goes) {
				f.dead, changed = false, true
			}
		}
	}
}
