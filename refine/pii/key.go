package pii

import "strings"

// keyForm is the form of a service's keys: a prefix and then least to most
// characters of an alphabet. A most of 0 means no bound.
type keyForm struct {
	prefix      string
	alphabet    func(byte) bool
	least, most int
}

// keyForms are as the services document them. The longer prefix comes first.
var keyForms = []keyForm{
	{"AKIA", isUpperDigit, 16, 16}, // Amazon Web Services
	{"ASIA", isUpperDigit, 16, 16},
	{"AKID", isAlnum, 32, 32},   // Tencent Cloud
	{"AIza", isURLSafe, 35, 35}, // Google
	{"LTAI", isAlnum, 12, 26},   // Alibaba Cloud
	{"SG.", isDotted, 66, 66},   // SendGrid
	{"eyJ", isDotted, 60, 0},    // JSON Web Token
	{"github_pat_", isWord, 82, 82},
	{"ghp_", isAlnum, 36, 36},
	{"gho_", isAlnum, 36, 36},
	{"ghu_", isAlnum, 36, 36},
	{"ghs_", isAlnum, 36, 36},
	{"ghr_", isAlnum, 36, 76},
	{"glpat-", isURLSafe, 20, 0}, // GitLab
	{"hf_", isAlnum, 34, 40},     // Hugging Face
	{"npm_", isAlnum, 36, 36},
	{"rk_live_", isAlnum, 24, 0}, // Stripe
	{"sk_live_", isAlnum, 24, 0},
	{"sk-", isURLSafe, 32, 0},   // OpenAI, Anthropic, DeepSeek and others
	{"xoxa-", isURLSafe, 20, 0}, // Slack
	{"xoxb-", isURLSafe, 20, 0},
	{"xoxp-", isURLSafe, 20, 0},
	{"xoxr-", isURLSafe, 20, 0},
	{"xoxs-", isURLSafe, 20, 0},
}

// keyOpeners are the first characters of the forms.
const keyOpeners = "ALSeghnrsx"

func isAlnum(c byte) bool      { return class[c]&(digit|letter) != 0 }
func isUpperDigit(c byte) bool { return isDigit(c) || 'A' <= c && c <= 'Z' }
func isURLSafe(c byte) bool    { return isWord(c) || c == '-' }
func isDotted(c byte) bool     { return isURLSafe(c) || c == '.' }

// atKey looks for a key, or for a code that begins with a letter, at s[i], where
// a word begins.
func atKey(s string, i int) (Match, bool) {
	if c := s[i]; c == 'A' || c == 'N' || c == 'Y' {
		if m, ok := atUSCC(s, i); ok {
			return m, true
		}
	}
	for f := range keyForms {
		form := &keyForms[f]
		if form.prefix[0] != s[i] || !strings.HasPrefix(s[i:], form.prefix) {
			continue
		}
		start := i + len(form.prefix)
		end := start
		for end < len(s) && form.alphabet(s[end]) {
			end++
		}
		for end > start && (s[end-1] == '.' || s[end-1] == '-') { // of the sentence
			end--
		}
		if n := end - start; n < form.least || form.most > 0 && n > form.most || end < len(s) && isWord(s[end]) {
			return Match{}, false
		}
		if !isRandom(s[start:end]) || form.prefix == "eyJ" && strings.Count(s[start:end], ".") != 2 {
			return Match{}, false
		}
		return Match{i, end, APIKey}, true
	}
	return Match{}, false
}

// isRandom tells keys from what stands for them in manuals (sk-xxxx, my-own-key):
// it wants two digits, and more different characters than a word has.
func isRandom(s string) bool {
	var seen [256]bool
	digits, different := 0, 0
	for i := range len(s) {
		if isDigit(s[i]) {
			digits++
		}
		if !seen[s[i]] {
			seen[s[i]] = true
			different++
		}
	}
	return digits >= 2 && different >= 10
}

// maxPEM bounds the bytes of a private key.
const maxPEM = 32 << 10

// privateKey appends a match for each line of the private key in PEM whose head
// begins at s[i], and returns where the key ends; 0 says that there is none.
func privateKey(dst []Match, s string, i int) ([]Match, int) {
	const begin, tail = "-----BEGIN ", "PRIVATE KEY-----"
	if !strings.HasPrefix(s[i:], begin) {
		return dst, 0
	}
	s = s[:min(len(s), i+maxPEM)]
	head := i + len(begin)
	stop := strings.Index(s[head:min(len(s), head+40)], tail)
	if stop < 0 {
		return dst, 0
	}
	at := head + stop + len(tail)
	size := strings.Index(s[at:], "-----END ")
	if size <= 0 {
		return dst, 0
	}
	end := at + size
	for line := range strings.Lines(s[at:end]) {
		body := strings.TrimSpace(line)
		if body != "" {
			from := at + strings.Index(line, body)
			dst = append(dst, Match{from, from + len(body), PrivateKey})
		}
		at += len(line)
	}
	return dst, end
}
