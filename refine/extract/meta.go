package extract

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/troikaml/troika/text"
)

// meta is what a page says about itself.
type meta struct {
	title, ogTitle, heading string
	lang, date, author      string
	licence                 string
	timed                   bool     // date is from a time element
	licensed                bool     // licence is from a link
	linked                  []string // JSON-LD, as written
	linkedSize              int
}

// property reads a meta element. Of several that say the same the first counts.
func (m *meta) property(a *attrs) {
	if a.content == "" {
		return
	}
	name := cmp.Or(a.property, a.name, a.itemprop)
	switch strings.ToLower(name) {
	case "og:title":
		if m.ogTitle == "" {
			m.ogTitle = oneLine(a.content)
		}
	case "article:published_time", "datepublished", "date", "dc.date", "dc.date.issued", "dcterms.date", "pubdate":
		if m.date == "" || m.timed {
			if date := isoDate(a.content); date != "" {
				m.date, m.timed = date, false
			}
		}
	case "dcterms.license", "dcterms:license", "dc.rights.license":
		if m.licence == "" {
			m.licence = oneLine(a.content)
		}
	case "author", "dc.creator", "article:author":
		if m.author == "" && !strings.Contains(a.content, "://") {
			m.author = oneLine(a.content)
		}
	}
}

// terms reads a link or an anchor: the first that leads to the page's licence counts, for
// more than what meta elements say.
func (m *meta) terms(a *attrs) {
	isLicence := func(rel string) bool { return strings.EqualFold(rel, "license") }
	if m.licensed || !slices.ContainsFunc(strings.Fields(a.rel), isLicence) {
		return
	}
	if href := oneLine(a.href); strings.HasPrefix(href, "http://") || strings.HasPrefix(href, "https://") {
		m.licence, m.licensed = href, true
	}
}

// time takes the first time element; meta elements count for more.
func (m *meta) time(datetime string) {
	if m.date == "" {
		m.date = isoDate(datetime)
		m.timed = m.date != ""
	}
}

// language returns a lang attribute that is a language tag (BCP 47), or "".
func language(s string) string {
	const longest = 35
	s = strings.TrimSpace(s)
	if len(s) > longest {
		return ""
	}
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && c != '-' && (c < '0' || c > '9') {
			return ""
		}
	}
	return s
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
	case m.isTitle(text.Fold(m.heading), text.Fold(m.title)):
		return m.heading
	case m.title != "":
		return m.title
	}
	return m.heading
}

// isTitle reports a heading that the title element holds beside the site's name.
// At the title's end it might be that name itself.
func (m *meta) isTitle(heading, title string) bool {
	switch {
	case heading == "":
		return false
	case strings.HasPrefix(title, heading):
		return true
	case strings.HasSuffix(title, heading):
		return 3*len(heading) > 2*len(title)
	}
	return strings.Contains(title, heading) && 2*len(heading) > len(title)
}

// Bounds of the JSON-LD that is looked at: pieces, and bytes of all.
const (
	mostLinked      = 16
	mostLinkedBytes = 4 << 20
)

// link takes a piece of JSON-LD if it may hold an article.
func (m *meta) link(s string) {
	if len(m.linked) < mostLinked && m.linkedSize+len(s) <= mostLinkedBytes && strings.Contains(s, `"articleBody"`) {
		m.linked = append(m.linked, s)
		m.linkedSize += len(s)
	}
}

// articleBody returns the article that the page carries as JSON-LD, if the
// text that was found elsewhere has less than half its bytes: such pages are
// rendered by scripts.
func (m *meta) articleBody(found int) string {
	best := ""
	for _, s := range m.linked {
		var v any
		if json.Unmarshal([]byte(s), &v) == nil {
			best = longest(best, bodyIn(v, 0))
		}
	}
	if strings.Contains(best, "<") {
		if p, err := build(best); err == nil {
			best = p.write(p.all())
		}
	}
	if 2*found >= len(best) {
		return ""
	}
	return best
}

// all keeps every block.
func (p *page) all() []bool {
	keep := make([]bool, len(p.blocks))
	for i := range keep {
		keep[i] = true
	}
	return keep
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

// mostTitle bounds titles, headings and names in bytes.
const mostTitle = 1000

// oneLine returns a title or a name on one line.
func oneLine(s string) string {
	if len(s) > mostTitle {
		s = strings.ToValidUTF8(s[:mostTitle], "")
	}
	return text.Normalize(strings.Join(strings.Fields(s), " "))
}
