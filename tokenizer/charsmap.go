package tokenizer

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// charsmap is SentencePiece's precompiled normalization: a double-array trie
// (Yata, 2007) from spellings to offsets of their replacements, which end in a zero
// byte.
type charsmap struct {
	units []uint32
	text  string
}

// newCharsmap reads the base64 of a map: the length of the trie in bytes, the trie,
// the replacements; numbers are little-endian. Without a map nothing is replaced.
func newCharsmap(encoded *string) (normalizer, error) {
	if encoded == nil || *encoded == "" {
		return nil, errors.New("precompiled_charsmap is missing")
	}
	data, err := base64.StdEncoding.DecodeString(*encoded)
	if err != nil {
		return nil, fmt.Errorf("precompiled_charsmap: %w", err)
	}
	if len(data) < 4 {
		return nil, errors.New("precompiled_charsmap is shorter than four bytes")
	}
	n := binary.LittleEndian.Uint32(data)
	data = data[4:]
	if uint64(n) > uint64(len(data)) || n%4 != 0 || n == 0 {
		return nil, fmt.Errorf("precompiled_charsmap: a trie of %d bytes in %d", n, len(data))
	}
	m := &charsmap{units: make([]uint32, n/4), text: string(data[n:])}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return m, nil
}

// longestCluster is the bytes of a grapheme cluster, less one, up to which it is
// looked up whole.
const longestCluster = 6

// normalize looks every grapheme cluster up, and the characters of those that are
// long or not there. As Hugging Face does, it takes the shortest match of a cluster
// and replaces the whole cluster by it.
func (m *charsmap) normalize(p piece) piece {
	var out strings.Builder
	out.Grow(len(p.s))
	for it := graphemes.FromString(p.s); it.Next(); {
		cluster := it.Value()
		if len(cluster) < longestCluster {
			if s, ok := m.replacement(cluster); ok {
				out.WriteString(s)
				continue
			}
		}
		for i, c := range cluster {
			if s, ok := m.replacement(cluster[i : i+runeLen(c)]); ok {
				out.WriteString(s)
			} else {
				out.WriteRune(c)
			}
		}
	}
	return piece{out.String(), p.first && out.Len() > 0}
}

func runeLen(c rune) int { return len(string(c)) }

// replacement finds the shortest spelling in the map that s starts with.
func (m *charsmap) replacement(s string) (string, bool) {
	at := m.units[0]
	node := offsetOf(at)
	for i := 0; i < len(s) && s[i] != 0; i++ {
		node ^= uint32(s[i])
		if int64(node) >= int64(len(m.units)) {
			return "", false
		}
		unit := m.units[node]
		if unit&(1<<31|0xff) != uint32(s[i]) {
			return "", false
		}
		node ^= offsetOf(unit)
		if unit>>8&1 == 0 {
			continue
		}
		if int64(node) >= int64(len(m.units)) {
			return "", false
		}
		start := int64(m.units[node] & (1<<31 - 1))
		if start > int64(len(m.text)) {
			return "", false
		}
		text, _, _ := strings.Cut(m.text[start:], "\x00")
		return text, true
	}
	return "", false
}

func offsetOf(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }
