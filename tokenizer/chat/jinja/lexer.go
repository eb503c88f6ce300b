package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokData
	tokBlockBegin
	tokBlockEnd
	tokVarBegin
	tokVarEnd
	tokName
	tokString
	tokInt
	tokFloat
	tokOp // the operator is the token's text
)

type token struct {
	kind tokenKind
	text string // the value: unescaped for strings, without "_" for numbers
	line int
}

// describe names a token the way Jinja's messages do.
func (t token) describe() string {
	switch t.kind {
	case tokEOF:
		return "end of template"
	case tokData:
		return "template data / text"
	case tokBlockBegin:
		return "begin of statement block"
	case tokBlockEnd:
		return "end of statement block"
	case tokVarBegin:
		return "begin of print statement"
	case tokVarEnd:
		return "end of print statement"
	case tokString:
		return "string"
	case tokInt:
		return "integer"
	case tokFloat:
		return "float"
	default:
		return t.text
	}
}

// lexer splits a template into tokens with trim_blocks and lstrip_blocks on,
// as Hugging Face renders chat templates.
type lexer struct {
	src       string
	pos       int
	line      int // line of counted
	counted   int // bytes of src whose newlines are in line
	lineStart bool
	brackets  []byte // closing brackets still to come
	tokens    []token
}

// lex returns the tokens of a template, the last of kind tokEOF.
func lex(source string) ([]token, error) {
	source = strings.ReplaceAll(source, "\r\n", "\n")
	source = strings.ReplaceAll(source, "\r", "\n")
	source = strings.TrimSuffix(source, "\n")
	l := &lexer{src: source, line: 1, lineStart: true}
	for l.pos < len(l.src) {
		if err := l.root(); err != nil {
			return nil, atLine(err, l.lineAt(min(l.pos, len(l.src))))
		}
		if len(l.tokens) > maxTokens {
			return nil, atLine(fail(limitError, "the template has more than %d tokens", maxTokens), l.lineAt(l.pos))
		}
	}
	l.emit(tokEOF, "", len(l.src))
	return l.tokens, nil
}

func (l *lexer) emit(kind tokenKind, text string, at int) {
	l.tokens = append(l.tokens, token{kind, text, l.lineAt(at)})
}

// lineAt returns the line of an offset; offsets are asked for in rising order
// but for small steps back.
func (l *lexer) lineAt(at int) int {
	if at < l.counted {
		return l.line - strings.Count(l.src[at:l.counted], "\n")
	}
	l.line += strings.Count(l.src[l.counted:at], "\n")
	l.counted = at
	return l.line
}

// root reads text up to the next tag, and the tag.
func (l *lexer) root() error {
	start := l.pos
	open := nextTag(l.src, start)
	if open < 0 {
		l.emit(tokData, l.src[start:], start)
		l.pos = len(l.src)
		return nil
	}
	text, kind := l.src[start:open], l.src[open+1]
	l.pos = open + 2
	sign := l.sign()
	text = l.strip(text, sign, kind != '{')
	if text != "" {
		l.emit(tokData, text, start)
	}
	l.lineStart = false
	switch kind {
	case '#':
		return l.comment()
	case '%':
		if end, ok := rawBegin(l.src, l.pos); ok {
			return l.raw(end)
		}
		l.emit(tokBlockBegin, "", open)
		return l.code(tokBlockEnd)
	default:
		l.emit(tokVarBegin, "", open)
		return l.code(tokVarEnd)
	}
}

// nextTag returns the offset of the next "{{", "{%" or "{#", or -1.
func nextTag(src string, from int) int {
	for {
		i := strings.IndexByte(src[from:], '{')
		if i < 0 || from+i+1 >= len(src) {
			return -1
		}
		from += i
		switch src[from+1] {
		case '{', '%', '#':
			return from
		}
		from++
	}
}

// sign consumes a whitespace mark after a tag's opening.
func (l *lexer) sign() byte {
	if l.pos < len(l.src) && (l.src[l.pos] == '-' || l.src[l.pos] == '+') {
		l.pos++
		return l.src[l.pos-1]
	}
	return 0
}

// strip removes from text the whitespace that the following tag's mark, or
// lstrip_blocks, takes away.
func (l *lexer) strip(text string, sign byte, isBlock bool) string {
	switch {
	case sign == '-':
		return strings.TrimRightFunc(text, isSpace)
	case sign == '+' || !isBlock:
		return text
	}
	line := strings.LastIndexByte(text, '\n') + 1
	if (line > 0 || l.lineStart) && strings.TrimLeftFunc(text[line:], isSpace) == "" {
		return text[:line]
	}
	return text
}

