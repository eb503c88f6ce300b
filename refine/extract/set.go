package extract

import "golang.org/x/net/html/atom"

// traits are what the parser and the reader need to know of an element.
type traits uint16

const (
	isBlock   traits = 1 << iota // text on both sides of its tags does not touch
	isSkipped                    // no text for readers, by what it is
	isVoid                       // has no content and no end tag
	endsP                        // its start ends an open paragraph
	isFormat                     // formats text: its end tag may cross others
	isSpecial                    // the end tags of other inline elements do not cross it
	isScope                      // no end tag within closes an element around it
	isHeading
	isRow // a part of a table around cells
	isCell
	isBreakout // ends foreign content (WHATWG HTML 13.2.6.5)
)

func (t traits) has(one traits) bool { return t&one != 0 }

// known holds the traits of all elements that have some.
var known = func() map[atom.Atom]traits {
	m := map[atom.Atom]traits{}
	add := func(t traits, list ...atom.Atom) {
		for _, a := range list {
			m[a] |= t
		}
	}
	add(isBlock|isSpecial|endsP, atom.Address, atom.Article, atom.Aside, atom.Blockquote, atom.Center, atom.Details,
		atom.Dir, atom.Div, atom.Dl, atom.Fieldset, atom.Figcaption, atom.Figure, atom.Footer, atom.Form,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Header, atom.Hgroup, atom.Li, atom.Dd, atom.Dt,
		atom.Main, atom.Menu, atom.Nav, atom.Ol, atom.P, atom.Pre, atom.Listing, atom.Section, atom.Summary,
		atom.Table, atom.Ul)
	add(isBlock|isSpecial, atom.Html, atom.Body, atom.Caption, atom.Thead, atom.Tbody, atom.Tfoot, atom.Tr, atom.Td,
		atom.Th, atom.Legend, atom.Option)
	add(isSkipped|isSpecial, atom.Template, atom.Object, atom.Button, atom.Select)
	add(isSkipped, atom.Svg, atom.Math, atom.Canvas, atom.Audio, atom.Video, atom.Map, atom.Datalist)
	add(isSkipped|isSpecial|endsP, atom.Dialog)
	add(isSpecial, atom.Applet, atom.Marquee)
	add(isVoid, atom.Area, atom.Base, atom.Basefont, atom.Bgsound, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Image,
		atom.Img, atom.Input, atom.Keygen, atom.Link, atom.Meta, atom.Param, atom.Source, atom.Track, atom.Wbr)
	add(isFormat, atom.A, atom.B, atom.Big, atom.Code, atom.Em, atom.Font, atom.I, atom.Nobr, atom.S, atom.Small,
		atom.Strike, atom.Strong, atom.Tt, atom.U)
	add(isScope, atom.Html, atom.Table, atom.Td, atom.Th, atom.Caption, atom.Applet, atom.Marquee, atom.Template)
	add(isHeading, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6)
	add(isRow, atom.Tr, atom.Thead, atom.Tbody, atom.Tfoot, atom.Caption)
	add(isCell, atom.Td, atom.Th)
	add(isBreakout, atom.B, atom.Big, atom.Blockquote, atom.Body, atom.Br, atom.Center, atom.Code, atom.Dd, atom.Div,
		atom.Dl, atom.Dt, atom.Em, atom.Embed, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Head, atom.Hr,
		atom.I, atom.Img, atom.Li, atom.Listing, atom.Menu, atom.Meta, atom.Nobr, atom.Ol, atom.P, atom.Pre, atom.Ruby,
		atom.S, atom.Small, atom.Span, atom.Strong, atom.Strike, atom.Sub, atom.Sup, atom.Table, atom.Tt, atom.U,
		atom.Ul, atom.Var)
	return m
}()

// headingLevel returns 1 to 6 for h1 to h6, else 0.
func headingLevel(a atom.Atom) int {
	switch a {
	case atom.H1:
		return 1
	case atom.H2:
		return 2
	case atom.H3:
		return 3
	case atom.H4:
		return 4
	case atom.H5:
		return 5
	case atom.H6:
		return 6
	}
	return 0
}
