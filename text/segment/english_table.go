package segment

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed english.gz
var englishGz []byte

// english holds the tables of the English rules.
type english struct {
	class      []uint16 // classes by character
	specials   map[string][]Word
	splits     map[string][]Word // specials as they fall apart where nothing is special
	mostPieces int               // of one split
	longest    int               // of the specials, in bytes
	sketch     [sketchSize]bool  // places of the specials
	units      map[string]bool   // units and currencies that follow a number
	// longestUnit is the length of the longest of units in bytes.
	longestUnit int
	url         *regexp.Regexp
}

const sketchSize = 1 << 15

// Classes of characters.
const (
	isAlpha uint16 = 1 << iota
	isLower
	isUpper
	isJoin   // may stand before a point between two parts
	isJoined // may stand after it
	isEnds   // may stand before a final point that is a word of its own
	isIcon
	isPrefix
	isSuffix
	isMoney
)

var classNames = map[string]uint16{
	"alpha": isAlpha, "lower": isLower, "upper": isUpper, "join": isJoin, "joined": isJoined,
	"ends": isEnds, "icon": isIcon, "prefix": isPrefix, "suffix": isSuffix, "money": isMoney,
}

// classified is the first character beyond all classes.
const classified = 0x30000

func (t *english) is(r rune, class uint16) bool {
	return uint32(r) < classified && t.class[r]&class != 0
}

// englishTables unpacks the embedded table once.
var englishTables = sync.OnceValue(func() *english {
	t, err := readEnglish(englishGz)
	if err != nil {
		panic(err) // the table is part of the program; a test reads it
	}
	return t
})

func readEnglish(packed []byte) (*english, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("read English table: %w", err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("read English table: %w", err)
	}
	t := &english{class: make([]uint16, classified), specials: map[string][]Word{}, splits: map[string][]Word{}, units: map[string]bool{}}
	lower := ""
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case f[0] == "S" && len(f) > 2:
			t.addSpecial(f[1], f[2:])
		case f[0] == "U":
			t.addUnits(f[1:])
		case f[0] == "C" && len(f) == 3:
			if err := t.addClass(classNames[f[1]], f[2]); err != nil {
				return nil, err
			}
			if f[1] == "lower" {
				lower = f[2]
			}
		default:
			return nil, fmt.Errorf("read English table: line %.40q", line)
		}
	}
	t.addUnits([]string{"US$", "C$", "A$"})
	for r := range rune(classified) {
		if t.is(r, isMoney) {
			t.addUnits([]string{string(r)})
		}
	}
	t.url = urlPattern(lower)
	t.addSplits()
	return t, nil
}

func (t *english) addSpecial(s string, pieces []string) {
	words := make([]Word, len(pieces))
	for i, p := range pieces {
		words[i] = Word{p, utf8.RuneCountInString(p)}
	}
	t.specials[s] = words
	t.longest = max(t.longest, len(s))
	t.sketch[sketchOf(s)] = true
}

func (t *english) addUnits(units []string) {
	for _, u := range units {
		t.units[u] = true
		t.longestUnit = max(t.longestUnit, len(u))
	}
}

// addClass adds a class whose ranges read "41-5a,61-7a".
func (t *english) addClass(class uint16, ranges string) error {
	for r := range strings.SplitSeq(ranges, ",") {
		from, to, _ := strings.Cut(r, "-")
		a, err := strconv.ParseUint(from, 16, 32)
		if err != nil {
			return fmt.Errorf("read English table: class: %w", err)
		}
		b, err := strconv.ParseUint(to, 16, 32)
		if err != nil || b >= classified || b < a {
			return fmt.Errorf("read English table: range %q", r)
		}
		for c := a; c <= b; c++ {
			t.class[c] |= class
		}
	}
	return nil
}

// addSplits notes how the specials with affixes or infixes fall apart where
// nothing is special.
func (t *english) addSplits() {
	bare := *t
	bare.specials, bare.sketch = nil, [sketchSize]bool{}
	for s := range t.specials {
		words := bare.chunk(nil, s)
		if len(words) < 2 {
			continue
		}
		t.splits[s] = words
		t.mostPieces = max(t.mostPieces, len(words))
	}
}

// urlPattern returns the expression of addresses that stay whole; its group
// "ip" is an address of version 4. lower lists the ranges of letters that may
// spell a top-level domain.
func urlPattern(lower string) *regexp.Regexp {
	var letters strings.Builder
	for r := range strings.SplitSeq(lower, ",") {
		from, to, _ := strings.Cut(r, "-")
		fmt.Fprintf(&letters, `\x{%s}-\x{%s}`, from, to)
	}
	const host = `A-Za-z0-9\x{a1}-\x{ffff}`
	return regexp.MustCompile(`^(?:[\pL\pN_+.\-]{2,}://)?(?:\S+(?::\S*)?@)?(?:` +
		`(?P<ip>(?:[1-9]\d?|1\d\d|2[01]\d|22[0-3])(?:\.(?:1?\d{1,2}|2[0-4]\d|25[0-5])){2}\.(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-4]))` +
		`|(?:(?:[` + host + `][` + host + `_-]{0,62})?[` + host + `]\.)+[` + letters.String() + `]{2,63}` +
		`)(?::\d{2,5})?(?:[/?#]\S*)?$`)
}

// isURL reports whether s is a web or mail address.
func (t *english) isURL(s string) bool {
	// Nearly all chunks have no point with something after it.
	point := strings.IndexByte(s, '.')
	if point < 0 || point == len(s)-1 {
		return false
	}
	plain, marked := true, false // host characters alone; a mark that other parts begin with
	for i := range len(s) {
		c := s[i]
		switch {
		case isAlnum(c) || c == '.' || c == '-' || c == '_':
		case c == '@' || c == '/' || c == '?' || c == '#' || c == ':' || c >= utf8.RuneSelf:
			plain, marked = false, true
		default:
			plain = false
		}
	}
	if !plain && !marked {
		return false
	}
	if last := s[len(s)-1]; plain && !isDigit(last) {
		return 'a' <= last && last <= 'z' && isHost(s)
	} else if plain && strings.Count(s, ".") != 3 {
		return false // a number, and no address of version 4
	}
	m := t.url.FindStringSubmatchIndex(s)
	if m == nil {
		return false
	}
	if m[2] < 0 {
		return true
	}
	return !isPrivate(s[m[2]:m[3]])
}

// isHost reports whether s, of host characters alone, is a domain name: labels
// of 1 to 64 characters that begin and end with a letter or digit, and a last
// one of 2 to 63 lower-case letters.
func isHost(s string) bool {
	for {
		label, rest, more := strings.Cut(s, ".")
		if !more {
			return len(s) >= 2 && len(s) <= 63 && strings.IndexFunc(s, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
		}
		if label == "" || len(label) > 64 || !isAlnum(label[0]) || !isAlnum(label[len(label)-1]) {
			return false
		}
		s = rest
	}
}

// isPrivate reports the addresses of private networks, which the rules do not
// take for addresses.
func isPrivate(ip string) bool {
	for _, p := range []string{"10.", "127.", "169.254.", "192.168."} {
		if strings.HasPrefix(ip, p) {
			return true
		}
	}
	if rest, ok := strings.CutPrefix(ip, "172."); ok {
		second, _, _ := strings.Cut(rest, ".")
		n, err := strconv.Atoi(second)
		return err == nil && 16 <= n && n <= 31
	}
	return false
}
