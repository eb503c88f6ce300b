package extract

import (
	"errors"
	"fmt"
	"slices"

	"github.com/troikaml/troika/text"
	"github.com/troikaml/troika/text/charset"
)

// Bounds of a page.
const (
	// MaxSize bounds a page's bytes. Decoded, it may have twice as many.
	MaxSize = 16 << 20
	// MaxElements bounds its elements, and its blocks.
	MaxElements = 1 << 20
)

// The errors of Parse beside charset.ErrBinary, which says that the bytes are
// no text in a known encoding.
var (
	// ErrTooLarge says that a page is over MaxSize or MaxElements.
	ErrTooLarge = errors.New("page too large")
	// ErrTooDeep says that elements are nested deeper than 512 levels.
	ErrTooDeep = errors.New("elements nested too deeply")
)

// Options tune Parse. The zero value is what is measured and recommended.
type Options struct {
	// Charset is the encoding that the transport declared, such as the
	// charset of a Content-Type header. What the bytes say counts for more.
	Charset string
	// Bar is added to the score from which a block is content, in 1/256 of a
	// logit: below 0 more is kept, above 0 less.
	Bar int
	// Score takes the place of the built-in model where it is not nil: of a
	// block's features it returns the score. bench/extract judges models by it.
	Score func(features []int16) int
}

// score returns how far a block's score is above the bar.
func (o *Options) score(row []int16) int32 {
	if o.Score != nil {
		return int32(o.Score(row) - o.Bar)
	}
	return score(row) - int32(o.Bar)
}

// Page is what Parse found in a page.
type Page struct {
	// Title is the article's title as the page states it, else the title element.
	Title string
	// Text is the main content in Markdown: headings, lists, tables, fenced
	// code, quotes. Type and links leave their text alone. It may be empty.
	Text string
	// Lang is the lang attribute of the html element, or empty.
	Lang string
	// Date is the day of publication that the page states, as YYYY-MM-DD, or empty.
	Date string
	// Author is who the page names as its author, or empty.
	Author string
	// Licence is the address that the page links to as its licence (rel="license"), else
	// what its meta element of Dublin Core's license says, or empty.
	Licence string
	// Encoding is how the bytes were decoded.
	Encoding charset.Encoding
}

// Parse returns the main content of a page. The bytes may be in any encoding
// that package charset knows, declared or not. The errors are a page over
// MaxSize and nesting over the bound.
func Parse(b []byte, o Options) (Page, error) {
	p, enc, err := read(b, o.Charset)
	if err != nil {
		return Page{}, err
	}
	out := Page{
		Title: text.Normalize(p.meta.best()), Lang: p.meta.lang,
		Date: p.meta.date, Author: p.meta.author, Licence: p.meta.licence, Encoding: enc,
	}
	out.Text = text.Normalize(p.write(p.choose(&o)))
	if body := p.meta.articleBody(len(out.Text)); body != "" {
		out.Text = text.Normalize(body)
	}
	return out, nil
}

// read decodes and parses a page.
func read(b []byte, declared string) (*page, charset.Encoding, error) {
	if len(b) > MaxSize {
		return nil, "", fmt.Errorf("parse page: %w: %d bytes, the limit is %d", ErrTooLarge, len(b), MaxSize)
	}
	if inPage := charset.Declared(b); inPage != "" {
		declared = inPage
	}
	s, enc, err := charset.Decode(b, declared)
	if err != nil {
		return nil, "", fmt.Errorf("parse page: %w", err)
	}
	if len(s) > 2*MaxSize {
		return nil, "", fmt.Errorf("parse page: %w: %d bytes once decoded, the limit is %d", ErrTooLarge, len(s), 2*MaxSize)
	}
	p, err := build(s)
	if err != nil {
		return nil, "", fmt.Errorf("parse page: %w", err)
	}
	return p, enc, nil
}

// Block is one block of a page as the model sees it, for fitting and for
// explaining what became of it.
type Block struct {
	// Text is the block's text, not yet normalised.
	Text string
	// Features are the measured values, in the order of Features.
	Features []int16
	// Score is the model's sum in 1/256 of a logit, less the bar. From 0 on the
	// block is content, unless a rule on tables, headings or chapters overrules it.
	Score int
}

// Blocks returns all blocks of a page in order. It fails as Parse does.
func Blocks(b []byte, o Options) ([]Block, error) {
	p, _, err := read(b, o.Charset)
	if err != nil {
		return nil, err
	}
	list := make([]Block, len(p.blocks))
	p.measure(func(i int, row []int16) {
		list[i] = Block{Text: p.blocks[i].text, Features: slices.Clone(row), Score: int(o.score(row))}
	})
	return list, nil
}

// Features returns the names of a block's features.
func Features() []string { return slices.Clone(featureNames) }
