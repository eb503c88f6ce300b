package extract

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/html"

	"github.com/troikaml/troika/text"
	"github.com/troikaml/troika/text/charset"
)

// MaxSize bounds the bytes of a page, before and after decoding.
const MaxSize = 16 << 20

// ErrTooDeep says that elements are nested deeper than the parser allows (512).
var ErrTooDeep = errors.New("elements nested too deeply")

// Options tune Parse. The zero value is what is measured and recommended.
type Options struct {
	// Charset is the encoding that the transport declared, such as the
	// charset of a Content-Type header. What the bytes say counts for more.
	Charset string
	// Bar is added to the score from which a block is content, in 1/256 of a
	// logit: below 0 more is kept, above 0 less.
	Bar int
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
		Date: p.meta.date, Author: p.meta.author, Encoding: enc,
	}
	out.Text = text.Normalize(p.write(p.choose(o.Bar)))
	if body := p.meta.articleBody(len(out.Text)); body != "" {
		out.Text = text.Normalize(body)
	}
	return out, nil
}

// read decodes and parses a page.
func read(b []byte, declared string) (*page, charset.Encoding, error) {
	if len(b) > MaxSize {
		return nil, "", fmt.Errorf("parse page: %d bytes, the limit is %d", len(b), MaxSize)
	}
	if inPage := charset.Declared(b); inPage != "" {
		declared = inPage
	}
	s, enc, err := charset.Decode(b, declared)
	if err != nil {
		return nil, "", fmt.Errorf("parse page: %w", err)
	}
	if len(s) > 2*MaxSize {
		return nil, "", fmt.Errorf("parse page: %d bytes once decoded, the limit is %d", len(s), 2*MaxSize)
	}
	// Without scripting the content of noscript is parsed: some sites keep their
	// article there.
	root, err := html.ParseWithOptions(strings.NewReader(s), html.ParseOptionEnableScripting(false))
	if err != nil {
		if strings.Contains(err.Error(), "open stack of elements exceeds") {
			err = ErrTooDeep
		}
		return nil, "", fmt.Errorf("parse page: %w", err)
	}
	return flatten(root), enc, nil
}

// Block is one block of a page as the model sees it, for fitting and for
// explaining what became of it.
type Block struct {
	// Text is the block's text, not yet normalised.
	Text string
	// Features are the measured values, in the order of Features.
	Features []int16
	// Score is the model's sum in 1/256 of a logit; from 0 on the block is content.
	Score int
}

// Blocks returns all blocks of a page in order. It fails as Parse does.
func Blocks(b []byte, o Options) ([]Block, error) {
	p, _, err := read(b, o.Charset)
	if err != nil {
		return nil, err
	}
	rows := p.measure()
	list := make([]Block, len(rows))
	for i, row := range rows {
		list[i] = Block{Text: p.blocks[i].text, Features: row, Score: int(score(row)) - o.Bar}
	}
	return list, nil
}

// Features returns the names of a block's features.
func Features() []string { return append([]string(nil), featureNames...) }
