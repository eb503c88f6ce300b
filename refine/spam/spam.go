package spam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/troikaml/troika/refine"
)

// Settings weigh the evidence. All are log-odds on one scale.
type Settings struct {
	// Cost is what the evidence of a block must outweigh.
	Cost float64 `json:"cost" yaml:"cost"`
	// Hit is the evidence of a segment with a strong term.
	Hit float64 `json:"hit" yaml:"hit"`
	// Miss is the evidence against spam of a segment without any term.
	Miss float64 `json:"miss" yaml:"miss"`
	// Form is the evidence of a list of short segments without function
	// characters, Contact that of a link or an account, Script that of a line in
	// another script than the article's. They count on lines with a hit alone.
	Form    float64 `json:"form"    yaml:"form"`
	Contact float64 `json:"contact" yaml:"contact"`
	Script  float64 `json:"script"  yaml:"script"`
	// Own is the evidence against spam of a line whose characters the article's
	// sentences use in pairs too, as its title does.
	Own float64 `json:"own" yaml:"own"`
	// Most bounds the evidence of one line, either way.
	Most float64 `json:"most" yaml:"most"`
}

// Defaults returns the settings that bench/spam measures.
func Defaults() Settings {
	return Settings{Cost: 2, Hit: 2.2, Miss: 0.5, Form: 1, Contact: 1, Script: 1.5, Own: 3, Most: 6}
}

// Rule is the rule of every cut.
const Rule = "spam-lines"

// Cutter is the step that cuts spam lines. It is read-only and safe for
// concurrent use.
type Cutter struct{ s Settings }

// New returns a cutter.
func New(s Settings) (*Cutter, error) {
	if !(s.Cost > 0 && s.Hit > 0 && s.Miss > 0 && s.Most > 0 && s.Form >= 0 && s.Contact >= 0 && s.Script >= 0 && s.Own >= 0) {
		return nil, fmt.Errorf("spam cut: settings %+v: want cost, hit, miss and most above 0 and the others at least 0", s)
	}
	return &Cutter{s}, nil
}

// Name implements refine.Step.
func (c *Cutter) Name() string { return "spam-lines" }

// Apply implements refine.Step: it takes the lines of spam blocks out of d, with
// the empty lines within a block. A drop's value is the evidence of its block, its
// threshold the cost. Counts holds the number of blocks.
func (c *Cutter) Apply(_ context.Context, d *refine.Document) (refine.Verdict, error) {
	blocks := c.Find(d.Text)
	if len(blocks) == 0 {
		return refine.Verdict{}, nil
	}
	v := refine.Verdict{Counts: map[string]int{"blocks": len(blocks)}}
	for _, b := range blocks {
		for i := b.First; i <= b.Last; i++ {
			v.Lines = append(v.Lines, refine.LineDrop{Line: i, Reason: refine.Reason{Rule: Rule, Value: b.Evidence, Threshold: c.s.Cost}})
		}
	}
	d.Text = without(d.Text, blocks)
	return v, nil
}

// Block is a run of lines that are spam, counted from 0.
type Block struct {
	First, Last int
	// Evidence is the sum over its lines.
	Evidence float64
}

// Find returns the blocks of a text, in order.
func (c *Cutter) Find(text string) []Block {
	p := page{text: text}
	suspect := false
	var scratch []uint16
	for s := range strings.SplitSeq(text, "\n") {
		l := survey(s)
		if !l.blank && !l.sentence {
			scratch = l.weigh(s, scratch)
			suspect = suspect || l.hit
		}
		p.lines = append(p.lines, l)
	}
	if !suspect {
		return nil
	}
	evidence := make([]float64, len(p.lines))
	p.readArticle()
	i := 0
	for s := range strings.SplitSeq(text, "\n") {
		evidence[i] = c.weigh(&p, &p.lines[i], s)
		i++
	}
	return blocks(evidence, c.s.Cost)
}

// page is a text with its lines.
type page struct {
	text   string
	lines  []line
	script uint8            // of the article, both where it is not clear
	pairs  map[[2]rune]bool // neighbouring Han characters of sentences
}

