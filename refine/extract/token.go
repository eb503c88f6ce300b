package extract

import (
	"html"
	"strings"

	"golang.org/x/net/html/atom"
)

// tokenizer cuts a page into tags and text as WHATWG HTML 13.2.5 does, in one
// pass whatever the page holds. What browsers tell apart and text does not
// need, such as kinds of doctypes, is not told apart.
type tokenizer struct {
	s   string
	pos int
	tag tag // of the last start or end tag
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenText
	tokenStart
	tokenClose
)

// tag is a start or end tag. Names of elements that HTML does not know have
// atom 0 and are told apart by their hash.
type tag struct {
	atom  atom.Atom
	name  uint32
	empty bool // written with a slash at the end
	attrs attrs
}

// attrs are the attributes that are looked at, the first of each name, with
// character references resolved.
type attrs struct {
	class, id, role, itemprop, rel, style, href, lang string
	content, property, name, datetime, kind           string
	start, colspan, rowspan                           string
	hidden, ariaHidden                                bool
}

// next returns the kind of the next token, and its text if it is text.
func (t *tokenizer) next() (tokenKind, string) {
	for t.pos < len(t.s) {
		rest := t.s[t.pos:]
		if rest[0] != '<' {
			return tokenText, t.until(strings.IndexByte(rest, '<'))
		}
		if len(rest) == 1 {
			return tokenText, t.until(-1)
		}
		switch c := rest[1]; {
		case isLetter(c):
			t.pos++
			if t.readTag() {
				return tokenStart, ""
			}
		case c == '/' && len(rest) > 2 && isLetter(rest[2]):
			t.pos += 2
			if t.readTag() {
				return tokenClose, ""
			}
		case c == '/' && len(rest) > 2, c == '?', c == '!':
			t.skipMarkup(rest)
		default:
			end := strings.IndexByte(rest[1:], '<')
			if end >= 0 {
				end++
			}
			return tokenText, t.until(end)
		}
	}
	return tokenEnd, ""
}

// until returns the text up to an offset, -1 for all.
func (t *tokenizer) until(n int) string {
	s := t.s[t.pos:]
	if n >= 0 {
		s = s[:n]
	}
	t.pos += len(s)
	return unescape(s)
}

func unescape(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	return html.UnescapeString(s)
}

// skipMarkup passes over a comment, a doctype and what is read as a comment.
func (t *tokenizer) skipMarkup(rest string) {
	if body, ok := strings.CutPrefix(rest, "<!--"); ok {
		t.pos += len("<!--") + comment(body)
		return
	}
	end := strings.IndexByte(rest, '>')
	if end < 0 {
		end = len(rest) - 1
	}
	t.pos += end + 1
}

// comment returns how many bytes a comment takes after its opening.
func comment(s string) int {
	for _, abrupt := range []string{">", "->"} {
		if strings.HasPrefix(s, abrupt) {
			return len(abrupt)
		}
	}
	for at := 0; ; {
		i := strings.Index(s[at:], "--")
		if i < 0 {
			return len(s)
		}
		at += i + 2
		switch {
		case strings.HasPrefix(s[at:], ">"):
			return at + 1
		case strings.HasPrefix(s[at:], "!>"):
			return at + 2
		}
		at-- // of three hyphens the last two may end it
	}
}

// readTag reads a tag from its name on; false says that the page ends within.
func (t *tokenizer) readTag() bool {
	s := t.s
	from := t.pos
	i := from
	for i < len(s) && !isSpace(s[i]) && s[i] != '/' && s[i] != '>' {
		i++
	}
	t.tag = tag{}
	t.tag.atom, t.tag.name = nameOf(s[from:i])
	for {
		for i < len(s) && (isSpace(s[i]) || s[i] == '/') {
			t.tag.empty = s[i] == '/'
			i++
		}
		if i >= len(s) {
			t.pos = len(s)
			return false
		}
		if s[i] == '>' {
			t.pos = i + 1
			return true
		}
		t.tag.empty = false
		i = t.readAttr(i)
	}
}

