package extract

import (
	"github.com/troikaml/troika/text"
)

// Bounds within which a heading belongs to the text after it.
const (
	// Distances in blocks. What stands in between was dropped: bylines, dates,
	// captions, lists of contents.
	nearTitle   = 16
	nearHeading = 3
	// headingGrace is how far below the bar a heading may be: one logit. Without
	// a bound, headings over what is kept wrongly cost .003 of F1.
	headingGrace = 256
)

// headings keeps the headings of what is kept, and drops those that nothing
// follows. The pages that the model was fitted to say little of headings.
func (p *page) headings(scores []int32, keep []bool) {
	next, first := -1, -1 // kept blocks after: one that is no heading, and any
	for i := len(p.blocks) - 1; i >= 0; i-- {
		b := &p.blocks[i]
		isHeading := p.level(b) > 0 && !b.pre
		switch {
		case isHeading && next < 0:
			keep[i] = false
		case isHeading && !keep[i]:
			keep[i] = scores[i] >= -headingGrace && next-i <= nearHeading && 2*b.link <= b.size && p.leads(i, next)
		case !isHeading && keep[i]:
			next = i
		}
		if keep[i] {
			first = i
		}
	}
	p.topHeading(first, keep)
}

// topHeading keeps the article's own heading before the first block, wherever
// on the page it stands.
func (p *page) topHeading(first int, keep []bool) {
	title := text.Fold(p.meta.best())
	if title == "" {
		return
	}
	for i := first - 1; i >= max(0, first-nearTitle); i-- {
		b := &p.blocks[i]
		if level := p.level(b); (level == 1 || level == 2) && len(b.text) <= mostTitle && text.Fold(b.text) == title {
			keep[i] = true
			return
		}
	}
}

// level returns the level of the heading that a block is in, 0 outside.
func (p *page) level(b *block) int {
	for e := b.el; e >= 0; e = p.elements[e].parent {
		if level := headingLevel(p.elements[e].tag); level > 0 {
			return level
		}
	}
	return 0
}

// leads reports whether the block stands before another one in the same part of
// the page: the heading, or what holds it alone, is a sibling of what holds the
// other, and nothing marks it as something else than content.
func (p *page) leads(i, next int) bool {
	b := &p.blocks[i]
	if b.kinds&around != 0 {
		return false
	}
	e := b.el
	for ; e >= 0 && p.elements[e].text == b.size; e = p.elements[e].parent {
		if p.elements[e].kinds&around != 0 {
			return false
		}
	}
	for o := p.blocks[next].el; o >= 0; o = p.elements[o].parent {
		if o == e {
			return true
		}
	}
	return false
}
