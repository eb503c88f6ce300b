package dedup

// Weight returns how often a document stands in for its cluster of the given
// size when a corpus is rehydrated: duplicates tell that a text matters, up to
// a point beyond which they tell of boilerplate. The numbers are those of
// FineWeb2 (Penedo et al., 2025): 1, 2, 3, 3 for clusters of 1 to 4, then 5,
// from 100 on 8, from 1,000 on 1.
func Weight(size uint64) int {
	switch {
	case size >= 1000:
		return 1
	case size >= 100:
		return 8
	case size >= 5:
		return 5
	case size >= 3:
		return 3
	}
	return max(int(size), 1)
}
