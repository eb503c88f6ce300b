package examples

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/troikaml/troika/text"
)

// Pair is a part of a text with its translation.
type Pair struct {
	Source, Target string
	// Score is how likely the two belong together by their lengths and by what
	// they share, from 0 to 1.
	Score float64
}

const (
	// maxUnits bounds the units of a text that is aligned, maxCells the bytes of
	// the table.
	maxUnits = 20_000
	maxCells = 32 << 20
	// reach is how far from the diagonal an alignment may be, in units.
	reach = 100
	// leastScore is the least score of a pair.
	leastScore = 0.2
	// leastAligned is the share of the longer text's units below which two texts
	// are no translations of one another.
	leastAligned = 0.3
)

// Costs of the steps of an alignment, as negative logarithms of how often
// translators take them, after Gale and Church; a single unit without another
// side costs more in texts than in their sentences.
const (
	costMatch = 0.1
	costMerge = 3.0
	costSkip  = 4.5
	// costKind is added where one side is a heading, an item or a row and the
	// other is not, or not of the same level.
	costKind = 6.0
	// gainShared is taken off where both sides hold the same numbers and names.
	gainShared = 3.0
)

// Align pairs the units of a text with those of its translation, in order. Units
// without another side, those that are equal on both sides and those whose pair is
// unlikely are left out; so is everything where less than a third of the longer
// text finds another side.
func Align(source, target string) []Pair {
	a, b := units(source), units(target)
	if len(a) == 0 || len(b) == 0 || len(a) > maxUnits || len(b) > maxUnits {
		return nil
	}
	g := newGrid(a, b)
	if g.best == nil {
		return nil
	}
	var pairs []Pair
	matched := 0
	for _, s := range g.path() {
		if s.a == 0 || s.b == 0 {
			continue
		}
		p := Pair{Source: joined(a[s.i-s.a : s.i]), Target: joined(b[s.j-s.b : s.j])}
		p.Score = math.Round(1000/(1+math.Exp(g.pairCost(s)-4))) / 1000
		if p.Score < leastScore {
			continue
		}
		matched++
		if p.Source != p.Target {
			pairs = append(pairs, p)
		}
	}
	if float64(matched) < leastAligned*float64(max(len(a), len(b))) {
		return nil
	}
	return pairs
}

// unit is a part of a text with what a translation keeps of it.
type unit struct {
	text string
	kind string // the marks that it begins with
	size float64
	keys []string // numbers and words in Latin letters
}

// units splits a text at its lines; those without letters and digits, and blocks
// of code, are none.
func units(s string) []unit {
	var out []unit
	fence := ""
	for line := range strings.SplitSeq(s, "\n") {
		mark := fenceOf(line)
		switch {
		case fence != "":
			if strings.HasPrefix(mark, fence) {
				fence = ""
			}
			continue
		case mark != "":
			fence = mark
			continue
		}
		if kind, rest := split(line); strings.ContainsFunc(rest, unicode.IsLetter) {
			out = append(out, unit{text: rest, kind: kind, size: float64(utf8.RuneCountInString(rest)), keys: keysOf(rest)})
		}
	}
	return out
}

// split cuts the marks of a heading, an item or a row off a line.
func split(line string) (kind, rest string) {
	rest = strings.TrimSpace(line)
	if n := headingLevel(rest); n > 0 {
		return rest[:n], strings.TrimSpace(rest[n:])
	}
	if strings.HasPrefix(rest, "|") {
		return "|", strings.TrimSpace(strings.Trim(rest, "|"))
	}
	for _, mark := range []string{"- ", "* ", "+ ", "> "} {
		if after, ok := strings.CutPrefix(rest, mark); ok {
			return mark, strings.TrimSpace(after)
		}
	}
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i > 0 && strings.HasPrefix(rest[i:], ". ") {
		return "1.", strings.TrimSpace(rest[i+1:])
	}
	return "", rest
}

// keysOf returns the numbers and the words in Latin letters of s.
func keysOf(s string) []string {
	var keys []string
	for w := range text.Words(s) {
		if r := w[0]; r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			keys = append(keys, w)
		}
	}
	return keys
}

func joined(list []unit) string {
	if len(list) == 1 {
		return list[0].text
	}
	return list[0].text + "\n" + list[1].text
}

// step is one step of an alignment: it ends before unit i and j, and took a and b
// units.
type step struct{ i, j, a, b int }

// moves are the steps that there are, in the order in which they are tried.
var moves = []struct {
	a, b int
	cost float64
}{{1, 1, costMatch}, {1, 0, costSkip}, {0, 1, costSkip}, {2, 1, costMerge}, {1, 2, costMerge}}

