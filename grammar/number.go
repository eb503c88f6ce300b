package grammar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// decimal is a number of a schema: (-) whole.frac, whole without leading and frac
// without trailing zeros.
type decimal struct {
	neg         bool
	whole, frac string
}

// maxExponent bounds the digits that a number of a schema takes when written out.
const maxExponent = 400

// parseDecimal reads a JSON number exactly.
func parseDecimal(text string) (decimal, bool) {
	mantissa, exp, has := strings.Cut(strings.ToLower(text), "e")
	shift := 0
	if has {
		var err error
		if shift, err = strconv.Atoi(exp); err != nil || shift > maxExponent || shift < -maxExponent {
			return decimal{}, false
		}
	}
	mantissa, neg := strings.CutPrefix(mantissa, "-")
	whole, frac, _ := strings.Cut(mantissa, ".")
	for ; shift > 0; shift-- {
		if frac == "" {
			frac = "0"
		}
		whole, frac = whole+frac[:1], frac[1:]
	}
	for ; shift < 0; shift++ {
		if whole == "" {
			whole = "0"
		}
		whole, frac = whole[:len(whole)-1], whole[len(whole)-1:]+frac
	}
	d := decimal{neg, strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")}
	if d.whole == "" {
		d.whole = "0"
		d.neg = neg && d.frac != ""
	}
	return d, true
}

func (d decimal) zero() bool { return d.whole == "0" && d.frac == "" }

func (d decimal) rat() *big.Rat {
	r, _ := new(big.Rat).SetString(d.whole + "." + d.frac + "0") // well formed
	if d.neg {
		r.Neg(r)
	}
	return r
}

// canonicalNumber spells a number as encoders do.
func canonicalNumber(text string) (string, bool) {
	d, ok := parseDecimal(text)
	if !ok {
		return "", false
	}
	if d.frac == "" && len(d.whole) <= 20 {
		if d.neg {
			return "-" + d.whole, true
		}
		return d.whole, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return "", false
	}
	b, err := json.Marshal(f)
	return string(b), err == nil
}

// bound is a limit of a number.
type bound struct {
	decimal
	upper, open bool // open: the limit itself is not allowed
}

// holds reports whether the bound admits a number.
func (b bound) holds(x *big.Rat) bool {
	c := x.Cmp(b.rat())
	if b.upper {
		c = -c
	}
	return c > 0 || c == 0 && !b.open
}

// magnitude is what of a bound concerns numbers of one sign without it.
func (b bound) magnitude(neg bool) (m bound, all, none bool) {
	switch {
	case !neg && b.neg: // 0 and above against less than 0
		return m, !b.upper, b.upper
	case neg && !b.neg: // less than 0 against 0 and above
		return m, b.upper, !b.upper
	}
	m = b
	m.upper = b.upper != neg
	return m, false, false
}

// digitClasses tells apart what numbers without an exponent consist of.
var digitClasses = func() (classes [256]uint8) {
	for i := range 256 {
		switch b := byte(i); {
		case b == '.':
			classes[i] = 1
		case '0' <= b && b <= '9':
			classes[i] = 2 + b - '0'
		}
	}
	return
}()

// order is how the digits so far compare with a bound.
type order struct {
	n      int // digits of the part, up to one more than the bound's
	inFrac bool
	cmp    int8
}

// within accepts the digits of numbers that a bound without sign admits.
func (b bound) within(lim *limits) *dfa {
	verdict := func(s order) int8 {
		switch {
		case !s.inFrac && s.n < len(b.whole):
			return -1
		case !s.inFrac && s.n > len(b.whole):
			return 1
		case s.cmp != 0:
			return s.cmp
		case !s.inFrac && b.frac != "", s.inFrac && s.n < len(b.frac):
			return -1
		}
		return 0
	}
	return explore(lim, digitClasses, order{}, func(s order, c byte) (order, bool) {
		switch {
		case c == '.' && !s.inFrac:
			t := order{inFrac: true, cmp: s.cmp}
			if s.n != len(b.whole) {
				t.cmp = verdict(s)
			}
			return t, true
		case c < '0' || c > '9':
			return s, false
		}
		digits := b.whole
		if s.inFrac {
			digits = b.frac
		}
		other := byte('0')
		if s.n < len(digits) {
			other = digits[s.n]
		}
		if s.cmp == 0 && (s.inFrac || s.n < len(digits)) {
			s.cmp = int8(bytes.Compare([]byte{c}, []byte{other}))
		}
		s.n = min(s.n+1, len(digits)+1)
		return s, true
	}, func(s order) bool {
		v := verdict(s)
		if b.upper {
			v = -v
		}
		return v > 0 || v == 0 && !b.open
	})
}

// maxMultiple bounds the divisor of multipleOf, without its point.
const maxMultiple = 1 << 16

// multiples accepts the digits of multiples of a decimal, written with no more digits
// after the point than it has. ok is false where the divisor is too large.
func multiples(lim *limits, of decimal) (d *dfa, ok bool) {
	divisor, err := strconv.Atoi(of.whole + of.frac)
	if err != nil || divisor == 0 || divisor > maxMultiple {
		return nil, false
	}
	type state struct{ rest, frac int } // frac: digits after the point, -1 before it
	return explore(lim, digitClasses, state{0, -1}, func(s state, c byte) (state, bool) {
		switch {
		case c == '.':
			return state{s.rest, 0}, s.frac < 0
		case c < '0' || c > '9' || s.frac == len(of.frac):
			return s, false
		case s.frac >= 0:
			s.frac++
		}
		s.rest = (s.rest*10 + int(c-'0')) % divisor
		return s, true
	}, func(s state) bool {
		rest := s.rest
		for range len(of.frac) - max(s.frac, 0) {
			rest = rest * 10 % divisor
		}
		return rest == 0
	}), true
}

// numbers is what a schema says about numbers.
type numbers struct {
	integer  bool
	bounds   []bound
	divisors []divisor
}

type divisor struct {
	decimal
	pointer string
}

// holds reports whether a number is allowed.
func (c *numbers) holds(x *big.Rat) bool {
	if c.integer && !x.IsInt() {
		return false
	}
	for _, b := range c.bounds {
		if !b.holds(x) {
			return false
		}
	}
	for _, d := range c.divisors {
		if !new(big.Rat).Quo(x, d.rat()).IsInt() {
			return false
		}
	}
	return true
}

// addNumbers adds the numbers that are allowed.
func (c *numbers) addNumbers(n *nfa, from, to int32, t *texts) {
	switch {
	case len(c.bounds)+len(c.divisors) > 0:
	case c.integer:
		n.call(from, to, t.integer)
		return
	default:
		n.call(from, to, t.number)
		return
	}
	n.embed(from, to, c.digits(n.lim, false))
	minus := n.state()
	n.literal(from, minus, "-")
	n.embed(minus, to, c.digits(n.lim, true))
}

// digits accepts the allowed numbers of one sign, without it and without exponents.
func (c *numbers) digits(lim *limits, neg bool) *dfa {
	whole := maxWhole
	for _, b := range c.bounds {
		whole = max(whole, len(b.whole))
	}
	expr := fmt.Sprintf(`(0|[1-9][0-9]{0,%d})`, whole-1)
	if !c.integer {
		expr += fmt.Sprintf(`(\.[0-9]{1,%d})?`, maxFraction)
	}
	d := regexDFA(lim, expr, (*nfa).runes)
	if neg { // there is no -0
		d = intersect(lim, d, bound{decimal: decimal{whole: "0"}, open: true}.within(lim))
	}
	for _, b := range c.bounds {
		m, all, none := b.magnitude(neg)
		switch {
		case none:
			return &dfa{}
		case !all:
			d = intersect(lim, d, m.within(lim))
		}
	}
	for _, v := range c.divisors {
		m, ok := multiples(lim, v.decimal)
		if !ok {
			fail(v.pointer, "multipleOf", "a divisor of more than %d, its point left out, is not supported", maxMultiple)
		}
		d = intersect(lim, d, m)
	}
	return d
}

// regexDFA compiles an expression of ours.
func regexDFA(lim *limits, expr string, add addRunes) *dfa {
	re, err := parseRegex(expr)
	if err != nil {
		panic(err)
	}
	n := newNFA(lim)
	from, to := n.state(), n.state()
	n.regex(from, to, re, add)
	return n.determinize(from, to)
}
