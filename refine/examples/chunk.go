package examples

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Chunk says how a text is cut into pieces. Cuts fall between sections where
// that is possible, else between paragraphs, lists, tables and blocks of code,
// then between lines, sentences, and at last characters. A piece that does not
// begin with its section's heading gets the headings above it as its first
// lines, a part of a table the table's head. The zero Chunk cuts nothing.
type Chunk struct {
	// MaxChars bounds a piece, in characters, repeated headings included.
	MaxChars int
	// MinChars is the size from which a piece ends where a section does.
	MinChars int
}

// leastChunk is the least MaxChars: below it headings would leave no room.
const leastChunk = 100

// Validate refuses bounds that make no sense.
func (c Chunk) Validate() error {
	if c == (Chunk{}) {
		return nil
	}
	if c.MaxChars < leastChunk || c.MinChars < 0 || c.MinChars > c.MaxChars {
		return fmt.Errorf("chunks of %d to %d characters: want max_chars of at least %d, and min_chars below it", c.MinChars, c.MaxChars, leastChunk)
	}
	return nil
}

// Split returns the pieces of a text in order, none of them empty; no piece is
// over MaxChars characters.
func (c Chunk) Split(text string) []string {
	if c == (Chunk{}) || utf8.RuneCountInString(text) <= c.MaxChars {
		return []string{text}
	}
	p := &packer{Chunk: c}
	for _, b := range blocks(text) {
		p.add(b)
	}
	p.path = nil // there is no next piece
	p.flush()
	return p.out
}

// block is a part of a text that is better not cut.
type block struct {
	text  string
	level int // of a heading, else 0
	table bool
}

