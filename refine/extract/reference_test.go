package extract

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// reference reads a page with golang.org/x/net/html, which follows the whole
// standard: its blocks of text with the link share of each are what build must
// find where the page is sound.
type reference struct {
	blocks []string
	b      strings.Builder
	links  int
}

func (r *reference) node(n *html.Node, links int, pre bool) {
	if n.Type == html.TextNode {
		s := strings.ReplaceAll(n.Data, "\x00", "")
		r.b.WriteString(s)
		if links > 0 {
			r.links += len(squeezed(s))
		}
		return
	}
	is := traits(0)
	if n.Type == html.ElementNode {
		is = known[n.DataAtom]
		switch {
		case n.Namespace != "", is.has(isSkipped), n.DataAtom == atom.Head, n.DataAtom == atom.Script, n.DataAtom == atom.Style,
			n.DataAtom == atom.Textarea, n.DataAtom == atom.Iframe, n.DataAtom == atom.Noframes, n.DataAtom == atom.Noembed, n.DataAtom == atom.Title:
			return
		case n.DataAtom == atom.Br:
			r.b.WriteString("\n")
		case n.DataAtom == atom.A:
			links = 0
			for _, a := range n.Attr {
				if a.Key == "href" && a.Val != "" {
					links = 1
				}
			}
		}
	}
	isLine := pre && (n.DataAtom == atom.Div || n.DataAtom == atom.P || n.DataAtom == atom.Ol || n.DataAtom == atom.Ul || n.DataAtom == atom.Li)
	border := (is.has(isBlock) || n.DataAtom == atom.Hr) && !isLine
	if border {
		r.flush()
	}
	for c := range n.ChildNodes() {
		r.node(c, links, pre || n.DataAtom == atom.Pre)
	}
	if border {
		r.flush()
	}
}

func (r *reference) flush() {
	if s := squeezed(r.b.String()); s != "" {
		r.blocks = append(r.blocks, s)
	}
	r.b.Reset()
}

// squeezed drops all white space: where it stands is build's own affair.
func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }

// referenceOf returns the blocks and the bytes within links.
func referenceOf(t *testing.T, page string) ([]string, int) {
	t.Helper()
	root, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	r.node(root, 0, false)
	r.flush()
	return r.blocks, r.links
}

// ours returns the same as build sees it. Blocks that two line breaks part are
// joined again, as the reference does not part them.
func ours(t *testing.T, page string) ([]string, int) {
	t.Helper()
	p, err := build(page)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	links := 0
	for _, b := range p.blocks {
		list = append(list, squeezed(b.text))
		links += int(b.link)
	}
	return list, links
}
