package infer

// History is what penalties know of a sequence: the tokens of its prompt, and how
// often its answer has each token. The zero value is empty.
type History struct {
	prompt map[int32]bool
	drawn  map[int32]int
}

// NewHistory returns the history of a sequence of which only the prompt is known.
func NewHistory(prompt []int32) *History {
	h := &History{prompt: make(map[int32]bool), drawn: make(map[int32]int)}
	for _, t := range prompt {
		h.prompt[t] = true
	}
	return h
}

// Add counts a token of the answer.
func (h *History) Add(token int32) { h.drawn[token]++ }

// adjusts reports whether Adjust would change anything.
func (s Sampling) adjusts() bool { return len(s.Bias) > 0 || s.remembers() }

// remembers reports whether Adjust needs a history.
func (s Sampling) remembers() bool {
	return s.Repetition != 0 && s.Repetition != 1 || s.Frequency != 0 || s.Presence != 0
}

// Adjust applies bias and penalties to logits in place. h may be nil where no penalty
// is set. Tokens outside the logits are ignored.
func (s Sampling) Adjust(logits []float32, h *History) {
	for id, b := range s.Bias {
		if int(id) < len(logits) && id >= 0 {
			logits[id] += b
		}
	}
	if !s.remembers() {
		return
	}
	if s.Repetition != 0 && s.Repetition != 1 {
		r := float32(s.Repetition)
		for id := range h.prompt {
			s.repeat(logits, id, r)
		}
		for id := range h.drawn {
			if !h.prompt[id] {
				s.repeat(logits, id, r)
			}
		}
	}
	for id, n := range h.drawn {
		if int(id) < len(logits) {
			logits[id] -= float32(s.Frequency)*float32(n) + float32(s.Presence)
		}
	}
}

func (s Sampling) repeat(logits []float32, id int32, r float32) {
	switch {
	case int(id) >= len(logits):
	case logits[id] > 0:
		logits[id] /= r
	default:
		logits[id] *= r
	}
}