// blocks splits a text, as Markdown, at empty lines outside of code, and around
// headings.
func blocks(text string) []block {
	var out []block
	var open []string
	fence := ""
	flush := func() {
		if len(open) > 0 {
			out = append(out, newBlock(open))
			open = nil
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		mark := fenceOf(line)
		switch {
		case fence != "":
			open = append(open, line)
			if mark != "" && strings.HasPrefix(mark, fence) && strings.TrimSpace(line) == mark {
				fence = ""
			}
		case mark != "":
			fence = mark
			open = append(open, line)
		case strings.TrimSpace(line) == "":
			flush()
		case headingLevel(line) > 0:
			flush()
			open = append(open, line)
			flush()
		default:
			open = append(open, line)
		}
	}
	flush()
	return out
}

func newBlock(lines []string) block {
	b := block{text: strings.Join(lines, "\n")}
	if len(lines) == 1 {
		b.level = headingLevel(lines[0])
	}
	b.table = len(lines) > 2 && strings.HasPrefix(lines[0], "|") && strings.HasPrefix(lines[1], "|") && strings.Contains(lines[1], "---")
	return b
}

// fenceOf returns the marks that open or close a block of code, or "".
func fenceOf(line string) string {
	line = strings.TrimLeft(line, " ")
	for _, c := range []string{"`", "~"} {
		if n := len(line) - len(strings.TrimLeft(line, c)); n >= 3 {
			return line[:n]
		}
	}
	return ""
}

func headingLevel(line string) int {
	n := len(line) - len(strings.TrimLeft(line, "#"))
	if n == 0 || n > 6 || n == len(line) || line[n] != ' ' {
		return 0
	}
	return n
}

// packer fills pieces.
type packer struct {
	Chunk

	out   []string
	path  []block // the headings above
	piece []string
	size  int     // characters of the piece, with the empty lines between blocks
	fresh int     // blocks of the piece that are its own, not repeated headings
	heads []block // of those, the headings
}

// add puts a block into the piece that is open, or into a new one.
func (p *packer) add(b block) {
	n := utf8.RuneCountInString(b.text)
	if b.level > 0 {
		for len(p.path) > 0 && p.path[len(p.path)-1].level >= b.level {
			p.path = p.path[:len(p.path)-1]
		}
		if p.size >= p.MinChars {
			p.flush()
		}
	}
	if p.size > 0 && p.size+2+n > p.MaxChars {
		p.flush()
	}
	p.begin()
	if p.size+2+n <= p.MaxChars {
		p.push(b.text, n)
		p.fresh++
	} else {
		p.large(b)
	}
	if b.level > 0 {
		p.path = append(p.path, b)
		p.heads = append(p.heads, b)
	}
}

// begin repeats the headings above.
func (p *packer) begin() {
	if p.size > 0 {
		return
	}
	for _, h := range p.repeated() {
		p.push(h.text, utf8.RuneCountInString(h.text))
	}
}

// repeated returns the headings above with which a piece begins: those that
// take no more than a third of it, nearest first.
func (p *packer) repeated() []block {
	room, from := p.MaxChars/3, len(p.path)
	for from > 0 {
		n := utf8.RuneCountInString(p.path[from-1].text) + 2
		if n > room {
			break
		}
		room -= n
		from--
	}
	return p.path[from:]
}

func (p *packer) push(s string, n int) {
	if p.size > 0 {
		p.size += 2
	}
	p.piece = append(p.piece, s)
	p.size += n
}

// flush ends the piece. Headings alone are no piece where the next one repeats
// them.
func (p *packer) flush() {
	if p.fresh > len(p.heads) || p.fresh > 0 && !p.comeAgain() {
		p.out = append(p.out, strings.Join(p.piece, "\n\n"))
	}
	p.piece, p.size, p.fresh, p.heads = nil, 0, 0, nil
}

// comeAgain reports whether the next piece repeats all headings of this one.
func (p *packer) comeAgain() bool {
	next := p.repeated()
	for _, h := range p.heads {
		if !slices.Contains(next, h) {
			return false
		}
	}
	return true
}

// large cuts a block that fits in no piece.
func (p *packer) large(b block) {
	head := ""
	lines := strings.SplitAfter(b.text, "\n")
	if b.table && utf8.RuneCountInString(lines[0]+lines[1]) <= p.MaxChars/3 {
		head = lines[0] + lines[1]
		lines = lines[2:]
	}
	var part strings.Builder
	part.WriteString(head)
	size := utf8.RuneCountInString(head)
	own := 0
	end := func() {
		if own > 0 {
			s := strings.TrimRight(part.String(), "\n ")
			p.push(s, utf8.RuneCountInString(s))
			p.fresh++
			p.flush()
			p.begin()
		}
		part.Reset()
		part.WriteString(head)
		size, own = utf8.RuneCountInString(head), 0
	}
	for _, line := range lines {
		for _, s := range pieces(line, p.MaxChars-p.MaxChars/3-utf8.RuneCountInString(head)-4) {
			n := utf8.RuneCountInString(s)
			if p.size+2+size+n > p.MaxChars {
				end()
			}
			part.WriteString(s)
			size += n
			own++
		}
	}
	if own > 0 {
		s := strings.TrimRight(part.String(), "\n ")
		p.push(s, utf8.RuneCountInString(s))
		p.fresh++
	}
}

// pieces cuts a line into parts of at most n characters that together are the
// line: after sentences, else after spaces, else anywhere.
func pieces(line string, n int) []string {
	var out []string
	for utf8.RuneCountInString(line) > n {
		window := first(line, n)
		cut := lastAfter(window, "。！？!?；;…")
		if cut < len(window)/4 {
			if i := strings.LastIndex(window, ". "); i >= 0 {
				cut = i + 2
			}
		}
		if cut < len(window)/4 {
			cut = strings.LastIndexAny(window, " \t，、,") + 1
			if cut > 0 {
				_, size := utf8.DecodeRuneInString(window[cut-1:])
				cut += size - 1
			}
		}
		if cut < len(window)/4 {
			cut = len(window)
		}
		out = append(out, line[:cut])
		line = line[cut:]
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}

// lastAfter returns the offset after the last of the characters, or 0.
func lastAfter(s, chars string) int {
	i := strings.LastIndexAny(s, chars)
	if i < 0 {
		return 0
	}
	_, size := utf8.DecodeRuneInString(s[i:])
	return i + size
}

// first returns the first n characters of s, or fewer.
func first(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
