package pii

// Kind says what a match is.
type Kind uint8

// The kinds.
const (
	CNID       Kind = iota // a Chinese resident identity number (GB 11643-1999)
	BankCard               // a payment card number (ISO/IEC 7812)
	Mobile                 // a mobile number of mainland China
	Plate                  // a licence plate of mainland China (GA 36-2018)
	USCC                   // a unified social credit code (GB 32100-2015)
	Email                  // an e-mail address
	IP                     // a public IP address, version 4 or 6
	APIKey                 // a key or token of a known service
	PrivateKey             // a line of a private key in PEM
	kinds
)

// names are the kinds' in reports.
var names = [kinds]string{"cn-id", "bank-card", "mobile", "plate", "uscc", "email", "ip", "api-key", "private-key"}

// placeholders stand in for matches.
var placeholders = [kinds]string{
	"<CN_ID>", "<BANK_CARD>", "<MOBILE>", "<PLATE>", "<USCC>", "<EMAIL>", "<IP>", "<API_KEY>", "<PRIVATE_KEY>",
}

// Kinds returns all kinds.
func Kinds() []Kind {
	out := make([]Kind, kinds)
	for i := range out {
		out[i] = Kind(i)
	}
	return out
}

// String returns the kind's name in reports, such as "bank-card".
func (k Kind) String() string { return names[k] }

// Placeholder returns what stands in for a match of the kind.
func (k Kind) Placeholder() string { return placeholders[k] }

// Match is a span of a text, in bytes.
type Match struct {
	Start, End int
	Kind       Kind
}

// Classes of bytes: what they may begin, and what they are.
const (
	digit   = 1 << iota // 0-9
	letter              // A-Z a-z
	opener              // may begin a key, where a word begins
	upper               // may be the second character of a plate
	trigger             // @ : - are looked at wherever they stand
)

var class = func() (t [256]uint8) {
	for c := '0'; c <= '9'; c++ {
		t[c] |= digit
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] |= letter | upper
		t[c|0x20] |= letter
	}
	for _, c := range keyOpeners + "NY" {
		t[c] |= opener
	}
	t['@'] |= trigger
	t[':'] |= trigger
	t['-'] |= trigger
	return t
}()

// isWord reports an ASCII letter, digit or underscore: what must not touch a
// match.
func isWord(c byte) bool { return class[c]&(digit|letter) != 0 || c == '_' }

func isDigit(c byte) bool { return class[c]&digit != 0 }

// Scan appends the matches in s to dst, in order. It is safe for concurrent use
// and takes time in proportion to the length of s.
func Scan(dst []Match, s string) []Match {
	floor := 0 // the end of the last match
	prev := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x80 || class[c]&^letter == 0 { // most of a text
			prev = c
			continue
		}
		k := class[c]
		var m Match
		found := false
		switch {
		case c == '@':
			m, found = atEmail(s, i, floor)
		case c == ':':
			m, found = atIPv6(s, i, floor)
		case c == '-':
			var end int
			if dst, end = privateKey(dst, s, i); end > 0 {
				i, floor = end-1, end
				prev = c
				continue
			}
		case isWord(prev):
		case k&digit != 0:
			m, found = atNumber(s, i)
		default:
			if k&opener != 0 {
				m, found = atKey(s, i)
			}
			if !found && k&upper != 0 && prev >= 0x80 {
				m, found = atPlate(s, i, floor)
			}
		}
		if !found {
			prev = c
			continue
		}
		dst = append(dst, m)
		floor = m.End
		i = m.End - 1
		prev = s[i]
	}
	return dst
}
