package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troikaml/troika/refine/extract"
)

// exemplar is a page with its blocks and what is known of them.
type exemplar struct {
	*entry
	blocks []extract.Block
	fold   int
}

// segment judgements: a page's tp, fn, fp and tn added up.
type counts struct{ tp, fn, fp, tn int }

func (c counts) f1() float64 { return 2 * float64(c.tp) / float64(2*c.tp+c.fp+c.fn) }

func (c counts) String() string {
	return fmt.Sprintf("F1 %.4f  precision %.4f  recall %.4f  accuracy %.4f", c.f1(),
		float64(c.tp)/float64(c.tp+c.fp), float64(c.tp)/float64(c.tp+c.fn), float64(c.tp+c.tn)/float64(c.tp+c.fn+c.fp+c.tn))
}

// train fits the model to the half of the pages that is for development, and to
// pages of a manual, and writes it as Go code. The bar is the one that was best when each fifth was
// judged by a model of the others.
func train(ctx context.Context, dir string, out io.Writer) error {
	entries, err := loadGold(ctx)
	if err != nil {
		return err
	}
	pages := exemplars(slices.DeleteFunc(entries, func(e *entry) bool { return !e.develop() }))
	extra, err := manuals(filepath.Join(dir, "python3.11-doc"))
	if err != nil {
		return err
	}
	bar, cross := crossValidate(pages, extra)
	fmt.Fprintf(os.Stderr, "%d pages, judged by models of the others: %v, bar %.2f\n", len(pages), cross, bar)
	return write(out, fitTwice(pages, extra, -1), bar)
}

const folds = 5

// exemplars reads pages. All pages of a site are in one fold.
func exemplars(entries []*entry) []*exemplar {
	var pages []*exemplar
	for _, e := range entries {
		blocks, err := extract.Blocks(e.page, extract.Options{})
		if err != nil {
			fmt.Fprintln(os.Stderr, "skip:", e.url, err)
			continue
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(e.site()))
		pages = append(pages, &exemplar{e, blocks, int(h.Sum32() >> 8 % folds)})
	}
	return pages
}

// cross judges every gold page by a model that was fitted to the pages of other
// sites, at the natural bar of 0: what Parse would give with it.
func cross(ctx context.Context, dir string) error {
	entries, err := loadGold(ctx)
	if err != nil {
		return err
	}
	pages := exemplars(entries)
	extra, err := manuals(filepath.Join(dir, "python3.11-doc"))
	if err != nil {
		return err
	}
	var all counts
	for fold := range folds {
		f := fitTwice(pages, extra, fold)
		var one counts
		for _, p := range pages {
			if p.fold != fold {
				continue
			}
			got, err := extract.Parse(p.page, extract.Options{Score: func(row []int16) int { return unit(f.score(row)) }})
			if err != nil {
				return fmt.Errorf("%s: %w", p.url, err)
			}
			one.add(p.entry, func(s string) bool { return strings.Contains(got.Text, s) })
		}
		fmt.Printf("  fold %d       %v\n", fold, one)
		all.sum(one)
	}
	fmt.Printf("%d pages, each judged by a model of other sites\n  all          %v\n", len(pages), all)
	return nil
}

// unit is a score in 1/256 of a logit.
func unit(x float64) int { return int(math.Round(256 * x)) }

// fitTwice fits to all pages but those of a fold. A segment that must be kept
// may occur in several blocks: the first time the largest counts, then the one
// with the highest score.
func fitTwice(pages []*exemplar, extra []sample, without int) *forest {
	var f *forest
	for range 2 {
		samples := slices.Clone(extra)
		for _, p := range pages {
			if p.fold != without {
				samples = append(samples, p.samples(f)...)
			}
		}
		f = fit(samples, settings)
	}
	return f
}

