package extract

// bend is a node of a decision tree: a value up to the border leads to the next
// node, a greater one to the node at over. A leaf has feature -1 and its weight,
// in 1/256 of a logit, as border. A tree ends where its last leaf does.
type bend struct{ feature, border, over int16 }

// score sums the weights of the leaves that a row leads to.
func score(row []int16) int32 {
	sum := int32(bias)
	for _, root := range roots {
		tree := trees[root:]
		at := int16(0)
		for {
			n := &tree[at]
			if n.feature < 0 {
				sum += int32(n.border)
				break
			}
			if row[n.feature] <= n.border {
				at++
			} else {
				at = n.over
			}
		}
	}
	return sum
}

// choose says for each block whether it is content.
func (p *page) choose(o *Options) []bool {
	scores := make([]int32, len(p.blocks))
	keep := make([]bool, len(p.blocks))
	found := false
	p.measure(func(i int, row []int16) {
		scores[i] = o.score(row)
		keep[i] = scores[i] >= 0
		found = found || keep[i]
	})
	if !found {
		p.fallback(keep)
	}
	p.tables(scores, keep)
	p.lists(keep)
	p.chapter(keep)
	p.headings(scores, keep)
	return keep
}

// fallback serves pages that are like none that the model knows: prose stays,
// or everything where there is none.
func (p *page) fallback(keep []bool) {
	for i := range p.blocks {
		b := &p.blocks[i]
		keep[i] = p.good > 0 && b.isGood() || p.good == 0 && 2*b.link <= b.size
	}
}
