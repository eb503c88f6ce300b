package html

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// isHidden reports elements that a browser does not show.
func isHidden(n *html.Node) bool {
	for _, a := range n.Attr {
		switch a.Key {
		case "hidden":
			return true
		case "aria-hidden":
			if a.Val == "true" {
				return true
			}
		case "style":
			style := strings.ReplaceAll(strings.ToLower(a.Val), " ", "")
			if strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") {
				return true
			}
		}
	}
	return false
}

// isFurnitureTag reports elements that are never content by what they are.
func isFurnitureTag(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Head, atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Svg, atom.Canvas,
		atom.Iframe, atom.Object, atom.Embed, atom.Audio, atom.Video, atom.Map,
		atom.Nav, atom.Aside, atom.Footer, atom.Menu, atom.Dialog,
		atom.Form, atom.Button, atom.Input, atom.Select, atom.Textarea, atom.Label:
		return true
	case atom.Header:
		return !within(n, atom.Article, atom.Main)
	}
	switch attr(n, "role") {
	case "navigation", "banner", "contentinfo", "complementary", "search", "dialog", "menu":
		return true
	}
	return false
}

// furnitureNames are the words in class and id attributes that mark furniture.
// They are matched whole: "menu" is none of them, as help pages call their
// menu paths so.
var furnitureNames = []string{
	"ads", "advert", "advertisement", "breadcrumb", "breadcrumbs", "cookie", "cookies", "footer",
	"nav", "navbar", "navigation", "pager", "pagination", "related", "relatedtopics", "share",
	"sharing", "sidebar", "skip", "social", "subscribe", "toc",
}

// byName reports block elements whose class or id names furniture.
func byName(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Div, atom.Section, atom.Ul, atom.Ol, atom.Dl, atom.Table, atom.P:
	default:
		return false
	}
	for _, a := range n.Attr {
		if a.Key != "class" && a.Key != "id" {
			continue
		}
		words := strings.FieldsFunc(strings.ToLower(a.Val), func(r rune) bool { return r == ' ' || r == '-' || r == '_' })
		for _, w := range words {
			if _, found := slices.BinarySearch(furnitureNames, w); found {
				return true
			}
		}
	}
	return false
}

// isLinkBlock reports lists, tables and divisions that are nearly all links,
// without a heading of their own: menus that nobody marked.
func isLinkBlock(n *html.Node, sum size) bool {
	switch n.DataAtom {
	case atom.Div, atom.Section, atom.Ul, atom.Ol, atom.Table:
		return sum.links > 0 && sum.headings == 0 && 10*sum.links >= 9*sum.text && links(n, 3) >= 3
	}
	return false
}

// links counts the links below n, no further than most.
func links(n *html.Node, most int) int {
	count := 0
	for c := range n.Descendants() {
		if c.DataAtom == atom.A {
			if count++; count == most {
				break
			}
		}
	}
	return count
}

func within(n *html.Node, tags ...atom.Atom) bool {
	for p := range n.Ancestors() {
		if slices.Contains(tags, p.DataAtom) {
			return true
		}
	}
	return false
}
