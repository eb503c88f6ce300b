package extract

import "golang.org/x/net/html/atom"

// element is one element of a page with what is summed up below it. Sizes are
// in bytes of visible text: a Han character carries about as much as three
// Latin letters, and UTF-8 happens to count so.
type element struct {
	tag    atom.Atom
	parent int32 // index, -1 at the root
	depth  int32
	kinds  kinds
	sign   uint32 // hash of tag and class, and of the parent's
	item   int32  // number of a list item within its ordered list, or a cell's column from 1 on; else 0

	text, link, good int32 // sizes of all text, of linked and of good blocks
	blocks           int32 // count
	paragraphs       int32 // count of good blocks
	firstGood        int32 // index of a block, -1 without one
	lastGood         int32
}

// block is a piece of text that is kept or dropped whole.
type block struct {
	el       int32 // the nearest block element
	kinds    kinds // of all inline elements around the text alike
	text     string
	size     int32 // bytes without white space
	link     int32 // of size, in links
	links    int32 // count of links
	emphasis int32 // of size, in bold or italic type
	pre      bool
	facts    facts
}

// page is a parsed page as flat lists, in document order.
type page struct {
	elements []element
	blocks   []block
	meta     meta
	size     int32           // of all blocks
	good     int32           // of good blocks
	widths   map[int32]int32 // columns of tables that hold data, by element
}

// sum adds each block to the elements around it.
func (p *page) sum() {
	for i := range p.blocks {
		b := &p.blocks[i]
		good := b.isGood()
		p.size += b.size
		if good {
			p.good += b.size
		}
		for e := b.el; e >= 0; e = p.elements[e].parent {
			el := &p.elements[e]
			el.text += b.size
			el.link += b.link
			el.blocks++
			if !good {
				continue
			}
			el.good += b.size
			el.paragraphs++
			if el.firstGood < 0 {
				el.firstGood = int32(i)
			}
			el.lastGood = int32(i)
		}
	}
}

// isGood reports blocks that look like prose from within.
func (b *block) isGood() bool {
	return b.size >= 80 && 3*b.link <= b.size
}
