package extract

import "golang.org/x/net/html/atom"

// A chapter is a long page of which the model keeps most: a manual, a book's
// chapter, a specification. There the short blocks between, such as table
// cells, examples and definitions, belong to the text, whatever they look like.
const (
	chapterBlocks = 150
	chapterKept   = 45 // percent of the holder's text
	chapterLinks  = 30 // percent of the holder's text, at most
)

// around are the kinds that are no content in chapters either.
const around = kindComment | kindNav | kindFoot | kindSide | kindRelated | kindShare | kindAd | kindPopup | kindHidden | kindTags

// chapter keeps all of a chapter but what its names or links mark as something
// else.
func (p *page) chapter(keep []bool) {
	holder, kept := p.holder(keep)
	if holder < 0 {
		return
	}
	h := &p.elements[holder]
	if h.blocks < chapterBlocks || share(kept, h.text) < chapterKept || share(h.link, h.text) > chapterLinks {
		return
	}
	for i := range p.blocks {
		if !keep[i] && p.belongs(i, holder) {
			keep[i] = true
		}
	}
}

// holder returns the innermost element that has 95 percent of what is kept, and
// how much that is.
func (p *page) holder(keep []bool) (holder, kept int32) {
	held := make([]int32, len(p.elements))
	all := int32(0)
	for i, k := range keep {
		if !k {
			continue
		}
		b := &p.blocks[i]
		all += b.size
		for e := b.el; e >= 0; e = p.elements[e].parent {
			held[e] += b.size
		}
	}
	holder = -1
	for e, size := range held {
		if size > 0 && share(size, all) >= 95 && (holder < 0 || p.elements[e].depth > p.elements[holder].depth) {
			holder, kept = int32(e), size
		}
	}
	return holder, kept
}

// belongs reports a block below the holder with nothing between that marks it
// as something else than content.
func (p *page) belongs(i int, holder int32) bool {
	b := &p.blocks[i]
	if b.kinds&around != 0 {
		return false
	}
	for e := b.el; e >= 0; e = p.elements[e].parent {
		if e == holder {
			return true
		}
		el := &p.elements[e]
		if el.kinds&around != 0 || 10*el.link >= 8*el.text && isGroup(el.tag) && el.blocks >= 3 {
			return false
		}
	}
	return false
}

func isGroup(tag atom.Atom) bool {
	switch tag {
	case atom.Ul, atom.Ol, atom.Dl, atom.Table, atom.Div, atom.Section:
		return true
	}
	return false
}