// grid is the table of the cheapest alignments up to each pair of places, near
// the diagonal.
type grid struct {
	a, b  []unit
	ratio float64 // characters of the target for one of the source
	width int
	best  []uint8 // the move that leads to a cell
}

// newGrid returns an empty table, without its cells where they would be too many.
func newGrid(a, b []unit) *grid {
	g := &grid{a: a, b: b, width: reach + max(len(a)-len(b), len(b)-len(a))}
	g.ratio = max(0.1, min(10, total(b)/total(a)))
	if n := (len(a) + 1) * (2*g.width + 1); n <= maxCells {
		g.best = make([]uint8, n)
	}
	return g
}

func total(list []unit) float64 {
	n := 1.0
	for _, u := range list {
		n += u.size
	}
	return n
}

// center is the column on the diagonal of row i.
func (g *grid) center(i int) int { return i * len(g.b) / len(g.a) }

// span returns the columns of row i.
func (g *grid) span(i int) (from, to int) {
	return max(0, g.center(i)-g.width), min(len(g.b), g.center(i)+g.width)
}

// path fills the grid and returns the steps of the cheapest alignment in order.
func (g *grid) path() []step {
	var costs [costRows][]float64
	for k := range costs {
		costs[k] = make([]float64, len(g.b)+1)
	}
	for i := range len(g.a) + 1 {
		row := costs[i%costRows]
		for j := range row {
			row[j] = math.Inf(1)
		}
		from, to := g.span(i)
		for j := from; j <= to; j++ {
			row[j] = g.reach(&costs, i, j)
		}
	}
	var back []step
	for i, j := len(g.a), len(g.b); i > 0 || j > 0; {
		m := g.best[g.cell(i, j)]
		if m == 0 {
			return nil
		}
		s := step{i, j, moves[m-1].a, moves[m-1].b}
		back = append(back, s)
		i, j = i-s.a, j-s.b
	}
	slices.Reverse(back)
	return back
}

// costRows is how many rows of costs are kept: as far back as a move goes.
const costRows = 3

// reach notes the cheapest move into a cell and returns the cost there.
func (g *grid) reach(costs *[costRows][]float64, i, j int) float64 {
	if i == 0 && j == 0 {
		return 0
	}
	least := math.Inf(1)
	for m, move := range moves {
		s := step{i, j, move.a, move.b}
		if i < s.a || j < s.b {
			continue
		}
		c := costs[(i-s.a)%costRows][j-s.b] + move.cost
		if c >= least {
			continue // before what is slow to tell; the costs of pairs are not negative
		}
		if s.a > 0 && s.b > 0 {
			c += g.pairCost(s)
		}
		if c < least {
			least = c
			g.best[g.cell(i, j)] = uint8(m + 1)
		}
	}
	return least
}

func (g *grid) cell(i, j int) int { return i*(2*g.width+1) + j - g.center(i) + g.width }

// pairCost is how unlikely the units of a step are one another's translation.
func (g *grid) pairCost(s step) float64 {
	a, b := g.a[s.i-s.a:s.i], g.b[s.j-s.b:s.j]
	var la, lb float64
	for _, u := range a {
		la += u.size
	}
	for _, u := range b {
		lb += u.size
	}
	c := lengthCost(la*g.ratio, lb)
	for _, u := range a {
		for _, v := range b {
			if u.kind != v.kind {
				c += costKind
			}
		}
	}
	return max(0, c-gainShared*shared(a, b))
}

// lengthCost is -ln of the probability that two lengths differ so much or more,
// where their difference is normal with a variance of six times their mean: the
// number of Gale and Church.
func lengthCost(a, b float64) float64 {
	const variance = 6.8
	delta := math.Abs(b-a) / math.Sqrt(variance*(a+b)/2)
	return -math.Log(max(math.Erfc(delta/math.Sqrt2), 1e-9))
}

// shared is the share of numbers and names that both sides hold, 0 where there are
// none.
func shared(a, b []unit) float64 {
	count := map[string]int{}
	n := 0
	for _, u := range a {
		for _, k := range u.keys {
			count[k]++
		}
		n += len(u.keys)
	}
	both, m := 0, 0
	for _, u := range b {
		for _, k := range u.keys {
			if count[k] > 0 {
				count[k]--
				both++
			}
		}
		m += len(u.keys)
	}
	// A text in Latin letters has words beside names: the other side's count.
	if least := min(n, m); least > 0 {
		return float64(both) / float64(least)
	}
	return 0
}