// readArticle learns from the lines that read as sentences.
func (p *page) readArticle() {
	p.pairs = map[[2]rune]bool{}
	simp, trad, i := 0, 0, 0
	for s := range strings.SplitSeq(p.text, "\n") {
		l := &p.lines[i]
		i++
		if !l.sentence || l.han == 0 {
			continue
		}
		simp, trad = simp+l.simp, trad+l.trad
		hanPairs(s, func(pair [2]rune) { p.pairs[pair] = true })
	}
	switch {
	case simp >= 10 && simp > 10*trad:
		p.script = simplified
	case trad >= 10 && trad > 10*simp:
		p.script = traditional
	}
}

// hanPairs calls f with each two Han characters side by side.
func hanPairs(s string, f func([2]rune)) {
	prev := rune(0)
	for _, r := range s {
		if class(r)&isHan == 0 {
			r = 0
		}
		if prev != 0 && r != 0 {
			f([2]rune{prev, r})
		}
		prev = r
	}
}

// onePhrase is the share of the cost that one phrase can outweigh.
const onePhrase = 0.9

// never is the evidence of a line that is not cut.
const never = -1e9

// weigh returns the evidence of a line.
func (c *Cutter) weigh(p *page, l *line, s string) float64 {
	switch {
	case l.blank:
		return 0
	case l.sentence:
		return never
	}
	sum := 0.0
	for _, w := range l.segments {
		sum += w*(c.s.Hit+c.s.Miss) - c.s.Miss
	}
	if len(l.segments) == 0 {
		sum -= c.s.Miss
	}
	if l.hit {
		if l.short {
			sum += c.s.Form
		}
		if contact(s) {
			sum += c.s.Contact
		}
		if p.script == traditional && l.simp >= 2 && l.trad == 0 || p.script == simplified && l.trad >= 2 && l.simp == 0 {
			sum += c.s.Script
		}
	}
	if p.owns(s) {
		sum -= c.s.Own
	}
	most := c.s.Most
	if len(l.segments) < 2 {
		most = min(most, onePhrase*c.s.Cost) // one phrase never decides alone
	}
	return max(min(sum, most), -c.s.Most)
}

// owns reports whether at least half of a line's pairs stand in the article.
func (p *page) owns(s string) bool {
	all, own := 0, 0
	hanPairs(s, func(pair [2]rune) {
		all++
		if p.pairs[pair] {
			own++
		}
	})
	return all >= 2 && 2*own >= all
}

// blocks returns the runs of lines with the greatest sum of evidence less cost
// a run; of equal ones the shortest.
func blocks(evidence []float64, cost float64) []Block {
	// outside and inside are the best sums of the lines so far that end out of a
	// block and in one; the bits say where those of each line come from.
	const left, entered = 1, 2
	outside, inside := 0.0, never
	from := make([]uint8, len(evidence))
	for i, e := range evidence {
		enter := outside - cost
		if inside > outside {
			outside = inside
			from[i] |= left
		}
		if enter >= inside {
			inside = enter
			from[i] |= entered
		}
		inside += e
	}
	var found []Block
	last := -1 // of the block that is being traced
	in := inside > outside
	for i := range slices.Backward(evidence) {
		if !in {
			in = from[i]&left != 0
			continue
		}
		if last < 0 {
			last = i
		}
		if from[i]&entered != 0 {
			b := Block{First: i, Last: last}
			for _, e := range evidence[i : last+1] {
				b.Evidence += e
			}
			found = append(found, b)
			in, last = false, -1
		}
	}
	slices.Reverse(found)
	return found
}

// without returns the lines of a text that are in no block.
func without(text string, blocks []Block) string {
	var b strings.Builder
	b.Grow(len(text))
	i, kept := 0, false
	for s := range strings.SplitSeq(text, "\n") {
		if len(blocks) > 0 && i > blocks[0].Last {
			blocks = blocks[1:]
		}
		if len(blocks) == 0 || i < blocks[0].First {
			if kept {
				b.WriteByte('\n')
			}
			b.WriteString(s)
			kept = true
		}
		i++
	}
	return b.String()
}
