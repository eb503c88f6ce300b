package extract

import (
	"encoding/json"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/troikaml/troika/text"
)

// meta is what a page says about itself.
type meta struct {
	title, ogTitle, heading string
	lang, date, author      string
	linked                  []string // JSON-LD, as written
}

// note reads the elements that carry facts about the page.
func (m *meta) note(n *html.Node) {
	switch n.DataAtom {
	case atom.Html:
		m.lang = attr(n, "lang")
	case atom.Head:
		for c := range n.ChildNodes() {
			m.note(c)
		}
	case atom.Title:
		if m.title == "" && n.Namespace == "" && n.FirstChild != nil {
			m.title = oneLine(n.FirstChild.Data)
		}
	case atom.Meta:
		m.property(n)
	case atom.Script:
		if attr(n, "type") == "application/ld+json" && n.FirstChild != nil && len(m.linked) < mostLinked {
			m.linked = append(m.linked, n.FirstChild.Data)
		}
	case atom.Time:
		if date := attr(n, "datetime"); m.date == "" {
			m.date = isoDate(date)
		}
	case atom.H1:
		if m.heading == "" {
			m.heading = oneLine(inner(n))
		}
	}
}

func (m *meta) property(n *html.Node) {
	content := attr(n, "content")
	if content == "" {
		return
	}
	name := attr(n, "property")
	if name == "" {
		name = attr(n, "name")
	}
	if name == "" {
		name = attr(n, "itemprop")
	}
	switch strings.ToLower(name) {
	case "og:title":
		m.ogTitle = oneLine(content)
	case "article:published_time", "datepublished", "date", "dc.date", "dc.date.issued", "dcterms.date", "pubdate":
		if date := isoDate(content); date != "" {
			m.date = date
		}
	case "author", "dc.creator", "article:author":
		if m.author == "" && !strings.Contains(content, "://") {
			m.author = oneLine(content)
		}
	}
}

// isoDate returns the YYYY-MM-DD that s starts with, or "".
func isoDate(s string) string {
	const form = "0000-00-00"
	if len(s) < len(form) {
		return ""
	}
	for i := range len(form) {
		digit := '0' <= s[i] && s[i] <= '9'
		if form[i] == '-' && s[i] != '-' || form[i] == '0' && !digit {
			return ""
		}
	}
	if m, d := s[5:7], s[8:10]; m < "01" || m > "12" || d < "01" || d > "31" {
		return ""
	}
	return s[:len(form)]
}

// best returns the title without the site's name, where the page tells it.
func (m *meta) best() string {
	switch {
	case m.ogTitle != "":
		return m.ogTitle
	case m.heading != "" && strings.Contains(text.Fold(m.title), text.Fold(m.heading)):
		return m.heading
	case m.title != "":
		return m.title
	}
	return m.heading
}

// mostLinked bounds the pieces of JSON-LD that are looked at.
const mostLinked = 16

// articleBody returns the article that the page carries as JSON-LD, if the
// text that was found elsewhere has less than half its bytes: such pages are
// rendered by scripts.
func (m *meta) articleBody(found int) string {
	best := ""
	for _, s := range m.linked {
		if !strings.Contains(s, `"articleBody"`) {
			continue
		}
		var v any
		if json.Unmarshal([]byte(s), &v) == nil {
			best = longest(best, bodyIn(v, 0))
		}
	}
	if strings.Contains(best, "<") {
		if root, err := html.Parse(strings.NewReader(best)); err == nil {
			best = inner(root)
		}
	}
	if 2*found >= len(best) {
		return ""
	}
	return best
}

// bodyIn finds the longest articleBody in JSON.
func bodyIn(v any, depth int) string {
	const most = 8
	best := ""
	if depth > most {
		return best
	}
	switch v := v.(type) {
	case map[string]any:
		best, _ = v["articleBody"].(string)
		for _, one := range v {
			best = longest(best, bodyIn(one, depth+1))
		}
	case []any:
		for _, one := range v {
			best = longest(best, bodyIn(one, depth+1))
		}
	}
	return best
}

// longest prefers the longer text, and of equally long ones the lesser, so that
// the order of a map does not matter.
func longest(a, b string) string {
	if len(b) > len(a) || len(b) == len(a) && b < a {
		return b
	}
	return a
}

// inner joins the text below n.
func inner(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

func oneLine(s string) string {
	return text.Normalize(strings.Join(strings.Fields(s), " "))
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
