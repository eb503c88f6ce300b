package infer

import (
	"container/list"
	"slices"

	"github.com/troikaml/troika/compute"
)

// pages hands out the pages of the cache and knows what the full ones hold, so that
// sequences with the same beginning share them. A page that is full never changes,
// which is why sharing needs no copies; what a sequence still writes to is its own.
// It belongs to the engine's loop.
type pages struct {
	free   []int32
	uses   []int            // sequences that hold each page
	known  map[prefix]int32 // the page with what follows a prefix
	prefix []prefix         // of each known page
	id     []uint64         // of each known page; 0: not known
	last   uint64           // id given out
	idle   *list.List       // known pages that nobody holds, longest idle first
	place  []*list.Element  // in idle
	retain int              // the most pages that may be idle
}

// prefix is what decides the keys and values of a full page: its tokens, all that
// stands before, and the weights. Parent is the id of the page before; ids are never
// given out twice, so that a page whose parent was given away is found no more.
type prefix struct {
	share  string
	slot   int32
	parent uint64
	tokens [compute.PageTokens]int32
}

func newPages(n, retain int) *pages {
	p := &pages{
		uses: make([]int, n), known: map[prefix]int32{}, prefix: make([]prefix, n), id: make([]uint64, n),
		idle: list.New(), place: make([]*list.Element, n), retain: retain,
	}
	for i := n - 1; i >= 0; i-- {
		p.free = append(p.free, int32(i))
	}
	return p
}

// take gives s its pages: known ones for as much of its prompt as there are, all but
// the last token at most, and fresh ones for the rest. It returns false if there are
// too few.
func (p *pages) take(s *sequence) bool {
	var got []int32
	var chain []uint64
	// An echo needs every row computed.
	if s.Share != "" && !s.Echo {
		for n := compute.PageTokens; n < len(s.Prompt); n += compute.PageTokens {
			page, ok := p.known[s.prefixAt(n, parent(chain))]
			if !ok {
				break
			}
			got, chain = append(got, page), append(chain, p.id[page])
		}
	}
	fresh := pagesFor(len(s.Prompt)+max(s.MaxTokens, 0)) - len(got)
	room := len(p.free) + p.idle.Len()
	for _, page := range got {
		if p.uses[page] == 0 {
			room-- // idle, but about to be held
		}
	}
	if fresh > room {
		return false
	}
	for _, page := range got {
		p.hold(page)
	}
	s.cached = len(got) * compute.PageTokens
	for range fresh {
		if len(p.free) == 0 {
			p.forget(p.idle.Front().Value.(int32))
		}
		page := p.free[len(p.free)-1]
		p.free = p.free[:len(p.free)-1]
		p.hold(page)
		got = append(got, page)
	}
	s.at, s.pages, s.chain = s.cached, got, chain
	return true
}

func (p *pages) hold(page int32) {
	if e := p.place[page]; e != nil {
		p.idle.Remove(e)
		p.place[page] = nil
	}
	p.uses[page]++
}

// filled makes known the pages of s that became full.
func (p *pages) filled(s *sequence) {
	if s.Share == "" {
		return
	}
	for i := len(s.chain); (i+1)*compute.PageTokens <= s.at; i++ {
		key := s.prefixAt((i+1)*compute.PageTokens, parent(s.chain))
		page, ok := p.known[key]
		if !ok { // else another sequence was first: what follows builds on its page
			page = s.pages[i]
			p.last++
			p.known[key], p.prefix[page], p.id[page] = page, key, p.last
		}
		s.chain = append(s.chain, p.id[page])
	}
}

// parent returns the id of the page before the next, 0 at the beginning.
func parent(chain []uint64) uint64 {
	if len(chain) == 0 {
		return 0
	}
	return chain[len(chain)-1]
}

// release gives back what a sequence holds.
func (p *pages) release(held []int32) {
	// From the end, so that of a chain that rests the end is given away first.
	for _, page := range slices.Backward(held) {
		p.uses[page]--
		switch {
		case p.uses[page] > 0:
		case p.id[page] == 0:
			p.free = append(p.free, page)
		default:
			p.place[page] = p.idle.PushBack(page)
		}
	}
	for p.idle.Len() > p.retain {
		p.forget(p.idle.Front().Value.(int32))
	}
}

// forget frees an idle page.
func (p *pages) forget(page int32) {
	p.idle.Remove(p.place[page])
	delete(p.known, p.prefix[page])
	p.place[page], p.prefix[page], p.id[page] = nil, prefix{}, 0
	p.free = append(p.free, page)
}

// prefixAt describes the page of s that ends before token n.
func (s *sequence) prefixAt(n int, parent uint64) prefix {
	f := prefix{share: s.Share, slot: s.Slot, parent: parent}
	copy(f.tokens[:], s.all[n-compute.PageTokens:n])
	return f
}