// rawBegin reports whether a raw tag's name follows, and where its body starts.
func rawBegin(src string, pos int) (body int, ok bool) {
	pos = skipSpace(src, pos)
	if !strings.HasPrefix(src[pos:], "raw") {
		return 0, false
	}
	pos = skipSpace(src, pos+len("raw"))
	switch {
	case strings.HasPrefix(src[pos:], "-%}"):
		return skipSpace(src, pos+3), true
	case strings.HasPrefix(src[pos:], "%}"):
		return pos + 2, true
	}
	return 0, false
}

// raw reads the body of a raw block, which starts at body, up to its end tag.
func (l *lexer) raw(body int) error {
	l.lineStart = l.src[body-1] == '\n'
	for from := body; ; {
		i := strings.Index(l.src[from:], "{%")
		if i < 0 {
			return fail(SyntaxError, "Missing end of raw directive")
		}
		open := from + i
		l.pos = open + 2
		sign := l.sign()
		p := skipSpace(l.src, l.pos)
		if strings.HasPrefix(l.src[p:], "endraw") {
			p = skipSpace(l.src, p+len("endraw"))
			if end, ok := blockEnd(l.src, p, "%}", true); ok {
				if text := l.strip(l.src[body:open], sign, true); text != "" {
					l.emit(tokData, text, body)
				}
				l.finish(end)
				return nil
			}
		}
		from = open + 1
	}
}

// finish moves past a closing tag.
func (l *lexer) finish(end int) {
	l.pos = end
	l.lineStart = l.src[end-1] == '\n'
}

// comment skips a comment's body and end.
func (l *lexer) comment() error {
	i := strings.Index(l.src[l.pos:], "#}")
	if i < 0 {
		return fail(SyntaxError, "Missing end of comment tag")
	}
	at := l.pos + i
	if i > 0 && (l.src[at-1] == '-' || l.src[at-1] == '+') {
		at--
	}
	end, _ := blockEnd(l.src, at, "#}", true)
	l.finish(end)
	return nil
}

// blockEnd matches a closing tag with its whitespace mark; trim lets a plain
// one take the newline after it.
func blockEnd(src string, pos int, tag string, trim bool) (end int, ok bool) {
	rest := src[pos:]
	switch {
	case strings.HasPrefix(rest, tag):
		end = pos + len(tag)
		if trim && end < len(src) && src[end] == '\n' {
			end++
		}
		return end, true
	case strings.HasPrefix(rest, "-"+tag):
		return skipSpace(src, pos+1+len(tag)), true
	case trim && strings.HasPrefix(rest, "+"+tag):
		return pos + 1 + len(tag), true
	}
	return 0, false
}

// code reads the tokens of a statement or expression and its closing tag.
func (l *lexer) code(closing tokenKind) error {
	tag, trim := "%}", true
	if closing == tokVarEnd {
		tag, trim = "}}", false
	}
	l.brackets = l.brackets[:0]
	for l.pos < len(l.src) {
		if len(l.brackets) == 0 {
			if end, ok := blockEnd(l.src, l.pos, tag, trim); ok {
				l.emit(closing, "", l.pos)
				l.finish(end)
				return nil
			}
		}
		if err := l.codeToken(); err != nil {
			return err
		}
	}
	return nil
}

func (l *lexer) codeToken() error {
	start := l.pos
	c, _ := utf8.DecodeRuneInString(l.src[start:])
	switch {
	case isSpace(c):
		l.pos = skipSpace(l.src, start)
	case c >= '0' && c <= '9':
		l.number()
	case isNameRune(c):
		l.pos = len(l.src) - len(strings.TrimLeftFunc(l.src[start:], isNameRune))
		l.emit(tokName, l.src[start:l.pos], start)
	case c == '\'' || c == '"':
		return l.quoted(byte(c))
	default:
		return l.operator()
	}
	return nil
}

// number reads an integer or float. After a dot (x.0.1) a float is not looked
// for.
func (l *lexer) number() {
	start := l.pos
	rest := l.src[start:]
	kind, n := tokInt, integerLen(rest)
	if start == 0 || l.src[start-1] != '.' {
		if f := floatLen(rest); f > 0 {
			kind, n = tokFloat, f
		}
	}
	l.pos += n
	l.emit(kind, strings.ReplaceAll(rest[:n], "_", ""), start)
}

