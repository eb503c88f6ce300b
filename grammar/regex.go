package grammar

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"
)

// maxRegex bounds an expression in bytes.
const maxRegex = 1 << 14

// Regex matches the texts that the whole of an expression matches: an ECMA-262 or RE2
// expression without look-around, back-references and word boundaries. ^ and $ are the
// ends of the text.
func Regex(expr string) (g *Grammar, err error) {
	defer catch(&err)
	re, err := parseRegex(expr)
	if err != nil {
		return nil, err
	}
	n := newNFA(newLimits())
	start, end := n.state(), n.state()
	n.regex(start, end, re, (*nfa).runes)
	d := n.determinize(start, end).minimal(n.lim)
	if d.empty() {
		return nil, fmt.Errorf("regular expression %q: %w", expr, ErrUnsatisfiable)
	}
	return &Grammar{add: func(n *nfa, from, to int32) { n.embed(from, to, d) }}, nil
}

func parseRegex(expr string) (*syntax.Regexp, error) {
	if len(expr) > maxRegex {
		return nil, fmt.Errorf("regular expression of %d bytes is longer than %d", len(expr), maxRegex)
	}
	translated, err := translate(expr)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", expr, err)
	}
	re, err := syntax.Parse(translated, syntax.Perl)
	if err != nil {
		if bad, ok := errors.AsType[*syntax.Error](err); ok {
			return nil, fmt.Errorf("regular expression %q: %s: %q", expr, bad.Code, bad.Expr)
		}
		return nil, fmt.Errorf("regular expression %q: %w", expr, err)
	}
	if err := checkRegex(re); err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", expr, err)
	}
	return re, nil
}

// checkRegex refuses what an automaton over characters does not know.
func checkRegex(re *syntax.Regexp) error {
	switch re.Op {
	case syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return errors.New(`word boundaries (\b, \B) are not supported`)
	case syntax.OpBeginLine, syntax.OpEndLine:
		return errors.New("the flag m is not supported")
	default:
	}
	for _, sub := range re.Sub {
		if err := checkRegex(sub); err != nil {
			return err
		}
	}
	return nil
}

// ecmaSpace is the inside of ECMA-262's \s.
const ecmaSpace = `\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`

// ecmaNotSpace is that of \S.
const ecmaNotSpace = `\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}` +
	`\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`

// translate rewrites what ECMA-262 and RE2 spell differently, and refuses what RE2
// would read as something else.
func translate(expr string) (string, error) {
	var out strings.Builder
	inClass := false
	for i := 0; i < len(expr); i++ {
		b := expr[i]
		switch {
		case b == '\\' && i+1 < len(expr):
			text, n, err := translateEscape(expr[i:], inClass)
			if err != nil {
				return "", err
			}
			out.WriteString(text)
			i += n - 1
		case b == '[' && inClass:
			out.WriteString(`\[`) // in ECMA-262 a character as any other
		case b == '[' && strings.HasPrefix(expr[i:], "[]"):
			out.WriteString(`[^\x{0}-\x{10ffff}]`)
			i++
		case b == '[' && strings.HasPrefix(expr[i:], "[^]"):
			out.WriteString(`[\x{0}-\x{10ffff}]`)
			i += 2
		case b == '(' && !inClass && strings.HasPrefix(expr[i:], "(?"):
			for _, look := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
				if strings.HasPrefix(expr[i:], look) {
					return "", fmt.Errorf("look-around %q is not supported", look)
				}
			}
			out.WriteByte(b)
		default:
			inClass = b == '[' || inClass && b != ']'
			out.WriteByte(b)
		}
	}
	return out.String(), nil
}

