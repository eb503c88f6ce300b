package tokenizer

import "fmt"

// maxID bounds token ids, so that tables indexed by id stay small whatever a
// file says. The largest vocabularies in use hold fewer than 2^19 tokens.
const maxID = 1<<22 - 1

// vocab maps token strings to ids and back. All strings lie in one blob, and
// the index is an open-addressing table of ids: loading a vocabulary allocates
// a handful of slices, and looking a token up allocates nothing.
type vocab struct {
	blob  []byte
	text  string // blob, once built
	spans []span // by id
	index []int32
	count int
}

// span is a token's place in the blob; n is -1 where an id has no token.
type span struct {
	off uint32
	n   int32
}

// add records a token. Ids and tokens must be new.
func (v *vocab) add(token []byte, id int) error {
	if id > maxID {
		return fmt.Errorf("id %d of token %q is over %d", id, token, maxID)
	}
	for len(v.spans) <= id {
		v.spans = append(v.spans, span{n: -1})
	}
	if v.spans[id].n >= 0 {
		s := v.spans[id]
		return fmt.Errorf("tokens %q and %q share the id %d", v.blob[s.off:int(s.off)+int(s.n)], token, id)
	}
	v.spans[id] = span{uint32(len(v.blob)), int32(len(token))}
	v.blob = append(v.blob, token...)
	v.count++
	return nil
}

// build makes the index; add must not be called afterwards.
func (v *vocab) build() error {
	v.text = string(v.blob)
	v.blob = nil
	size := 16
	for size < 2*v.count {
		size *= 2
	}
	v.index = make([]int32, size)
	for id, s := range v.spans {
		if s.n < 0 {
			continue
		}
		token := v.at(s)
		i := hashString(token) & uint64(size-1)
		for ; v.index[i] != 0; i = (i + 1) & uint64(size-1) {
			if other := v.index[i] - 1; v.at(v.spans[other]) == token {
				return fmt.Errorf("token %q has the ids %d and %d", token, other, id)
			}
		}
		v.index[i] = int32(id) + 1
	}
	return nil
}

func (v *vocab) at(s span) string { return v.text[s.off : int(s.off)+int(s.n)] }

// id returns the id of token, or -1.
func (v *vocab) id(token string) int32 {
	mask := uint64(len(v.index) - 1)
	for i := hashString(token) & mask; ; i = (i + 1) & mask {
		id := v.index[i] - 1
		if id < 0 || v.at(v.spans[id]) == token {
			return id
		}
	}
}

// token returns the token of id.
func (v *vocab) token(id int32) (string, bool) {
	if id < 0 || int(id) >= len(v.spans) || v.spans[id].n < 0 {
		return "", false
	}
	return v.at(v.spans[id]), true
}

const (
	hashA = 0x9e3779b97f4a7c15
	hashB = 0xd6e8feb86659fd93
)

// hashString mixes s eight bytes at a time. It need not withstand an
// adversary: vocabularies are indexed once with bounded load, and a collision
// in the word cache costs a lookup, never an answer.
func hashString(s string) uint64 {
	n := len(s)
	h := uint64(n) * hashB
	if n < 8 {
		var w uint64
		if n >= 4 {
			w = load32(s, 0) | load32(s, n-4)<<32
		} else if n > 0 {
			w = uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16
		}
		h = (h ^ w) * hashA
		h = (h ^ h>>32) * hashB
		return h ^ h>>29
	}
	i := 0
	for ; i+8 < n; i += 8 {
		h = (h ^ load64(s, i)) * hashA
		h ^= h >> 32
	}
	h = (h ^ load64(s, n-8)) * hashA
	h = (h ^ h>>32) * hashB
	return h ^ h>>29
}

func load64(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func load32(s string, i int) uint64 {
	s = s[i : i+4]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}