// digitsLen measures digits with single underscores between them.
func digitsLen(s string, isDigit func(byte) bool) int {
	n := 0
	for n < len(s) {
		switch {
		case isDigit(s[n]):
			n++
		case s[n] == '_' && n > 0 && n+1 < len(s) && isDigit(s[n+1]):
			n += 2
		default:
			return n
		}
	}
	return n
}

func isDecimal(c byte) bool { return c >= '0' && c <= '9' }

// integerLen measures a Python integer literal.
func integerLen(s string) int {
	if s[0] != '0' {
		return digitsLen(s, isDecimal)
	}
	if len(s) > 2 {
		var isDigit func(byte) bool
		switch s[1] | 0x20 {
		case 'b':
			isDigit = func(c byte) bool { return c == '0' || c == '1' }
		case 'o':
			isDigit = func(c byte) bool { return c >= '0' && c <= '7' }
		case 'x':
			isDigit = func(c byte) bool { return isDecimal(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
		}
		if isDigit != nil {
			body := s[2:]
			skip := 0
			if body[0] == '_' {
				skip = 1
			}
			if n := digitsLen(body[skip:], isDigit); n > 0 {
				return 2 + skip + n
			}
		}
	}
	return digitsLen(s, func(c byte) bool { return c == '0' })
}

// floatLen measures a float literal: a fraction, an exponent or both. 0 means
// that s does not start with one.
func floatLen(s string) int {
	n := digitsLen(s, isDecimal)
	hasFraction := false
	if n+1 < len(s) && s[n] == '.' && isDecimal(s[n+1]) {
		n += 1 + digitsLen(s[n+1:], isDecimal)
		hasFraction = true
	}
	if n < len(s) && s[n]|0x20 == 'e' {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if e < len(s) && isDecimal(s[e]) {
			return e + digitsLen(s[e:], isDecimal)
		}
	}
	if hasFraction {
		return n
	}
	return 0
}

// quoted reads a string literal.
func (l *lexer) quoted(quote byte) error {
	for i := l.pos + 1; i < len(l.src); i++ {
		switch l.src[i] {
		case '\\':
			i++
		case quote:
			text, err := unescape(l.src[l.pos+1 : i])
			if err != nil {
				return err
			}
			l.emit(tokString, text, l.pos)
			l.pos = i + 1
			return nil
		}
	}
	return fail(SyntaxError, "unexpected char %s at %d", reprString(string(quote)), l.pos)
}

const (
	twoByteOps = "// ** == != >= <="
	oneByteOps = "+-/*%~[](){}><=.:|,;"
)

func (l *lexer) operator() error {
	rest := l.src[l.pos:]
	var op string
	switch {
	case len(rest) > 1 && rest[1] != ' ' && strings.Contains(twoByteOps, rest[:2]):
		op = rest[:2]
	case strings.IndexByte(oneByteOps, rest[0]) >= 0:
		op = rest[:1]
	default:
		c, _ := utf8.DecodeRuneInString(rest)
		return fail(SyntaxError, "unexpected char %s at %d", reprString(string(c)), l.pos)
	}
	switch op {
	case "{":
		l.brackets = append(l.brackets, '}')
	case "(":
		l.brackets = append(l.brackets, ')')
	case "[":
		l.brackets = append(l.brackets, ']')
	case "}", ")", "]":
		if len(l.brackets) == 0 {
			return fail(SyntaxError, "unexpected '%s'", op)
		}
		want := l.brackets[len(l.brackets)-1]
		l.brackets = l.brackets[:len(l.brackets)-1]
		if op[0] != want {
			return fail(SyntaxError, "unexpected '%s', expected '%c'", op, want)
		}
	}
	l.emit(tokOp, op, l.pos)
	l.pos += len(op)
	return nil
}

func skipSpace(s string, pos int) int {
	return len(s) - len(strings.TrimLeftFunc(s[pos:], isSpace))
}

// isSpace is Python's str.isspace for one character, which regular
// expressions use too.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

func isNameRune(r rune) bool {
	return r == '_' || r < utf8.RuneSelf && (isDecimal(byte(r)) || r|0x20 >= 'a' && r|0x20 <= 'z') ||
		r >= utf8.RuneSelf && r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r))
}
