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

// clusters holds the result: for each member a row (number, first) and a row
// (number, size of the cluster).
type clusters struct{ firsts, sizes *sorter }

func (c *clusters) close() error { return errors.Join(c.firsts.close(), c.sizes.close()) }

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
	c := &clusters{firsts: x.sorter("firsts"), sizes: x.sorter("sizes")}
	if err := x.fill(ctx, c, edges); err != nil {
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

// fill takes rows (first, duplicate).
func (x *Index) fill(ctx context.Context, c *clusters, edges *sorter) error {
	counts := x.sorter("counts") // (first, size)
	defer counts.close()         //nolint:errcheck // its files go with the index
	if err := count(counts, edges.sorted(ctx)); err != nil {
		return err
	}
	next, stop := iter.Pull2(counts.sorted(ctx))
	defer stop()
	var open pair // the cluster that is being read, with its size
	for e, err := range edges.sorted(ctx) {
		if err != nil {
			return err
		}
		if open.b == 0 || open.a != e.a {
			if open, err, _ = next(); err != nil {
				return err
			}
			if err := c.add(e.a, open); err != nil {
				return err
			}
		}
		if err := c.add(e.b, open); err != nil {
			return err
		}
	}
	return nil
}

// add puts in a member of a cluster (first, size).
func (c *clusters) add(number uint64, cluster pair) error {
	if err := c.firsts.add(pair{number, cluster.a}); err != nil {
		return err
	}
	return c.sizes.add(pair{number, cluster.b})
}

// count adds (first, size) for each cluster of the sorted rows (first,
// duplicate).
func count(to *sorter, rows iter.Seq2[pair, error]) error {
	var open pair
	for e, err := range rows {
		if err != nil {
			return err
		}
		if open.b > 0 && open.a != e.a {
			if err := to.add(open); err != nil {
				return err
			}
			open.b = 0
		}
		open = pair{e.a, max(open.b, 1) + 1}
	}
	if open.b > 0 {
		return to.add(open)
	}
	return nil
}

// members walks over firsts and sizes, which hold the same numbers.
func (c *clusters) members(ctx context.Context) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		next, stop := iter.Pull2(c.sizes.sorted(ctx))
		defer stop()
		for p, err := range c.firsts.sorted(ctx) {
			if err == nil {
				var size pair
				size, err, _ = next()
				if err == nil && size.a != p.a {
					err = errors.New("sort: the files of the index do not belong together")
				}
				if err == nil {
					if !yield(Member{Number: p.a, First: p.b, Size: size.b}, nil) {
						return
					}
					continue
				}
			}
			yield(Member{}, err)
			return
		}
	}
}
