package dedup

import (
	"context"
	"errors"
	"iter"
)

// nodeSize is what a node of the forest takes, in bytes: an entry of a map of
// two numbers that is three quarters full at worst half full after growing.
const nodeSize = 64

// errCrowded says that the forest would outgrow its grant.
var errCrowded = errors.New("too many duplicates for the memory granted")

// forest is a union-find whose sets are named by their smallest member.
type forest map[uint64]uint64

// root returns the name of i's set and makes i a set of its own where it is new.
func (f forest) root(i uint64) uint64 {
	for {
		up, seen := f[i]
		if !seen {
			f[i] = i
			return i
		}
		if up == i {
			return i
		}
		f[i] = f[up]
		i = up
	}
}

// join merges the sets of a and b; the smaller root wins, so that names do not
// depend on the order of the calls.
func (f forest) join(a, b uint64) {
	ra, rb := f.root(a), f.root(b)
	f[max(ra, rb)] = min(ra, rb)
}

// clusters holds the result: a row (number, first) for each duplicate, and a row
// (first, size) for each cluster.
type clusters struct{ duplicates, sizes *sorter }

func (c *clusters) close() error { return errors.Join(c.duplicates.close(), c.sizes.close()) }

// stars finds the clusters, by union-find where the sets fit in a quarter of
// the grant and by sorting otherwise. Both give the same.
func (x *Index) stars(ctx context.Context) (*clusters, error) {
	edges, err := x.join(ctx, int(x.limit/4/nodeSize))
	if errors.Is(err, errCrowded) {
		edges, err = x.contract(ctx)
	}
	if err != nil {
		return nil, err
	}
	defer edges.close() //nolint:errcheck // its files go with the index
	c := &clusters{duplicates: x.sorter("duplicates"), sizes: x.sorter("sizes")}
	if err := c.fill(edges.sorted(ctx)); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// sorter returns one for intermediate rows, with a sixteenth of the grant for
// rows and as much for buffers: at most four are in use at once.
func (x *Index) sorter(name string) *sorter {
	return newSorter(x.dir, name, x.limit/16, x.limit/16)
}

// join returns the rows (first, duplicate), by union-find of at most most nodes.
func (x *Index) join(ctx context.Context, most int) (*sorter, error) {
	sets := forest{}
	for link, err := range x.links(ctx) {
		if err != nil {
			return nil, err
		}
		sets.join(link.a, link.b)
		if len(sets) > most {
			return nil, errCrowded
		}
	}
	edges := x.sorter("stars")
	for number := range sets {
		if first := sets.root(number); first != number {
			if err := edges.add(pair{first, number}); err != nil {
				return nil, errors.Join(err, edges.close())
			}
		}
	}
	return edges, nil
}

// contract returns the rows (first, duplicate) by alternating large-star and
// small-star steps over sorted files until nothing changes: connected
// components with the smallest name, in memory that does not depend on the
// graph (Kiveris et al., "Connected Components in MapReduce and Beyond", 2014).
func (x *Index) contract(ctx context.Context) (*sorter, error) {
	edges, from := (*sorter)(nil), x.links(ctx)
	for {
		large, movedLarge, err := x.step(ctx, "large", from, true)
		if edges != nil {
			err = errors.Join(err, edges.close())
		}
		if err != nil {
			return nil, err
		}
		small, movedSmall, err := x.step(ctx, "small", large.sorted(ctx), false)
		if err = errors.Join(err, large.close()); err != nil {
			return nil, err
		}
		edges, from = small, small.sorted(ctx)
		if !movedLarge && !movedSmall {
			return edges, nil
		}
	}
}

// step hangs neighbours of each node on its smallest one: those above the node
// (large) or those below it (not large). Edges come and go as (smaller, larger);
// moved reports whether any changed.
func (x *Index) step(ctx context.Context, name string, edges iter.Seq2[pair, error], large bool) (out *sorter, moved bool, err error) {
	around := x.sorter(name + "-in") // (node, neighbour)
	defer func() { err = errors.Join(err, around.close()) }()
	for e, err := range edges {
		if err != nil {
			return nil, false, err
		}
		if err := around.add(pair{e.b, e.a}); err != nil {
			return nil, false, err
		}
		if large {
			if err := around.add(e); err != nil {
				return nil, false, err
			}
		}
	}
	out = x.sorter(name + "-out")
	node, least, begun := uint64(0), uint64(0), false
	for p, err := range around.sorted(ctx) {
		if err != nil {
			return out, false, err
		}
		if !begun || p.a != node {
			begun, node, least = true, p.a, min(p.a, p.b)
			if !large {
				if err := out.add(pair{least, node}); err != nil {
					return out, false, err
				}
			}
		}
		if p.b > node == large && p.b != least {
			moved = moved || least != node || !large
			if err := out.add(pair{least, p.b}); err != nil {
				return out, false, err
			}
		}
	}
	return out, moved, nil
}

// fill takes rows (first, duplicate) in order.
func (c *clusters) fill(rows iter.Seq2[pair, error]) error {
	var open pair // a cluster and its size so far
	for p, err := range rows {
		if err != nil {
			return err
		}
		if open.b > 0 && open.a != p.a {
			if err := c.sizes.add(open); err != nil {
				return err
			}
			open.b = 0
		}
		open = pair{p.a, max(open.b, 1) + 1}
		if err := c.duplicates.add(pair{p.b, p.a}); err != nil {
			return err
		}
	}
	if open.b > 0 {
		return c.sizes.add(open)
	}
	return nil
}

// members merges duplicates and firsts by number.
func (c *clusters) members(ctx context.Context) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		next, stop := iter.Pull2(c.sizes.sorted(ctx))
		defer stop()
		first, err, more := next()
		firsts := func(below uint64) bool {
			for more && err == nil && first.a < below {
				if !yield(Member{Number: first.a, First: first.a, Size: first.b}, nil) {
					return false
				}
				first, err, more = next()
			}
			if err != nil {
				yield(Member{}, err)
			}
			return err == nil
		}
		for p, err := range c.duplicates.sorted(ctx) {
			if err != nil {
				yield(Member{}, err)
				return
			}
			if !firsts(p.a) || !yield(Member{Number: p.a, First: p.b}, nil) {
				return
			}
		}
		// The smallest number of a cluster stands before its duplicates, so that
		// no first is left here.
	}
}
