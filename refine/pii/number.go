package pii

import (
	"net/netip"
	"strconv"
	"strings"
)

const (
	// maxNumber is more digits than any number here has.
	maxNumber = 20
	maxGroups = 6
)

// number is what a run of digits begins: groups of digits with one and the same
// separator between them, a space or a hyphen.
type number struct {
	digits [maxNumber]byte // values 0 to 9, of all groups
	starts [maxGroups]int  // of groups, in the text
	ends   [maxGroups]int
	counts [maxGroups]int // digits up to the end of each group
	groups int
	cut    bool // it goes on past the last group that is held
}

// readNumber reads the number at s[i:], a digit.
func readNumber(s string, i int) (n number) {
	sep := byte(0)
	count := 0
	for {
		if n.groups == maxGroups {
			n.cut = true
			return n
		}
		n.starts[n.groups] = i
		for i < len(s) && isDigit(s[i]) {
			if count < maxNumber {
				n.digits[count] = s[i] - '0'
			}
			count++
			i++
		}
		n.ends[n.groups], n.counts[n.groups] = i, count
		n.groups++
		if count > maxNumber || i+1 >= len(s) || s[i] != ' ' && s[i] != '-' || !isDigit(s[i+1]) || sep != 0 && s[i] != sep {
			return n
		}
		sep = s[i]
		i++
	}
}

// atNumber looks at the digit s[i], before which no word stands.
func atNumber(s string, i int) (Match, bool) {
	if m, ok := atIPv4(s, i); ok {
		return m, true
	}
	if m, ok := atUSCC(s, i); ok {
		return m, true
	}
	if i > 0 && s[i-1] == '.' && i > 1 && isDigit(s[i-2]) { // the decimals of a number
		return Match{}, false
	}
	n := readNumber(s, i)
	if n.counts[0] > maxNumber {
		return Match{}, false
	}
	// A number before, with a separator that groups have, makes this its tail.
	least := n.groups
	if i >= 2 && isDigit(s[i-2]) {
		switch s[i-1] {
		case '-':
			return Match{}, false
		case ' ':
			least = 1
		}
	}
	// The longest reading first: a grouped number is more than its first group.
	for g := min(n.groups, least) - 1; g >= 0; g-- {
		count := n.counts[g]
		if count > maxNumber || g == n.groups-1 && n.cut {
			continue
		}
		end := n.ends[g]
		if count == 17 && end < len(s) && s[end]|0x20 == 'x' && ends(s, end+1, g > 0) {
			if n.shape(g, 17, 6, 14) && isCNID(n.digits[:17], 10) {
				return Match{i, end + 1, CNID}, true
			}
			continue
		}
		if count < 11 || !ends(s, end, g > 0) {
			continue
		}
		digits := n.digits[:count]
		switch {
		case count == 18 && n.shape(g, 18, 6, 14) && isCNID(digits[:17], digits[17]):
			return Match{i, end, CNID}, true
		case count <= 15 && g <= 3 && n.isMobile(g):
			return Match{i, end, Mobile}, true
		case count >= 13 && count <= 19 && n.cardShape(g) && isCard(digits):
			return Match{i, end, BankCard}, true
		}
	}
	return Match{}, false
}

// ends reports whether a number may end at s[:end]: no word, decimals or, where
// it has groups, further groups follow.
func ends(s string, end int, grouped bool) bool {
	if end >= len(s) {
		return true
	}
	if isWord(s[end]) || s[end] == '@' { // an address begins with it
		return false
	}
	more := end+1 < len(s) && isDigit(s[end+1])
	return !more || s[end] != '.' && s[end] != '-' && (!grouped || s[end] != ' ')
}

// shape reports whether the first groups up to g are one, or end after a and b
// digits on the way to all.
func (n *number) shape(g, all, a, b int) bool {
	return g == 0 || g == 2 && n.counts[0] == a && n.counts[1] == b && n.counts[2] == all
}

// cardShape reports groups of four with a shorter or equal one at the end, or
// four, six and five, or one group.
func (n *number) cardShape(g int) bool {
	if g == 0 || g == 2 && n.counts[0] == 4 && n.counts[1] == 10 && n.counts[2] == 15 {
		return true
	}
	for i := range g {
		if n.counts[i] != 4*(i+1) {
			return false
		}
	}
	return g >= 3 && n.counts[g] <= 4*(g+1)
}

// isCNID checks the 17 digits and the check value of an identity number: its
// region, its date and its check digit (GB 11643-1999: weights 2^(17-i) mod 11).
func isCNID(d []byte, check byte) bool {
	if !isRegion(d) || !isDate(d[6:14]) {
		return false
	}
	sum := 0
	for i, w := range [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += w * int(d[i])
	}
	return int(check) == (12-sum%11)%11
}

