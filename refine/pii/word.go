package pii

import (
	"net/netip"
	"strings"
)

// maxLocal and maxDomain bound an address (RFC 5321).
const (
	maxLocal  = 64
	maxDomain = 255
)

// notDomains end names that look like addresses: pictures for dense screens and
// files of the Web (logo@2x.png).
var notDomains = map[string]bool{
	"png": true, "jpg": true, "jpeg": true, "gif": true, "svg": true, "webp": true, "css": true, "js": true, "json": true, "html": true,
}

// atEmail looks for an address around the @ at i. floor is where it may begin.
func atEmail(s string, i, floor int) (Match, bool) {
	start := i
	for start > floor && i-start < maxLocal && isLocal(s[start-1]) {
		start--
	}
	if start > floor && isLocal(s[start-1]) {
		return Match{}, false // longer than an address may be
	}
	for start < i && !isWord(s[start]) {
		start++
	}
	local := s[start:i]
	if local == "" || local == "git" || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return Match{}, false
	}
	end, label, dots := i+1, i+1, 0
	for end < len(s) && end-i <= maxDomain {
		c := s[end]
		if c == '.' && end > label && s[end-1] != '-' && end+1 < len(s) && class[s[end+1]]&(digit|letter) != 0 {
			dots++
			label = end + 1
		} else if class[c]&(digit|letter) == 0 && (c != '-' || end == label) {
			break
		}
		end++
	}
	for end > label && s[end-1] == '-' {
		end--
	}
	top := s[label:end]
	if dots == 0 || len(top) < 2 || end < len(s) && (s[end] == '_' || s[end] == '@') || notDomains[strings.ToLower(top)] {
		return Match{}, false
	}
	for k := range len(top) {
		if class[top[k]]&letter == 0 {
			return Match{}, false
		}
	}
	return Match{start, end, Email}, true
}

func isLocal(c byte) bool {
	return isWord(c) || c == '.' || c == '+' || c == '-' || c == '%'
}

// atIPv6 looks for a public address around the colon at i.
func atIPv6(s string, i, floor int) (Match, bool) {
	const most = 45 // characters of the longest form
	start := i
	for start > floor && i-start < 4 && isHex(s[start-1]) {
		start--
	}
	if start > floor && (isWord(s[start-1]) || s[start-1] == ':' || s[start-1] == '.') {
		return Match{}, false
	}
	end, colons := i, 0
	for end < len(s) && end-start < most && (isHex(s[end]) || s[end] == ':' || s[end] == '.') {
		if s[end] == ':' {
			colons++
		}
		end++
	}
	for end > i && (s[end-1] == '.' || s[end-1] == ':' && (end < 2 || s[end-2] != ':')) {
		end--
	}
	if colons < 2 || end < len(s) && isWord(s[end]) {
		return Match{}, false
	}
	a, err := netip.ParseAddr(s[start:end])
	if err != nil || !isPublic(a) {
		return Match{}, false
	}
	return Match{start, end, IP}, true
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// provinces are the first characters of plates.
const provinces = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

// atPlate looks for a plate whose second character is s[i]: a province, a
// letter, a dot or not, and five characters, or six for cars with new energy,
// among them one digit at least. I and O are not used.
func atPlate(s string, i, floor int) (Match, bool) {
	const wide = 3 // bytes of a province
	if i-wide < floor || s[i] == 'I' || !strings.Contains(provinces, s[i-wide:i]) {
		return Match{}, false
	}
	at := i + 1
	if rest := s[at:]; strings.HasPrefix(rest, "·") {
		at += len("·")
	} else if rest != "" && (rest[0] == ' ' || rest[0] == '-') {
		at++
	}
	begin, digits := at, 0
	for at < len(s) && at-begin < 7 && isWord(s[at]) {
		switch c := s[at]; {
		case isDigit(c):
			digits++
		case c == 'I' || c == 'O' || c < 'A' || c > 'Z':
			return Match{}, false
		}
		at++
	}
	size := at - begin
	if size == 4 && digits >= 2 { // 学 (learner), 警 (police), 挂 (trailer), 港, 澳
		for _, last := range []string{"学", "警", "挂", "港", "澳"} {
			if strings.HasPrefix(s[at:], last) {
				return Match{i - wide, at + len(last), Plate}, true
			}
		}
	}
	newEnergy := size == 6 && digits >= 4 && (s[begin] >= 'A' || s[at-1] >= 'A')
	if !(size == 5 && digits >= 1 && size-digits <= 2) && !newEnergy {
		return Match{}, false
	}
	return Match{i - wide, at, Plate}, true
}
