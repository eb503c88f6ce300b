package extract

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/troikaml/troika/text"
)

// flow gathers text into blocks.
type flow struct {
	page
	active   active
	b        strings.Builder // text of the block at work
	cur      block
	hasKinds bool
	space    bool // a space is owed
	newline  bool // a line break in the source is among what is owed
	breaks   int  // br elements since the last text
	last     rune
	pre      int  // depth of preformatted elements
	full     bool // there were more than MaxElements blocks
}

// text adds text: white space collapses outside preformatted text.
func (f *flow) text(s string, within int32, inline kinds) {
	if f.pre > 0 {
		f.settle('x')
		f.b.WriteString(s)
		f.count(visible(s), within, inline)
		return
	}
	size := int32(0)
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case r == 0:
			i++
			continue
		case r <= ' ' || r >= utf8.RuneSelf && unicode.IsSpace(r): // control characters stand where spaces were
			f.newline = f.newline || r == '\n'
			f.space = true
			i += n
			continue
		case r < utf8.RuneSelf:
			n = word(s[i:])
		}
		if f.breaks > 1 {
			f.count(size, within, inline)
			size = 0
			f.flush()
		}
		f.settle(r)
		f.b.WriteString(s[i : i+n])
		size += int32(n)
		f.last = r
		if r < utf8.RuneSelf {
			f.last = rune(s[i+n-1])
		}
		i += n
	}
	f.count(size, within, inline)
}

// word returns how many printable ASCII bytes s begins with.
func word(s string) int {
	n := 1
	for n < len(s) && ' ' < s[n] && s[n] < utf8.RuneSelf {
		n++
	}
	return n
}

// count adds to the block at work what so many bytes of text say.
func (f *flow) count(size, within int32, inline kinds) {
	if size == 0 {
		return
	}
	if f.hasKinds {
		f.cur.kinds &= inline
	} else {
		f.cur.kinds, f.hasKinds = inline, true
	}
	f.cur.el = within
	f.cur.size += size
	if f.active.link {
		f.cur.link += size
	}
	if f.active.strong != [4]int8{} {
		f.cur.emphasis += size
	}
	f.cur.pre = f.cur.pre || f.pre > 0
}

// linkStarts counts a link.
func (f *flow) linkStarts() {
	if f.breaks > 1 {
		f.flush()
	}
	f.cur.links++
}

// settle writes the space or the break owed before r. As in CSS Text a line
// break in the source is no space between characters of scripts without spaces.
func (f *flow) settle(r rune) {
	switch {
	case f.b.Len() == 0:
	case f.breaks > 0:
		f.b.WriteByte('\n')
	case f.space && !(f.newline && isWide(r) && isWide(f.last)):
		f.b.WriteByte(' ')
	}
	f.breaks, f.space, f.newline = 0, false, false
}

// isWide reports the letters of scripts without spaces and their punctuation.
func isWide(r rune) bool {
	return 0x3000 <= r && r <= 0x303F || 0xFF00 <= r && r <= 0xFF60 || text.IsUnspaced(r)
}

// lineBreak takes a br element: one breaks the line, two in a row end the block.
func (f *flow) lineBreak() {
	if f.pre > 0 {
		f.b.WriteByte('\n')
		return
	}
	f.breaks++
}

// preLine begins a line of preformatted text, unless one has just begun.
func (f *flow) preLine() {
	if s := f.b.String(); s != "" && s[len(s)-1] != '\n' {
		f.b.WriteByte('\n')
	}
}

// flush ends the block at work.
func (f *flow) flush() {
	if f.cur.size > 0 && len(f.blocks) == MaxElements {
		f.full = true
	} else if f.cur.size > 0 {
		f.cur.text = f.b.String()
		if !f.cur.pre { // the link to a heading that many manuals put after it
			f.cur.text = strings.TrimRight(f.cur.text, "¶")
		}
		f.cur.facts = look(f.cur.text)
		f.blocks = append(f.blocks, f.cur)
	}
	f.b.Reset()
	f.cur, f.hasKinds = block{}, false
	f.space, f.newline, f.breaks, f.last = false, false, 0, 0
}

func visible(s string) int32 {
	n := int32(0)
	for i := range len(s) {
		if s[i] > ' ' {
			n++
		}
	}
	return n
}