// translateEscape returns RE2's spelling of the escape at the start of s and the
// number of bytes it took.
func translateEscape(s string, inClass bool) (string, int, error) {
	class := func(inside string) (string, int, error) {
		if inClass {
			return inside, 2, nil
		}
		return "[" + inside + "]", 2, nil
	}
	switch c := s[1]; {
	case c == 's':
		return class(ecmaSpace)
	case c == 'S':
		return class(ecmaNotSpace)
	case c == 'b' && inClass:
		return `\x08`, 2, nil
	case c == '0':
		return `\x{0}`, 2, nil
	case c == 'c' && len(s) > 2 && unicode.IsLetter(rune(s[2])):
		return fmt.Sprintf(`\x{%x}`, s[2]%32), 3, nil
	case c == 'u' && len(s) > 2 && s[2] == '{':
		if end := strings.IndexByte(s, '}'); end > 0 {
			return `\x` + s[2:end+1], end + 1, nil
		}
	case c == 'u' && len(s) >= 6:
		if v, err := strconv.ParseUint(s[2:6], 16, 16); err == nil {
			if v >= 0xd800 && v <= 0xdfff {
				return "", 0, fmt.Errorf("surrogate %q is not supported; write \\u{...}", s[:6])
			}
			return `\x{` + s[2:6] + "}", 6, nil
		}
	case '1' <= c && c <= '9', c == 'k':
		return "", 0, fmt.Errorf("back-reference %q is not supported", s[:2])
	case strings.IndexByte("AzCQE", c) >= 0:
		return "", 0, fmt.Errorf("escape %q is not supported", s[:2])
	}
	return s[:2], 2, nil
}

// addRunes adds the characters from lo to hi, as a text spells them.
type addRunes func(n *nfa, from, to int32, lo, hi rune)

// regex adds what re matches.
func (n *nfa) regex(from, to int32, re *syntax.Regexp, add addRunes) {
	switch re.Op {
	case syntax.OpNoMatch:
	case syntax.OpEmptyMatch:
		n.empty(from, to)
	case syntax.OpLiteral:
		n.letters(from, to, re, add)
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			add(n, from, to, re.Rune[i], re.Rune[i+1])
		}
	case syntax.OpAnyChar:
		add(n, from, to, 0, unicode.MaxRune)
	case syntax.OpAnyCharNotNL: // of ECMA-262, which has four ends of a line
		for _, r := range [][2]rune{{0, 9}, {0xb, 0xc}, {0xe, 0x2027}, {0x202a, unicode.MaxRune}} {
			add(n, from, to, r[0], r[1])
		}
	case syntax.OpBeginText:
		n.edge(from, edge{kind: edgeBegin, to: to})
	case syntax.OpEndText:
		n.edge(from, edge{kind: edgeEnd, to: to})
	case syntax.OpCapture:
		n.regex(from, to, re.Sub[0], add)
	case syntax.OpStar:
		n.repeat(from, to, sub(re, add), 0, -1)
	case syntax.OpPlus:
		n.repeat(from, to, sub(re, add), 1, -1)
	case syntax.OpQuest:
		n.repeat(from, to, sub(re, add), 0, 1)
	case syntax.OpRepeat:
		n.repeat(from, to, sub(re, add), re.Min, re.Max)
	case syntax.OpConcat:
		for _, s := range re.Sub {
			at := n.state()
			n.regex(from, at, s, add)
			from = at
		}
		n.empty(from, to)
	case syntax.OpAlternate:
		for _, s := range re.Sub {
			in, out := n.state(), n.state()
			n.empty(from, in)
			n.regex(in, out, s, add)
			n.empty(out, to)
		}
	default: // what checkRegex refused
	}
}

func sub(re *syntax.Regexp, add addRunes) part {
	return func(n *nfa, from, to int32) {
		in, out := n.state(), n.state()
		n.empty(from, in)
		n.regex(in, out, re.Sub[0], add)
		n.empty(out, to)
	}
}

// letters adds a literal, in either case where the flag i says so.
func (n *nfa) letters(from, to int32, re *syntax.Regexp, add addRunes) {
	for _, r := range re.Rune {
		at := n.state()
		add(n, from, at, r, r)
		if re.Flags&syntax.FoldCase != 0 {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				add(n, from, at, f, f)
			}
		}
		from = at
	}
	n.empty(from, to)
}