// cityRanges holds for each province the cities, prefectures and the like that
// its counties are or were numbered under (GB/T 2260, all editions).
const cityRanges = `
11: 1-2
12: 1-2
13: 1-11 21-30 90
14: 1-11 21-27 90
15: 1-9 21-29
21: 1-14 21-22 90
22: 1-8 21-26 90
23: 1-12 21-27 90
31: 1-2
32: 1-13 21-27 90
33: 1-11 21-28 90
34: 1-18 21-29
35: 1-9 21-27 90
36: 1-11 21-26
37: 1-17 21-29 90
41: 1-17 21-30 90
42: 1-3 5-13 21-29 90
43: 1-13 21-31 90
44: 1-9 12-18 21-29 51-53 90
45: 1-14 21-28
46: 1-3 90
50: 1-3
51: 1-39 90
52: 1-6 21-27
53: 1 3-9 21-35
54: 1-6 21-27
61: 1-10 21-27
62: 1 3-12 21-30
63: 1-2 21-28
64: 1-5 21-22
65: 1-2 4-5 21-32 40-43 90`

// cities are the first four digits of the regions that there are.
var cities = readCities()

func readCities() *[10000]bool {
	t := new([10000]bool)
	for row := range strings.Lines(strings.TrimSpace(cityRanges)) {
		province, list, _ := strings.Cut(row, ":")
		p, _ := strconv.Atoi(province) // as written above
		for span := range strings.FieldsSeq(list) {
			from, to, ranged := strings.Cut(span, "-")
			a, _ := strconv.Atoi(from)
			b := a
			if ranged {
				b, _ = strconv.Atoi(to)
			}
			for c := a; c <= b; c++ {
				t[100*p+c] = true
			}
		}
	}
	return t
}

// isProvince reports whether two digits begin a region.
func isProvince(a, b byte) bool {
	p := 10*int(a) + int(b)
	return cities[100*p+1] || isIsland(p)
}

// isIsland reports Taiwan, Hong Kong and Macao, and the number on cards of
// residents from Taiwan: regions without counties.
func isIsland(province int) bool {
	return province == 71 || province >= 81 && province <= 83
}

// isRegion reports whether six digits can be the number of a county that there
// is or was.
func isRegion(d []byte) bool {
	city, county := 10*(10*(10*int(d[0])+int(d[1]))+int(d[2]))+int(d[3]), 10*d[4]+d[5]
	if isIsland(city / 100) {
		return city%100 == 0 && county == 0
	}
	return cities[city] && county != 0
}

// isDate reports whether eight digits are a day of the years 1900 to 2039.
func isDate(d []byte) bool {
	year := 1000*int(d[0]) + 100*int(d[1]) + 10*int(d[2]) + int(d[3])
	month, day := 10*d[4]+d[5], 10*d[6]+d[7]
	if year < 1900 || year > 2039 || month < 1 || month > 12 || day < 1 {
		return false
	}
	last := [13]byte{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month]
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		last = 29
	}
	return day <= last
}

// isCard checks issuer, length and check digit of a card number.
func isCard(d []byte) bool {
	sum := 0
	for i, v := range d {
		if (len(d)-i)%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += int(v)
	}
	return sum%10 == 0 && isIssuer(d)
}

// isIssuer reports whether a card number begins like those of a scheme and has
// its length (ISO/IEC 7812; ranges as the schemes publish them).
func isIssuer(d []byte) bool {
	two := int(d[0])*10 + int(d[1])
	four := two*100 + int(d[2])*10 + int(d[3])
	n := len(d)
	switch {
	case two == 62: // UnionPay; 17 and 18 digits exist and are rarer than chance hits
		return n == 16 || n == 19
	case d[0] == 4: // Visa
		return n == 13 || n == 16 || n == 19
	case two >= 51 && two <= 55, four >= 2221 && four <= 2720: // Mastercard
		return n == 16
	case two == 34, two == 37: // American Express
		return n == 15
	case four >= 3528 && four <= 3589, four == 6011, two == 65, four >= 6440 && four <= 6499: // JCB, Discover
		return n >= 16
	case two == 36, two == 38, four >= 3000 && four <= 3059: // Diners Club
		return n == 14
	case four == 9558, four == 9559, four == 6013: // debit cards of Chinese banks from before UnionPay's range
		return n == 19 || n == 16
	}
	return false
}

