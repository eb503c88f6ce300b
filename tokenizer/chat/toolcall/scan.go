package toolcall

// scanner checks one JSON object byte by byte.
type scanner struct {
	stack []byte // '{' and '[' that are open
	state scanState
	key   bool   // the string is a key
	hex   int    // digits of \u that are still to come
	rest  string // of a literal
}

type scanState int

const (
	wantObject scanState = iota
	wantValue
	wantValueOrEnd
	wantKey
	wantKeyOrEnd
	wantColon
	wantComma
	inString
	inEscape
	inHex
	inLiteral
	// The parts of a number, by what was last read.
	inMinus
	inZero
	inDigits
	inPoint
	inFraction
	inExponent
	inExponentSign
	inExponentDigits
)

// scanEvent is what a byte meant.
type scanEvent int

const (
	scanMore scanEvent = iota
	scanBad
	keyStart
	keyEnd
	valueStart
	stringEnd // of a value
	closed    // an object or array inside the outermost object
	scanDone  // the outermost object has ended
)

// maxDepth bounds how deep JSON may be nested.
const maxDepth = 128

// depth is how many objects and arrays are open.
func (s *scanner) depth() int { return len(s.stack) }

func (s *scanner) step(b byte) scanEvent {
	switch s.state {
	case inString:
		return s.inString(b)
	case inEscape:
		switch b {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			s.state = inString
		case 'u':
			s.state, s.hex = inHex, 4
		default:
			return scanBad
		}
		return scanMore
	case inHex:
		if !isHex(b) {
			return scanBad
		}
		if s.hex--; s.hex == 0 {
			s.state = inString
		}
		return scanMore
	case inLiteral:
		if b != s.rest[0] {
			return scanBad
		}
		if s.rest = s.rest[1:]; s.rest == "" {
			s.state = wantComma
		}
		return scanMore
	case inMinus, inZero, inDigits, inPoint, inFraction, inExponent, inExponentSign, inExponentDigits:
		return s.number(b)
	default:
	}
	if isSpace(b) {
		return scanMore
	}
	return s.token(b)
}

func (s *scanner) inString(b byte) scanEvent {
	switch {
	case b == '\\':
		s.state = inEscape
	case b < ' ':
		return scanBad
	case b == '"' && s.key:
		s.state = wantColon
		return keyEnd
	case b == '"':
		s.state = wantComma
		return stringEnd
	}
	return scanMore
}

// token takes a byte between strings, numbers and literals.
func (s *scanner) token(b byte) scanEvent {
	switch s.state {
	case wantObject:
		if b == '{' {
			return s.open(b)
		}
	case wantKey, wantKeyOrEnd:
		if b == '"' {
			s.state, s.key = inString, true
			return keyStart
		}
		if b == '}' && s.state == wantKeyOrEnd {
			return s.close(b)
		}
	case wantColon:
		if b == ':' {
			s.state = wantValue
			return scanMore
		}
	case wantValue, wantValueOrEnd:
		if b == ']' && s.state == wantValueOrEnd {
			return s.close(b)
		}
		return s.value(b)
	case wantComma:
		if b != ',' {
			return s.close(b)
		}
		s.state = wantValue
		if s.stack[len(s.stack)-1] == '{' {
			s.state = wantKey
		}
		return scanMore
	default:
	}
	return scanBad
}

func (s *scanner) value(b byte) scanEvent {
	switch b {
	case '{', '[':
		return s.open(b)
	case '"':
		s.state, s.key = inString, false
	case 't':
		s.state, s.rest = inLiteral, "true"[1:]
	case 'f':
		s.state, s.rest = inLiteral, "false"[1:]
	case 'n':
		s.state, s.rest = inLiteral, "null"[1:]
	case '-':
		s.state = inMinus
	case '0':
		s.state = inZero
	default:
		if !isDigit(b) {
			return scanBad
		}
		s.state = inDigits
	}
	return valueStart
}

func (s *scanner) open(b byte) scanEvent {
	if len(s.stack) == maxDepth {
		return scanBad
	}
	s.stack = append(s.stack, b)
	s.state = wantKeyOrEnd
	if b == '[' {
		s.state = wantValueOrEnd
	}
	return valueStart
}

func (s *scanner) close(b byte) scanEvent {
	top := len(s.stack) - 1
	if b != '}' && b != ']' || (s.stack[top] == '{') != (b == '}') {
		return scanBad
	}
	s.stack = s.stack[:top]
	s.state = wantComma
	if top == 0 {
		return scanDone
	}
	return closed
}

// number goes on with a number, or ends it and takes the byte behind it.
func (s *scanner) number(b byte) scanEvent {
	next, whole := s.state, true
	switch s.state {
	case inMinus:
		whole = false
		switch {
		case b == '0':
			next = inZero
		case isDigit(b):
			next = inDigits
		}
	case inZero, inDigits:
		switch {
		case s.state == inDigits && isDigit(b):
			return scanMore
		case b == '.':
			next = inPoint
		case b == 'e' || b == 'E':
			next = inExponent
		}
	case inPoint, inFraction:
		whole = s.state == inFraction
		switch {
		case isDigit(b) && whole:
			return scanMore
		case isDigit(b):
			next = inFraction
		case whole && (b == 'e' || b == 'E'):
			next = inExponent
		}
	case inExponent, inExponentSign:
		whole = false
		switch {
		case isDigit(b):
			next = inExponentDigits
		case s.state == inExponent && (b == '+' || b == '-'):
			next = inExponentSign
		}
	default: // inExponentDigits
		if isDigit(b) {
			return scanMore
		}
	}
	switch {
	case next != s.state:
		s.state = next
		return scanMore
	case !whole:
		return scanBad
	}
	s.state = wantComma
	return s.step(b)
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func isHex(b byte) bool {
	return isDigit(b) || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// isName reports whether b may stand in the name of a function.
func isName(b byte) bool {
	return isDigit(b) || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '_' || b == '-' || b == '.'
}
