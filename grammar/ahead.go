package grammar

import "strings"

// lookahead is what must match, or must not, from the beginning of a text on.
type lookahead struct {
	expr string
	not  bool
}

// lookaheads takes those after the ^ that an expression begins with, as patterns of
// e-mail addresses and decimals have them, and returns the expression without them. There
// they are conditions on the whole text, which automata can meet; elsewhere they are not.
func lookaheads(expr string) (looks []lookahead, rest string) {
	rest, ok := strings.CutPrefix(expr, "^")
	if !ok {
		return nil, expr
	}
	for strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!") {
		end, _ := group(rest[1:])
		if end < 0 || strings.IndexAny(rest[end+2:], "*+?{") == 0 {
			return nil, expr
		}
		looks = append(looks, lookahead{rest[3 : end+1], rest[2] == '!'})
		rest = rest[end+2:]
	}
	// An alternative beside the ^ would be free of it.
	if _, alternatives := group(rest + ")"); alternatives {
		return nil, expr
	}
	return looks, "^" + rest
}

// group returns where the group ends inside of which s begins, below 0 if it does not, and
// whether it has alternatives.
func group(s string) (end int, alternatives bool) {
	depth, inClass := 0, false
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b == '\\':
			i++
		case inClass:
			inClass = b != ']'
		case b == '[':
			inClass = true
		case b == '(':
			depth++
		case b == '|' && depth == 0:
			alternatives = true
		case b == ')':
			if depth == 0 {
				return i, alternatives
			}
			depth--
		}
	}
	return -1, alternatives
}
