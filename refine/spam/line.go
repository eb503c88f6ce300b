package spam

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// line is what is known of a line of a text.
type line struct {
	blank    bool
	sentence bool // it reads as a sentence
	han      int  // Han characters
	simp     int  // characters of one script alone
	trad     int
	// The rest is filled in for lines that are neither blank nor a sentence.
	segments []float64 // evidence of each segment with Han or a term
	hit      bool      // one of them weighs as much as two weak terms
	short    bool      // at least manySegments of them, none long
}

const (
	// manySegments make a list.
	manySegments = 5
	// longSegment is more characters than a phrase of spam has.
	longSegment = 16
	// A line with so many Han characters, of which so large a share are function
	// characters, is a sentence whatever its punctuation. Lists have less than
	// listFunction of them.
	sentenceHan      = 8
	sentenceFunction = 0.08
	listFunction     = 0.04
)

// classes of characters in a table for the first 64K.
const (
	isFunction = 1 << iota
	isSeparator
	isEnd // of a sentence
)

var classes = func() map[rune]uint8 {
	t := map[rune]uint8{}
	for _, r := range functionRunes {
		t[r] |= isFunction
	}
	for _, r := range ",，|｜、_/\\·•-—–>»《》<#+~～:：;；()（）[]【】「」『』“”\"'*=&^@^★☆●◆■▲▶→!！?？…" {
		t[r] |= isSeparator
	}
	for _, r := range "。！？!?…" {
		t[r] |= isEnd
	}
	return t
}()

// fastClass holds classes for the characters that Chinese pages consist of.
var fastClass = func() *[1 << 16]uint8 {
	t := new([1 << 16]uint8)
	for r, c := range classes {
		t[r] = c
	}
	for r, script := range scriptOf {
		t[r] |= script << 4
	}
	for r := rune(0x3400); r <= 0x9FFF; r++ {
		t[r] |= isHan
	}
	return t
}()

// isHan goes with the other bits of fastClass.
const isHan = 1 << 7

// folded holds the Simplified form of Han characters.
var folded = func() *[1 << 16]uint16 {
	t := new([1 << 16]uint16)
	for i := range t {
		t[i] = uint16(i)
	}
	for from, to := range simplify {
		t[from] = uint16(to)
	}
	return t
}()

func class(r rune) uint8 {
	if r < 1<<16 {
		return fastClass[r]
	}
	if unicode.Is(unicode.Han, r) {
		return isHan
	}
	return 0
}

// survey looks at a line once, without its segments.
func survey(s string) (l line) {
	s = strings.TrimSpace(s)
	if s == "" {
		l.blank = true
		return l
	}
	function, stop, soft := 0, false, false
	prev := rune(0)
	for _, r := range s {
		c := class(r)
		if c&isHan != 0 {
			l.han++
			if c&isFunction != 0 {
				function++
			}
			if prev == '在' && (r == '线' || r == '線') { // online
				function--
			}
			prev = r
			switch c >> 4 & 3 {
			case simplified:
				l.simp++
			case traditional:
				l.trad++
			}
			continue
		}
		if c&isEnd != 0 {
			stop = stop || r == '。'
			soft = soft || r != '。'
		}
	}
	share := float64(function) / float64(max(l.han, 1))
	l.sentence = l.han == 0 || // nothing that this package knows
		stop ||
		soft && l.han >= sentenceHan && share >= listFunction ||
		l.han >= sentenceHan && share >= sentenceFunction
	l.short = share < listFunction
	return l
}

// weigh fills in the segments of a line that is no sentence. The scratch is for
// the characters of a segment and is returned for the next call.
func (l *line) weigh(s string, scratch []uint16) []uint16 {
	segment, han, long := scratch[:0], 0, false
	end := func() {
		if len(segment) == 0 {
			return
		}
		w := words.weigh(segment)
		if w > 0 && w < weakTerm {
			w = 0 // one character tells nothing
		}
		if han >= 2 || w != 0 {
			l.segments = append(l.segments, w)
			l.hit = l.hit || w >= 2*weakTerm
			long = long || han > longSegment
		}
		segment, han = segment[:0], 0
	}
	for _, r := range s {
		if r >= 1<<16 {
			r = utf8.RuneError // no term has it
		}
		switch c := fastClass[r]; {
		case c&isHan != 0:
			segment = append(segment, folded[r])
			han++
		case c&isSeparator != 0, unicode.IsSpace(r):
			end()
		case 'A' <= r && r <= 'Z':
			segment = append(segment, uint16(r|0x20))
		default:
			segment = append(segment, uint16(r))
		}
	}
	end()
	l.short = l.short && len(l.segments) >= manySegments && !long
	return segment
}

// contact reports a link or an account in a line.
func contact(s string) bool {
	lower := strings.ToLower(s)
	for _, sign := range []string{"www.", ".com", ".cc", ".net", ".vip", ".top", ".xyz", ".app", "http", "qq", "微信", "威信", "薇信", "v信", "加v", "电话", "電話", "热线"} {
		if strings.Contains(lower, sign) {
			return true
		}
	}
	return false
}
