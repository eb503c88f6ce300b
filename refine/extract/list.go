package extract

import "golang.org/x/net/html/atom"

// listLinks is the percentage of a list's text up to which links may stand in it for
// the rules on lists to hold.
const listLinks = 30

// lists keeps lists as a whole where it can be told that they belong to the text: items
// are too short to be judged alone. A list of which half is kept is kept; so is one that stands
// between two kept pieces of the same part of the page.
func (p *page) lists(keep []bool) {
	first := make([]int32, len(p.elements)) // 1 + the first block
	for i := range p.blocks {
		for e := p.blocks[i].el; e >= 0 && first[e] == 0; e = p.elements[e].parent {
			first[e] = int32(i + 1)
		}
	}
	for e := range p.elements {
		if el := &p.elements[e]; first[e] > 0 && isList(el.tag) {
			p.list(el, int(first[e]-1), int(first[e]-1+el.blocks), keep)
		}
	}
}

func isList(tag atom.Atom) bool { return tag == atom.Ul || tag == atom.Ol || tag == atom.Dl }

// holds reports whether a block is below an element.
func (p *page) holds(e int32, block int) bool {
	for at := p.blocks[block].el; at >= 0; at = p.elements[at].parent {
		if at == e {
			return true
		}
	}
	return false
}

// list judges a list, whose blocks are those from first up to end.
func (p *page) list(el *element, first, end int, keep []bool) {
	if el.kinds&around != 0 || share(el.link, el.text) > listLinks {
		return
	}
	kept := int32(0)
	for i := first; i < end; i++ {
		if keep[i] {
			kept += p.blocks[i].size
		}
		if p.blocks[i].kinds&around != 0 {
			return
		}
	}
	whole := 2*kept >= el.text && kept > 0
	if !whole && first > 0 && end < len(p.blocks) && keep[first-1] && keep[end] {
		whole = p.holds(el.parent, first-1) && p.holds(el.parent, end)
	}
	if whole {
		for i := first; i < end; i++ {
			keep[i] = true
		}
	}
}
