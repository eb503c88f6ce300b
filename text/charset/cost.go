package charset

import (
	"math"
	"unicode"
	"unicode/utf8"
)

// Costs in 1/16 nat. What a character beyond the lists costs follows from their
// tails; the rest were set by hand on the texts that the lists were made from.
const (
	costASCII     = 16 * 3
	costMark      = 16 * 5  // full-width punctuation
	costUnlisted  = 16 * 11 // a letter that is in no list
	costOther     = 16 * 13 // symbols, private use, other scripts
	costInvalid   = 16 * 20
	costAccent    = 16 * 5 // an accented letter within a Latin word
	costHigh      = 16 * 9 // the same elsewhere
	costQuote     = 16 * 6 // typographic quotes and dashes in Latin text
	bonusDeclared = 16 * 14
)

// ranks maps the characters of one language to costs.
type ranks map[rune]int32

// script is a language's list, as ranks.
func script(list string) ranks {
	m := make(ranks, utf8.RuneCountInString(list))
	n := 0
	for _, r := range list {
		if _, found := m[r]; !found {
			m[r] = rankCost(n)
			n++
		}
	}
	return m
}

// rankCost is -ln p of the character of a rank, with p ~ 1/(rank+10), which sums
// to 1 over some 3000 characters.
func rankCost(rank int) int32 {
	const offset, norm = 10, 1.75
	return int32(math.Round(16 * (math.Log(float64(rank+offset)) + norm)))
}

var (
	simplified  = script(listHans)
	traditional = script(listHant)
	japaneseSet = script(listJa)
	koreanSet   = script(listKo)
)

// candidates are tried in this order; of equal costs the first wins.
var candidates = []struct {
	enc   Encoding
	ranks ranks
}{
	{GB18030, simplified}, {GB18030, traditional}, {Big5, traditional}, {ShiftJIS, japaneseSet}, {EUCJP, japaneseSet}, {EUCKR, koreanSet},
}

// cheapest returns the encoding that makes the likeliest text of a sample that
// is not UTF-8.
func cheapest(s []byte, declared Encoding) Encoding {
	best, least := Windows1252, latinCost(s, Windows1252)
	if declared == best {
		least -= bonusDeclared
	}
	for _, c := range candidates {
		cost := eastCost(s, c.enc, c.ranks)
		if c.enc == declared {
			cost -= bonusDeclared
		}
		if cost < least {
			best, least = c.enc, cost
		}
	}
	switch declared {
	case "", UTF8, UTF16LE, UTF16BE, best, GB18030, Big5, ShiftJIS, EUCJP, EUCKR, Windows1252:
		return best
	}
	if cost := latinCost(s, declared) - bonusDeclared; cost < least {
		return declared
	}
	return best
}

// eastCost sums the costs of a sample as text of a multi-byte encoding.
func eastCost(s []byte, enc Encoding, r ranks) int64 {
	out, err := decoder(enc).NewDecoder().Bytes(s)
	if err != nil {
		return math.MaxInt64 / 2
	}
	sum := int64(0)
	for i := 0; i < len(out); {
		if out[i] < utf8.RuneSelf {
			sum += costASCII
			i++
			continue
		}
		c, size := utf8.DecodeRune(out[i:])
		i += size
		if c == utf8.RuneError && i < len(out) { // at the end, a character is cut off
			sum += costInvalid
			continue
		}
		sum += int64(runeCost(c, r))
	}
	return sum
}

func runeCost(c rune, r ranks) int32 {
	if cost, ok := r[c]; ok {
		return cost
	}
	switch {
	case c == utf8.RuneError:
		return costMark
	case 0x3000 <= c && c <= 0x3011, 0xFF01 <= c && c <= 0xFF5E, 0x2014 <= c && c <= 0x2026:
		return costMark
	case unicode.Is(unicode.Han, c), unicode.Is(unicode.Hangul, c), unicode.Is(unicode.Hiragana, c),
		0x30A1 <= c && c <= 0x30FC:
		return costUnlisted
	}
	return costOther
}

// latinCost sums the costs of a sample in a single-byte encoding. What carries
// the evidence is where the bytes beyond ASCII stand: in words of Latin letters.
func latinCost(s []byte, enc Encoding) int64 {
	sum := int64(0)
	d := decoder(enc).NewDecoder()
	foreign := enc != Windows1252 // Cyrillic, Greek and the like: declared only
	for i, c := range s {
		if c < utf8.RuneSelf {
			sum += costASCII
			continue
		}
		out, err := d.Bytes(s[i : i+1])
		r, _ := utf8.DecodeRune(out)
		switch {
		case err != nil || r == utf8.RuneError || unicode.IsControl(r):
			sum += costInvalid
		case unicode.IsLetter(r) && (foreign || inWord(s, i)):
			sum += costAccent
		case 0x2013 <= r && r <= 0x2026, r == '«', r == '»', r == 0xA0, r == '©', r == '°', r == '€', r == '®', r == '§':
			sum += costQuote
		default:
			sum += costHigh
		}
	}
	return sum
}

// inWord reports a byte within two bytes of an ASCII letter, in a run of at
// most two bytes beyond ASCII.
func inWord(s []byte, i int) bool {
	from, to := i, i+1
	for from > 0 && s[from-1] >= utf8.RuneSelf && i-from < 3 {
		from--
	}
	for to < len(s) && s[to] >= utf8.RuneSelf && to-i < 3 {
		to++
	}
	letter := func(j int) bool {
		return j >= 0 && j < len(s) && 'a' <= s[j]|0x20 && s[j]|0x20 <= 'z'
	}
	return to-from <= 2 && (letter(from-1) || letter(to))
}

// wide recognises UTF-16 without a byte order mark, or returns "". Text in it
// has bytes 0 at one parity (ASCII), or Han characters that are frequent.
func wide(b []byte) Encoding {
	const least = 4
	s := b[:min(len(b), sampleSize)&^1]
	if len(s) < least {
		return ""
	}
	var zero [2]int
	for i, c := range s {
		if c == 0 {
			zero[i&1]++
		}
	}
	units := len(s) / 2
	switch {
	case zero[1]*4 >= units && zero[0]*20 <= zero[1]:
		return UTF16LE
	case zero[0]*4 >= units && zero[1]*20 <= zero[0]:
		return UTF16BE
	case len(b)%2 != 0 && len(b) < sampleSize, utf8.Valid(b):
		return "" // Han characters alone are weaker evidence than zeros
	}
	for _, enc := range []Encoding{UTF16LE, UTF16BE} {
		if isWide(s, enc) {
			return enc
		}
	}
	return ""
}

// isWide reports whether four of five units are characters of the lists among
// the first ranks, or frequent marks: among any Han characters one in eight is.
func isWide(s []byte, enc Encoding) bool {
	good, units := 0, len(s)/2
	frequent := rankCost(2500)
	for i := 0; i < len(s); i += 2 {
		r := rune(s[i]) | rune(s[i+1])<<8
		if enc == UTF16BE {
			r = rune(s[i+1]) | rune(s[i])<<8
		}
		ok := r == '\n' || r == '\r' || ' ' <= r && r < 0x7F || 0x3000 <= r && r <= 0x3011 || 0xFF01 <= r && r <= 0xFF5E ||
			0x2010 <= r && r <= 0x2026 || 0x2190 <= r && r <= 0x2193
		for _, list := range []ranks{simplified, traditional, japaneseSet, koreanSet} {
			cost, found := list[r]
			ok = ok || found && cost <= frequent
		}
		if ok {
			good++
		}
	}
	return 5*good >= 4*units
}
