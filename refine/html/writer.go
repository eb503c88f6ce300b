package html

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/troikaml/troika/text"
)

// writer renders content as plain text. Breaks and spaces are held back until
// text follows, so that the output never starts or ends with them.
type writer struct {
	b         strings.Builder
	furniture map[*html.Node]bool
	titleNode *html.Node // heading that repeats the title, not written
	title     string     // its text
	breaks    int        // line feeds owed before the next text
	space     bool       // a space is owed
	newline   bool       // the owed space was a line break in the source
	cell      int        // depth of table cells: inside, blocks are no breaks
	pre       int        // depth of preformatted elements
	items     int        // depth of list items: inside, no empty lines
	last      rune       // last character written
	marker    bool       // a list marker was just written: no break may follow
}

// dropTitle marks the heading that is the title of the page: the first h1, or
// an earlier heading with the words of the title element.
func (w *writer) dropTitle(content *html.Node, title string) {
	want := text.Fold(title)
	for n := range content.Descendants() {
		heading := n.DataAtom == atom.H1 || n.DataAtom == atom.H2
		if !heading || w.inFurniture(n) {
			continue
		}
		inner := &writer{furniture: w.furniture}
		inner.children(n)
		if n.DataAtom == atom.H1 || text.Fold(inner.b.String()) == want {
			w.titleNode, w.title = n, inner.b.String()
			return
		}
	}
}

func (w *writer) inFurniture(n *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if w.furniture[n] {
			return true
		}
	}
	return false
}

// node writes n and everything below it.
func (w *writer) node(n *html.Node) {
	switch n.Type {
	case html.TextNode:
		w.text(n.Data)
		return
	case html.ElementNode, html.DocumentNode:
	default:
		return
	}
	if w.furniture[n] || n == w.titleNode {
		return
	}
	switch n.DataAtom {
	case atom.Br:
		w.lineBreak(1)
	case atom.Hr:
		w.lineBreak(2)
	case atom.Li:
		w.lineBreak(1)
		w.literal("- ")
		w.items++
		w.children(n)
		w.items--
		w.lineBreak(1)
	case atom.Dt, atom.Dd, atom.Caption:
		w.block(n, 1)
	case atom.Tr:
		w.lineBreak(1)
		w.row(n)
		w.lineBreak(1)
	case atom.Pre, atom.Textarea:
		w.lineBreak(2)
		w.pre++
		w.children(n)
		w.pre--
		w.lineBreak(2)
	default:
		if isBlock(n.DataAtom) {
			w.block(n, 2)
		} else {
			w.children(n)
		}
	}
}

func (w *writer) children(n *html.Node) {
	for c := range n.ChildNodes() {
		w.node(c)
	}
}

func (w *writer) block(n *html.Node, breaks int) {
	w.lineBreak(breaks)
	w.children(n)
	w.lineBreak(breaks)
}

// row writes the cells of a table row on one line.
func (w *writer) row(n *html.Node) {
	first := true
	for c := range n.ChildNodes() {
		if c.DataAtom != atom.Td && c.DataAtom != atom.Th || w.furniture[c] {
			continue
		}
		if !first {
			w.literal(" | ")
		}
		first = false
		w.cell++
		w.children(c)
		w.cell--
		w.space = false
	}
}

// lineBreak owes n line feeds; inside a cell it owes a space.
func (w *writer) lineBreak(n int) {
	switch {
	case w.marker:
		return
	case w.cell > 0:
		w.space = true
		return
	}
	if w.items > 0 {
		n = min(n, 1)
	}
	w.breaks = max(w.breaks, n)
	w.space = false
}

// literal writes s as it is, after any break that is owed.
func (w *writer) literal(s string) {
	w.settle(' ')
	w.b.WriteString(s)
	w.last = ' '
	w.marker = true
}

// text writes a text node: white space collapses outside preformatted text.
func (w *writer) text(s string) {
	if w.pre > 0 && w.cell == 0 {
		if s != "" {
			w.settle('x')
			w.b.WriteString(s)
			w.last, _ = utf8.DecodeLastRuneInString(s)
		}
		return
	}
	for _, r := range s {
		if unicode.IsSpace(r) {
			w.newline = r == '\n' && (w.newline || !w.space)
			w.space = true
			continue
		}
		w.settle(r)
		w.b.WriteRune(r)
		w.last = r
	}
}

// settle writes the breaks or the space owed before r.
func (w *writer) settle(r rune) {
	switch {
	case w.b.Len() == 0:
	case w.breaks > 0:
		w.b.WriteString("\n\n"[:min(w.breaks, 2)])
	case w.space && w.last != ' ' && w.last != '\n':
		if !w.newline || !text.IsUnspaced(r) || !text.IsUnspaced(w.last) {
			w.b.WriteByte(' ')
		}
	}
	w.breaks, w.space, w.newline, w.marker = 0, false, false, false
}

func isBlock(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Section, atom.Article, atom.Main, atom.Header, atom.Blockquote,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Ul, atom.Ol, atom.Dl,
		atom.Table, atom.Thead, atom.Tbody, atom.Tfoot, atom.Figure, atom.Figcaption,
		atom.Address, atom.Details, atom.Summary, atom.Fieldset, atom.Body:
		return true
	}
	return false
}
