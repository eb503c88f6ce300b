package publish

import (
	"math"
	"testing"
)

// A record of any bytes is an error or one that can be compared with.
func FuzzTrained(f *testing.F) {
	f.Add([]byte(`{"device":"cpu","probes":[{"ids":[1],"rows":[{"bits":"00","top":[2,1],"logprobs":[-0.1,-3]}]}]}`))
	f.Add([]byte(`{"probes":[{"ids":[1,2],"rows":[]}]}`))
	f.Add([]byte(`{"probes":[{"ids":[1],"rows":[{"top":[900],"logprobs":[1e300]}]}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseTrained(text)
		if err != nil {
			return
		}
		logits := []float32{0, 1, -2}
		for i, p := range r.Probes {
			served := make([][]float32, len(p.IDs))
			for at := range served {
				served[at] = logits
			}
			_ = new(Proof).compare(r, i, served, "another")
		}
	})
}

// The divergence is that of the distributions, worked out by hand.
func TestDivergence(t *testing.T) {
	r := newRow([]float32{0, 0}) // halves, and three quarters with a quarter below
	got := r.divergence([]float32{float32(math.Log(3)), 0})
	if exact := 0.5*math.Log(0.5/0.75) + 0.5*math.Log(0.5/0.25); math.Abs(got-exact) > 1e-7 {
		t.Errorf("divergence %v, want %v", got, exact)
	}
	if same := r.divergence([]float32{5, 5}); same != 0 {
		t.Errorf("the same distribution diverges by %v", same)
	}
}
