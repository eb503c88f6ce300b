package tokenizer

import (
	"unicode/utf8"
)

// jointSet holds the pairs of characters that some merge joins: the last
// character of its left token, the first of its right one. Between two
// characters that are no such pair no merge can ever reach across, so a piece
// may be cut there and its parts merged apart, with the same ids. This is what
// makes a SentencePiece-style model, whose piece is the whole text, as
// cacheable as one that splits into words.
type jointSet struct {
	ascii [utf8.RuneSelf][2]uint64
	slots []uint64 // left<<32 | right; 0 is empty, and never a non-ASCII pair
	count int
}

func (j *jointSet) add(left, right rune) {
	if left < utf8.RuneSelf && right < utf8.RuneSelf {
		j.ascii[left][right>>6] |= 1 << (right & 63)
		return
	}
	if 2*(j.count+1) > len(j.slots) {
		old := j.slots
		j.slots = make([]uint64, max(1024, 2*len(old)))
		for _, key := range old {
			if key != 0 {
				j.slots[j.find(key)] = key
			}
		}
	}
	key := uint64(left)<<32 | uint64(right)
	if i := j.find(key); j.slots[i] == 0 {
		j.slots[i] = key
		j.count++
	}
}

// find returns the slot that holds key, or the free one where it would go.
func (j *jointSet) find(key uint64) uint64 {
	mask := uint64(len(j.slots) - 1)
	h := key * hashA
	i := (h ^ h>>32) & mask
	for j.slots[i] != 0 && j.slots[i] != key {
		i = (i + 1) & mask
	}
	return i
}

func (j *jointSet) has(left, right rune) bool {
	if left < utf8.RuneSelf && right < utf8.RuneSelf {
		return j.ascii[left][right>>6]&(1<<(right&63)) != 0
	}
	return len(j.slots) > 0 && j.slots[j.find(uint64(left)<<32|uint64(right))] != 0
}

// span returns the length of the part of s before its first cut.
func (j *jointSet) span(s string) int {
	left, i := utf8.DecodeRuneInString(s)
	for i < len(s) {
		right, w := rune(s[i]), 1
		if right >= utf8.RuneSelf {
			right, w = utf8.DecodeRuneInString(s[i:])
		}
		if !j.has(left, right) {
			return i
		}
		left = right
		i += w
	}
	return i
}

// newJointSet returns the joints of m's merges, or nil where cutting a piece
// could change its ids: where a token depends on its place in the piece, where
// a character may vanish or wait for its neighbours, or where merges name the
// tokens that stand in for characters.
func newJointSet(m *bpe, pairs [][2]int32) *jointSet {
	if m.byteMode || m.prefix != "" || m.suffix != "" {
		return nil
	}
	standIn := map[int32]bool{}
	if m.fallback {
		for _, id := range m.fallbackID {
			if id < 0 {
				return nil
			}
			standIn[id] = true
		}
	} else {
		if m.unk < 0 || m.fuseUnk {
			return nil
		}
		standIn[m.unk] = true
	}
	j := &jointSet{}
	for _, p := range pairs {
		if standIn[p[0]] || standIn[p[1]] {
			return nil
		}
		a, _ := m.vocab.token(p[0])
		b, _ := m.vocab.token(p[1])
		if a == "" || b == "" {
			return nil
		}
		left, _ := utf8.DecodeLastRuneInString(a)
		right, _ := utf8.DecodeRuneInString(b)
		j.add(left, right)
	}
	return j
}
