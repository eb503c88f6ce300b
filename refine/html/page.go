package html

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/troikaml/troika/text"
)

const (
	// MaxSize bounds the bytes of a page.
	MaxSize = 16 << 20
	// maxDepth bounds the nesting of elements; browsers stop at 512 too.
	maxDepth = 512
	// headSize is how far a charset declaration is looked for (WHATWG HTML,
	// "prescan a byte stream": the first 1024 bytes).
	headSize = 1024
)

// ErrTooDeep says that elements are nested deeper than 512 levels.
var ErrTooDeep = errors.New("elements nested too deeply")

// Page is what Parse found in a page.
type Page struct {
	// Title is the text of the title element, else of the first top heading.
	Title string
	// Lang is the lang attribute of the html element, or empty.
	Lang string
	// Text is the main content without its title; it may be empty.
	Text string
}

// Parse returns the title, language and main content of a page. Bytes that are
// not UTF-8 are decoded by the charset that the page declares; where it
// declares none, broken bytes become U+FFFD. The errors are a page over
// MaxSize, nesting over the bound, and a declared charset that nobody knows.
func Parse(page []byte) (Page, error) {
	if len(page) > MaxSize {
		return Page{}, fmt.Errorf("parse html: %d bytes, the limit is %d", len(page), MaxSize)
	}
	b, err := decode(page)
	if err != nil {
		return Page{}, err
	}
	root, err := html.Parse(bytes.NewReader(b))
	if err != nil {
		return Page{}, fmt.Errorf("parse html: %w", err)
	}
	p, err := survey(root)
	if err != nil {
		return Page{}, err
	}
	out := Page{Title: text.Normalize(p.title), Lang: p.lang}
	w := &writer{furniture: p.furniture}
	w.dropTitle(p.content, out.Title)
	w.node(p.content)
	out.Text = text.Normalize(w.b.String())
	if out.Title == "" {
		out.Title = text.Normalize(w.title)
	}
	return out, nil
}

// decode returns the page as UTF-8, if need be by its declared charset.
func decode(page []byte) ([]byte, error) {
	page = bytes.TrimPrefix(page, []byte("\xEF\xBB\xBF"))
	if utf8.Valid(page) {
		return page, nil
	}
	name := "utf-8"
	switch {
	case bytes.HasPrefix(page, []byte("\xFF\xFE")):
		name = "utf-16le"
	case bytes.HasPrefix(page, []byte("\xFE\xFF")):
		name = "utf-16be"
	default:
		if declared := declaredCharset(page[:min(len(page), headSize)]); declared != "" {
			name = declared
		}
	}
	enc, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("parse html: charset %q is not known", name)
	}
	b, err := enc.NewDecoder().Bytes(page)
	if err != nil {
		return nil, fmt.Errorf("parse html: decode %s: %w", name, err)
	}
	return bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF")), nil
}

// declaredCharset finds charset=NAME in the beginning of a page.
func declaredCharset(head []byte) string {
	lower := bytes.ToLower(head)
	_, rest, ok := bytes.Cut(lower, []byte("charset"))
	if !ok {
		return ""
	}
	rest = bytes.TrimLeft(rest, " \t\r\n")
	if len(rest) == 0 || rest[0] != '=' {
		return ""
	}
	rest = bytes.TrimLeft(rest[1:], " \t\r\n\"'")
	end := bytes.IndexAny(rest, " \t\r\n\"'>/;")
	if end < 0 {
		return ""
	}
	return string(rest[:end])
}

// plan is what one walk over a page found out.
type plan struct {
	title, lang string
	content     *html.Node
	furniture   map[*html.Node]bool
}

// size measures the text below a node, in bytes without white space.
type size struct {
	text     int // outside furniture
	all      int // with furniture that may turn out to be none
	links    int // of text, in links
	headings int // a count
}

// surveyor walks the tree once, bottom up.
type surveyor struct {
	plan
	mains, articles []*html.Node
	body            *html.Node
	weighed         map[*html.Node]size
}

// survey finds the title, the main content and the furniture of a page.
func survey(root *html.Node) (plan, error) {
	s := &surveyor{weighed: map[*html.Node]size{}}
	s.furniture = map[*html.Node]bool{}
	if _, err := s.walk(root, 0); err != nil {
		return plan{}, err
	}
	switch {
	case len(s.mains) > 0:
		s.content = s.mains[0]
	case len(s.articles) == 1:
		s.content = s.articles[0]
	case s.body != nil:
		s.content = s.body
	default:
		s.content = root
	}
	// What outweighs the rest of the content is no furniture: a class name on a
	// wrapper, or a form around everything, must not cost the page.
	rest := s.weighed[s.content].text
	for n := range s.furniture {
		if (byName(n) || n.DataAtom == atom.Form) && s.weighed[n].all > rest {
			delete(s.furniture, n)
		}
	}
	delete(s.furniture, s.content)
	return s.plan, nil
}

func (s *surveyor) walk(n *html.Node, depth int) (size, error) {
	if depth > maxDepth {
		return size{}, fmt.Errorf("parse html: %w (%d)", ErrTooDeep, maxDepth)
	}
	if n.Type == html.TextNode {
		v := visible(n.Data)
		return size{text: v, all: v}, nil
	}
	var sum size
	for c := range n.ChildNodes() {
		part, err := s.walk(c, depth+1)
		if err != nil {
			return size{}, err
		}
		sum.text += part.text
		sum.all += part.all
		sum.links += part.links
		sum.headings += part.headings
	}
	if n.Type != html.ElementNode {
		return sum, nil
	}
	s.note(n)
	switch n.DataAtom {
	case atom.A:
		sum.links = sum.text
	case atom.H1, atom.H2, atom.H3:
		sum.headings++
	}
	s.weighed[n] = sum
	switch {
	case isHidden(n), isFurnitureTag(n) && n.DataAtom != atom.Form:
		s.furniture[n] = true
		return size{}, nil
	case n.DataAtom == atom.Form, byName(n), isLinkBlock(n, sum):
		s.furniture[n] = true
		return size{all: sum.all}, nil
	}
	return sum, nil
}

// note remembers the elements that decide about the page.
func (s *surveyor) note(n *html.Node) {
	switch {
	case n.DataAtom == atom.Html:
		s.lang = attr(n, "lang")
	case n.DataAtom == atom.Title && s.title == "" && n.Namespace == "":
		s.title = strings.Join(strings.Fields(textOf(n)), " ")
	case n.DataAtom == atom.Body:
		s.body = n
	case n.DataAtom == atom.Main, attr(n, "role") == "main":
		s.mains = append(s.mains, n)
	case n.DataAtom == atom.Article:
		s.articles = append(s.articles, n)
	}
}

// textOf joins the text nodes that are children of n.
func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.ChildNodes() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

func visible(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] > ' ' {
			n++
		}
	}
	return n
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