// isMobile reports whether the groups up to g are a mobile number, bare or with
// the country's code.
func (n *number) isMobile(g int) bool {
	from, count := 0, n.counts[g]
	d := n.digits[:count]
	switch {
	case count == 13 && d[0] == 8 && d[1] == 6:
		from = 2
	case count == 15 && d[0] == 0 && d[1] == 0 && d[2] == 8 && d[3] == 6:
		from = 4
	case count != 11:
		return false
	}
	if !isMobilePrefix(d[from], d[from+1], d[from+2]) {
		return false
	}
	// Groups end after the code and after three and seven digits of the number.
	for i := range g {
		if at := n.counts[i] - from; at != 0 && at != 3 && at != 7 {
			return false
		}
	}
	return true
}

// mobilePrefixes holds for each second digit of a mobile number the third ones
// that have been given out (MIIT, 2023).
var mobilePrefixes = [10]string{
	3: "0123456789", 4: "56789", 5: "012356789", 6: "2567", 7: "0123456789", 8: "0123456789", 9: "012356789",
}

func isMobilePrefix(a, b, c byte) bool {
	return a == 1 && strings.IndexByte(mobilePrefixes[b], '0'+c) >= 0
}

// atIPv4 looks for a public address at s[i]. One of single digits only is taken
// for the number of a section or version.
func atIPv4(s string, i int) (Match, bool) {
	if i > 0 && (s[i-1] == '.' || s[i-1] == '-') && i > 1 && isWord(s[i-2]) {
		return Match{}, false
	}
	at, long := i, false
	var octets [4]byte
	for o := range octets {
		v, n := 0, 0
		for at < len(s) && isDigit(s[at]) && n < 4 {
			v, n, at = 10*v+int(s[at]-'0'), n+1, at+1
		}
		if n == 0 || n > 3 || v > 255 || n > 1 && s[at-n] == '0' {
			return Match{}, false
		}
		long = long || n > 1
		octets[o] = byte(v)
		if o == 3 {
			break
		}
		if at >= len(s) || s[at] != '.' {
			return Match{}, false
		}
		at++
	}
	if at < len(s) && (isWord(s[at]) || s[at] == '.' && at+1 < len(s) && isDigit(s[at+1])) {
		return Match{}, false
	}
	if !long || !isPublic(netip.AddrFrom4(octets)) {
		return Match{}, false
	}
	return Match{i, at, IP}, true
}

// isPublic reports an address of a single host on the Internet.
func isPublic(a netip.Addr) bool {
	if a.Is6() && (a.As16()[0]&0xE0 != 0x20 || strings.HasPrefix(a.String(), "2001:db8:")) {
		return false // outside of global unicast, or documentation
	}
	if a.Is4() {
		b := a.As4()
		switch {
		case b[0] == 0, b[0] >= 240, b[0] == 100 && b[1]&0xC0 == 64,
			b[0] == 192 && b[1] == 0 && (b[2] == 0 || b[2] == 2), b[0] == 198 && b[1]&0xFE == 18,
			b[0] == 198 && b[1] == 51 && b[2] == 100, b[0] == 203 && b[1] == 0 && b[2] == 113:
			return false // reserved, shared, documentation, benchmarks
		}
	}
	return a.IsGlobalUnicast() && !a.IsPrivate()
}

// usccValues holds the value of each character of a unified social credit code
// plus 1; I, O, S, V and Z are not used (GB 32100-2015).
var usccValues = func() (t [256]byte) {
	for i, c := range "0123456789ABCDEFGHJKLMNPQRTUWXY" {
		t[c] = byte(i + 1)
	}
	return t
}()

// atUSCC looks for a code at s[i]: 18 characters, the registering department
// first, a region from the third on, and the check characters of the
// organization (GB 11714-1997) and of the whole.
func atUSCC(s string, i int) (Match, bool) {
	const size = 18
	if i+size > len(s) || strings.IndexByte("123456789ANY", s[i]) < 0 || i+size < len(s) && isWord(s[i+size]) {
		return Match{}, false
	}
	var v [size]int
	for k := range v {
		c := usccValues[s[i+k]]
		if c == 0 || k >= 2 && k < 8 && c > 10 {
			return Match{}, false
		}
		v[k] = int(c) - 1
	}
	if !isProvince(byte(v[2]), byte(v[3])) && s[i+2:i+8] != "100000" {
		return Match{}, false
	}
	organization, whole, weight := 0, 0, 1
	for k := range 17 {
		if k >= 8 && k < 16 {
			// Organization codes count letters in the Latin alphabet's own order.
			value := v[k]
			if c := s[i+k]; c >= 'A' {
				value = int(c-'A') + 10
			}
			organization += value * [8]int{3, 7, 9, 10, 5, 8, 4, 2}[k-8]
		}
		whole += v[k] * weight
		weight = weight * 3 % 31
	}
	check := (11 - organization%11) % 11
	if want := "0123456789X"[check]; s[i+16] != want || v[17] != (31-whole%31)%31 {
		return Match{}, false
	}
	return Match{i, i + size, USCC}, true
}