// samples are the blocks that hold a gold segment.
func (p *exemplar) samples(f *forest) []sample {
	positive, negative := map[int]float64{}, map[int]float64{}
	for _, s := range p.with {
		best, most := -1, math.Inf(-1)
		for _, i := range p.holders(s) {
			v := float64(p.blocks[i].Features[0])
			if f != nil {
				v = f.score(p.blocks[i].Features)
			}
			if v > most {
				best, most = i, v
			}
		}
		if best >= 0 {
			positive[best]++
		}
	}
	against := func(segments []string, weight float64) {
		const most = 6
		for _, s := range segments {
			at := p.holders(s)
			at = at[:min(len(at), most)]
			for _, i := range at {
				negative[i] += weight / math.Sqrt(float64(len(at)))
			}
		}
	}
	against(p.without, 1)
	against(p.comments, .5)
	var list []sample
	for i, b := range p.blocks {
		if w := negative[i]; w > 0 {
			list = append(list, sample{b.Features, false, w})
		}
		if w := positive[i]; w > 0 {
			list = append(list, sample{b.Features, true, w})
		}
	}
	return list
}

func (p *exemplar) holders(segment string) []int {
	var at []int
	for i, b := range p.blocks {
		if strings.Contains(b.Text, segment) {
			at = append(at, i)
		}
	}
	return at
}

// crossValidate returns the bar with the best F1 over blocks alone.
func crossValidate(pages []*exemplar, extra []sample) (float64, counts) {
	scores := make([][]float64, len(pages))
	for fold := range folds {
		f := fitTwice(pages, extra, fold)
		for i, p := range pages {
			if p.fold == fold {
				for _, b := range p.blocks {
					scores[i] = append(scores[i], f.score(b.Features))
				}
			}
		}
	}
	var best counts
	bar := 0.0
	for t := -2.0; t <= 1; t += .1 {
		var c counts
		for i, p := range pages {
			kept := func(s string) bool {
				return slices.ContainsFunc(p.holders(s), func(at int) bool { return scores[i][at] >= t })
			}
			c.add(p.entry, kept)
		}
		if best.tp == 0 || c.f1() > best.f1() {
			best, bar = c, t
		}
	}
	return bar, best
}

func (c *counts) sum(o counts) {
	c.tp, c.fn, c.fp, c.tn = c.tp+o.tp, c.fn+o.fn, c.fp+o.fp, c.tn+o.tn
}

// add judges one page as go-trafilatura's comparison does.
func (c *counts) add(e *entry, kept func(segment string) bool) {
	for _, s := range e.with {
		if kept(s) {
			c.tp++
		} else {
			c.fn++
		}
	}
	for _, s := range e.without {
		if kept(s) {
			c.fp++
		} else {
			c.tn++
		}
	}
}

// write prints the model as the table that refine/extract reads.
func write(out io.Writer, f *forest, bar float64) error {
	var trees, roots strings.Builder
	n := 0
	for _, t := range f.trees {
		fmt.Fprintf(&roots, "%d, ", n)
		var nodes []string
		flat(t, &nodes)
		fmt.Fprintf(&trees, "\t%s\n", strings.Join(nodes, " "))
		n += len(nodes)
	}
	_, err := fmt.Fprintf(out, `// Code generated by bench/extract; DO NOT EDIT.

package extract

// Fitted to the development half of the pages of %s %s,
// and to pages of the Python 3.11 documentation.

const bias = %d

var roots = [...]int32{%s}

var trees = [...]bend{
%s}
`, goldModule, goldVersion, unit(f.bias-bar), strings.TrimSuffix(roots.String(), ", "), trees.String())
	return err
}

// flat lists a tree in the order that the reader expects: what follows a
// border's lower side comes next.
func flat(b *branch, nodes *[]string) {
	if b.feature < 0 {
		*nodes = append(*nodes, fmt.Sprintf("{-1, %d, 0},", unit(b.weight)))
		return
	}
	at := len(*nodes)
	*nodes = append(*nodes, "")
	flat(b.left, nodes)
	(*nodes)[at] = fmt.Sprintf("{%d, %d, %d},", b.feature, b.border, len(*nodes))
	flat(b.right, nodes)
}