// nameOf looks a tag's name up.
func nameOf(s string) (atom.Atom, uint32) {
	var lower [24]byte
	if len(s) > len(lower) {
		return 0, hash(1, strings.ToLower(s))
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		lower[i] = c
	}
	if a := atom.Lookup(lower[:len(s)]); a != 0 {
		return a, 0
	}
	return 0, hash(1, string(lower[:len(s)]))
}

// readAttr reads one attribute at i and returns where it ends.
func (t *tokenizer) readAttr(i int) int {
	s := t.s
	from := i
	i++ // an equals sign may begin a name
	for i < len(s) && !isSpace(s[i]) && s[i] != '/' && s[i] != '>' && s[i] != '=' {
		i++
	}
	key := s[from:i]
	after := i
	for after < len(s) && isSpace(s[after]) {
		after++
	}
	if after >= len(s) || s[after] != '=' {
		t.tag.attrs.set(key, "")
		return i
	}
	i = after + 1
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	if i >= len(s) {
		return i
	}
	if quote := s[i]; quote == '"' || quote == '\'' {
		end := strings.IndexByte(s[i+1:], quote)
		if end < 0 {
			return len(s)
		}
		t.tag.attrs.set(key, s[i+1:i+1+end])
		return i + end + 2
	}
	from = i
	for i < len(s) && !isSpace(s[i]) && s[i] != '>' {
		i++
	}
	t.tag.attrs.set(key, s[from:i])
	return i
}

// set keeps an attribute that is looked at and was not set before.
func (a *attrs) set(key, value string) {
	const longest = 11
	if len(key) > longest {
		return
	}
	var at *string
	switch key = strings.ToLower(key); key {
	case "class":
		at = &a.class
	case "id":
		at = &a.id
	case "role":
		at = &a.role
	case "itemprop":
		at = &a.itemprop
	case "rel":
		at = &a.rel
	case "style":
		at = &a.style
	case "href":
		at = &a.href
	case "lang":
		at = &a.lang
	case "content":
		at = &a.content
	case "property":
		at = &a.property
	case "name":
		at = &a.name
	case "datetime":
		at = &a.datetime
	case "type":
		at = &a.kind
	case "start":
		at = &a.start
	case "colspan":
		at = &a.colspan
	case "rowspan":
		at = &a.rowspan
	case "hidden":
		a.hidden = true
		return
	case "aria-hidden":
		a.ariaHidden = a.ariaHidden || value == "true"
		return
	default:
		return
	}
	if *at == "" {
		*at = unescape(value)
	}
}

// raw returns the text up to the end tag of an element that holds no tags, and
// passes over that tag.
func (t *tokenizer) raw(name string) string {
	s := t.s[t.pos:]
	escaped, twice := false, false // WHATWG "script data double escaped state"
	for at := 0; ; {
		i := strings.IndexAny(s[at:], "<-")
		if i < 0 {
			t.pos = len(t.s)
			return s
		}
		at += i
		rest := s[at:]
		switch {
		case isTag(rest, "</", name):
			if twice {
				twice = false
				break
			}
			t.pos += at + 2
			t.readTag()
			return s[:at]
		case name != "script":
		case strings.HasPrefix(rest, "-->"):
			escaped, twice = false, false
		case strings.HasPrefix(rest, "<!--"):
			escaped = true
			at++ // "<!-->" is an opening and an end
		case escaped && isTag(rest, "<", name):
			twice = true
		}
		at++
	}
}

// isTag reports whether s begins with the tag.
func isTag(s, opening, name string) bool {
	end := len(opening) + len(name)
	if len(s) <= end || s[:len(opening)] != opening || !strings.EqualFold(s[len(opening):end], name) {
		return false
	}
	return isSpace(s[end]) || s[end] == '/' || s[end] == '>'
}

func isLetter(c byte) bool { return isLower(c | 0x20) }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' }
