package segment

import (
	"math"
	"sync"
	"unicode/utf8"
)

// Words appends the words of s to dst as jieba's cut finds them with HMM off
// (v0.42.1, default dictionary), without white space, and returns the extended
// slice. Runs of more than longestRun characters without punctuation are split
// as if they ended there. It is a Splitter.
func (d *Dictionary) Words(dst []Word, s string) []Word {
	p, _ := paths.Get().(*path)
	defer paths.Put(p)
	for i := 0; i < len(s); {
		start := i
		p.codes, p.starts = p.codes[:0], p.starts[:0]
		for i < len(s) && len(p.codes) < longestRun {
			c := s[i]
			if c < utf8.RuneSelf {
				if !inRun[c] {
					break
				}
				p.starts = append(p.starts, int32(i-start))
				p.codes = append(p.codes, d.codes[c])
				i++
				continue
			}
			r := han(s[i:])
			if r == 0 {
				break
			}
			p.starts = append(p.starts, int32(i-start))
			p.codes = append(p.codes, d.codes[r])
			i += 3
		}
		if i > start {
			p.starts = append(p.starts, int32(i-start))
			dst = p.words(dst, d, s[start:i])
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !IsSpace(r) {
			dst = append(dst, Word{s[i : i+size], 1})
		}
		i += size
	}
	return dst
}

// han returns the character that s begins with where it is one of the dictionary's,
// from U+4E00 to U+9FD5, else 0.
func han(s string) rune {
	if len(s) < 3 || s[0] < 0xE4 || s[0] > 0xE9 || s[1]&0xC0 != 0x80 || s[2]&0xC0 != 0x80 {
		return 0
	}
	r := rune(s[0]&0x0F)<<12 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F)
	if r < 0x4E00 || r > 0x9FD5 {
		return 0
	}
	return r
}

// longestRun bounds the memory of a path: 28 bytes a character.
const longestRun = 1 << 20

// inRun are the ASCII characters that stand in a run with Han characters.
var inRun = func() (t [utf8.RuneSelf]bool) {
	for c := range t {
		r := byte(c)
		t[c] = 'a' <= r|0x20 && r|0x20 <= 'z' || isDigit(r)
	}
	for _, r := range "+#&._%-" {
		t[r] = true
	}
	return t
}()

// path finds the best path through a run.
type path struct {
	codes  []uint16 // of the characters
	starts []int32  // where they begin, and the end of the run
	score  []float64
	end    []int32 // of the best word from here
}

var paths = sync.Pool{New: func() any { return new(path) }}

// words appends the words of the run s, whose characters are in p.
func (p *path) words(dst []Word, d *Dictionary, s string) []Word {
	p.find(d)
	letters := -1 // where a run of single letters and digits began
	n := len(p.codes)
	for i := 0; i < n; {
		end := int(p.end[i])
		if end == i+1 && isAlnum(s[p.starts[i]]) {
			if letters < 0 {
				letters = i
			}
			i++
			continue
		}
		if letters >= 0 {
			dst = append(dst, Word{s[p.starts[letters]:p.starts[i]], i - letters})
			letters = -1
		}
		dst = append(dst, Word{s[p.starts[i]:p.starts[end]], end - i})
		i = end
	}
	if letters >= 0 {
		dst = append(dst, Word{s[p.starts[letters]:], n - letters})
	}
	return dst
}

func isAlnum(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || isDigit(c) }

// find fills end with the best word from each character on: the sums run from
// the right, and of equal paths the longer word wins, as in jieba.
func (p *path) find(d *Dictionary) {
	n := len(p.codes)
	if cap(p.score) <= n {
		p.score, p.end = make([]float64, 2*n+64), make([]int32, 2*n+64)
	}
	codes, score, ends := p.codes, p.score[:n+1], p.end[:n+1]
	score[n] = 0
	for i := n - 1; i >= 0; i-- {
		at := &d.single[codes[i]]
		best, end := at.weight+score[i+1], i+1
		if at.begins && i+1 < n {
			key := uint32(codes[i])<<16 | uint32(codes[i+1])
			if h := hashPair(key); d.sketch[h%pairBits/64]>>(h%64)&1 != 0 {
				if two := d.pair(key, h); two != nil {
					best, end = d.longer(two, codes, score, i, at.isWord)
				}
			}
		}
		score[i], ends[i] = best, int32(end)
	}
}

// pair returns the node of a pair of first characters with the hash h, or nil.
func (d *Dictionary) pair(key, h uint32) *node {
	for ; ; h++ {
		p := &d.pairs[h%pairPlace]
		if p.n < 0 {
			return nil
		}
		if p.key == key {
			return &p.node
		}
	}
}

// longer returns the best word from i on and its path's score, where two is
// the node of the first two characters. The character alone is a choice where
// it is a word, or where nothing else is.
func (d *Dictionary) longer(two *node, codes []uint16, score []float64, i int, isWord bool) (float64, int) {
	alone := d.single[codes[i]].weight + score[i+1]
	best, end := math.Inf(-1), -1
	if isWord {
		best, end = alone, i+1
	}
	for j := i + 2; ; j++ {
		if two.word != 0 {
			if s := d.weights[two.word-1] + score[j]; s >= best {
				best, end = s, j
			}
		}
		if two.n == 0 || j >= len(codes) {
			break
		}
		if two = d.child(two, codes[j]); two == nil {
			break
		}
	}
	if end < 0 {
		return alone, i + 1
	}
	return best, end
}

// child returns the child of n along a character, or nil.
func (d *Dictionary) child(n *node, code uint16) *node {
	family := d.nodes[n.first : n.first+n.n]
	for i := range family {
		if family[i].code == code {
			return &family[i]
		}
	}
	return nil
}
