package tokenizer

import (
	"sync/atomic"
)

const (
	// maxCachedWord and maxCachedIDs size a cache entry to one cache line.
	maxCachedWord = 32
	maxCachedIDs  = 7
	// cacheSlots bounds the cache to about 4.5 MB a tokenizer.
	cacheSlots = 1 << 16
)

// wordCache remembers the ids of short words. It is a direct-mapped table of
// immutable entries behind atomic pointers: readers never wait, the newest
// word of a slot wins, and since an entry only repeats what merging would
// give, results do not depend on what the cache holds.
type wordCache struct {
	slots [cacheSlots]atomic.Pointer[cacheEntry]
}

type cacheEntry struct {
	word  [maxCachedWord]byte
	size  uint8
	count uint8
	ids   [maxCachedIDs]int32
}

func (c *wordCache) slot(word string) *atomic.Pointer[cacheEntry] {
	return &c.slots[hashString(word)%cacheSlots]
}

// newCacheEntry returns nil where the ids do not fit.
func newCacheEntry(word string, ids []int32) *cacheEntry {
	if len(ids) > maxCachedIDs {
		return nil
	}
	e := &cacheEntry{size: uint8(len(word)), count: uint8(len(ids))}
	copy(e.word[:], word)
	copy(e.ids[:], ids)
	return e
}

func (e *cacheEntry) holds(word string) bool {
	return int(e.size) == len(word) && string(e.word[:e.size]) == word
}
