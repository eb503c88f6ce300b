package eval

import (
	"fmt"
	"slices"
)

// Confusion counts gold labels against predicted ones. It is not changed after
// [NewConfusion] and may be read from several goroutines.
type Confusion struct {
	// Labels holds the closed set in the order of rows and columns.
	Labels []string `json:"labels"`
	// Counts[g][p] is how often gold label g was answered by label p. Each
	// row has len(Labels)+1 columns; the last one counts answers that are
	// not labels.
	Counts [][]int `json:"counts"`
}

// LabelScore holds the scores of one label against all others. A ratio whose
// denominator is zero is 0.
type LabelScore struct {
	Label     string  `json:"label"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	Support   int     `json:"support"` // examples whose gold label this is
}

// NewConfusion counts gold[i] against predicted[i]. The two must be equally
// long and not empty, labels must be distinct, and every gold label must be
// among them; a prediction need not.
func NewConfusion(labels, gold, predicted []string) (*Confusion, error) {
	codes, err := newCoding(labels, gold, predicted)
	if err != nil {
		return nil, err
	}
	c := &Confusion{Labels: slices.Clone(labels), Counts: make([][]int, len(labels))}
	for g := range c.Counts {
		c.Counts[g] = make([]int, len(labels)+1)
	}
	for i, g := range codes.gold {
		c.Counts[g][codes.predicted[i]]++
	}
	return c, nil
}

// coding is gold labels and predictions as indices into the labels; an answer
// that is no label has the index len(labels).
type coding struct {
	labels          int
	gold, predicted []int
}

func newCoding(labels, gold, predicted []string) (*coding, error) {
	if len(gold) != len(predicted) {
		return nil, fmt.Errorf("count predictions: %d gold labels but %d predictions", len(gold), len(predicted))
	}
	if len(gold) == 0 {
		return nil, fmt.Errorf("count predictions: no examples")
	}
	index := make(map[string]int, len(labels))
	for i, label := range labels {
		if _, dup := index[label]; dup {
			return nil, fmt.Errorf("count predictions: label %q is listed twice", label)
		}
		index[label] = i
	}
	c := &coding{labels: len(labels), gold: make([]int, len(gold)), predicted: make([]int, len(gold))}
	for i := range gold {
		g, ok := index[gold[i]]
		if !ok {
			return nil, fmt.Errorf("count predictions: example %d has gold label %q, which is not among the %d labels", i, gold[i], len(labels))
		}
		p, ok := index[predicted[i]]
		if !ok {
			p = len(labels)
		}
		c.gold[i], c.predicted[i] = g, p
	}
	return c, nil
}

// Total returns the number of examples.
func (c *Confusion) Total() int {
	total := 0
	for _, row := range c.Counts {
		for _, n := range row {
			total += n
		}
	}
	return total
}

// Accuracy returns the share of examples answered by their gold label.
func (c *Confusion) Accuracy() float64 {
	hits := 0
	for g := range c.Counts {
		hits += c.Counts[g][g]
	}
	return ratio(hits, c.Total())
}

// Scores returns the scores of every label, in the order of c.Labels.
func (c *Confusion) Scores() []LabelScore {
	t := c.tally()
	scores := make([]LabelScore, len(c.Labels))
	for i, label := range c.Labels {
		scores[i] = LabelScore{
			Label:     label,
			Precision: ratio(t.hit[i], t.predicted[i]),
			Recall:    ratio(t.hit[i], t.gold[i]),
			F1:        ratio(2*t.hit[i], t.gold[i]+t.predicted[i]),
			Support:   t.gold[i],
		}
	}
	return scores
}

// MacroF1 returns the plain mean of the labels' F1 scores. Labels that occur
// neither as gold nor as prediction count as 0, as scikit-learn's
// f1_score(labels=..., average="macro", zero_division=0) has it.
func (c *Confusion) MacroF1() float64 { return c.tally().macroF1() }

// MicroF1 returns the F1 score of all labels' counts added up. It differs from
// [Confusion.Accuracy] only where an answer is not a label: such an answer
// lowers recall but not precision.
func (c *Confusion) MicroF1() float64 {
	t := c.tally()
	hits, both := 0, 0
	for i := range t.hit {
		hits += t.hit[i]
		both += t.gold[i] + t.predicted[i]
	}
	return ratio(2*hits, both)
}

// tally is the margins of a confusion matrix, by label.
type tally struct{ hit, gold, predicted []int }

func newTally(labels int) *tally {
	return &tally{hit: make([]int, labels), gold: make([]int, labels), predicted: make([]int, labels)}
}

func (t *tally) reset() {
	clear(t.hit)
	clear(t.gold)
	clear(t.predicted)
}

func (t *tally) add(gold, predicted, n int) {
	t.gold[gold] += n
	if predicted < len(t.predicted) {
		t.predicted[predicted] += n
	}
	if gold == predicted {
		t.hit[gold] += n
	}
}

func (t *tally) macroF1() float64 {
	sum := 0.0
	for i := range t.hit {
		sum += ratio(2*t.hit[i], t.gold[i]+t.predicted[i])
	}
	return sum / float64(len(t.hit))
}

func (c *Confusion) tally() *tally {
	t := newTally(len(c.Labels))
	for g, row := range c.Counts {
		for p, n := range row {
			t.add(g, p, n)
		}
	}
	return t
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
