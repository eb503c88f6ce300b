package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/extract"
	"github.com/troikaml/troika/refine/source"
	"github.com/troikaml/troika/text"
	"github.com/troikaml/troika/text/charset"
)

// item is what was found in an input on its way to a worker: a raw document, a
// failure, or the input's end.
type item struct {
	file int // the input's place in the plan
	raw  source.Item
	fail *failure
	end  *inputEnd
}

// size is what the item holds in memory, in bytes.
func (it *item) size() int64 {
	n := len(it.raw.Body) + len(it.raw.Path)
	for _, f := range it.raw.Fields {
		n += len(f.Name) + len(f.Value)
	}
	return int64(n)
}

// failed makes the item of an error. A refine.Failure names what failed itself.
func failed(name string, err error) item {
	f := refine.Failure{Path: name, Err: reason(err)}
	if own, ok := errors.AsType[refine.Failure](err); ok {
		f = own
	}
	return item{fail: &failure{Source: f.Path, Line: f.Line, Error: f.Err.Error()}}
}

// extract makes the document of an item.
func (r *runner) extract(it *item) (*refine.Document, error) {
	raw := &it.raw
	var err error
	d := &refine.Document{ID: raw.Path, Source: raw.Path, Title: raw.Title, Raw: raw.Raw}
	if r.Recipe.Input.FolderLabels {
		if label, _, ok := strings.Cut(raw.Path, "/"); ok {
			d.Label = label
		}
	}
	lang := ""
	if r.Recipe.Input.Languages {
		lang, d.Group = languageOf(cmp.Or(raw.URL, raw.Path))
	}
	switch raw.MediaType {
	case source.Row:
		err = r.Recipe.Input.row(raw, d)
	case source.HTML:
		var p extract.Page
		p, err = extract.Parse(raw.Body, extract.Options{Charset: raw.Charset})
		d.Title, d.Text, d.Licence, d.Lang = p.Title, p.Text, p.Licence, tagOf(p.Lang)
	case source.Markdown:
		if d.Text, err = decodeText(raw); err == nil {
			d.Text = text.Normalize(skipFrontMatter(d.Text))
			d.Title = cmp.Or(topHeading(d.Text), d.Title)
		}
	case source.Plain:
		if d.Text, err = decodeText(raw); err == nil {
			d.Text = text.Normalize(d.Text)
		}
	default:
		err = fmt.Errorf("items of type %q are not read", raw.MediaType)
	}
	if err != nil {
		return nil, err
	}
	if d.Lang = cmp.Or(lang, d.Lang); d.Lang == "" {
		d.Lang = refine.GuessLang(d.Text)
	}
	return d, nil
}

// tagOf returns a page's lang attribute as a tag, or empty where it is none.
func tagOf(attribute string) string {
	tag, err := language.Parse(attribute)
	if err != nil || tag == language.Und {
		return ""
	}
	return tag.String()
}

// decodeText returns the text of an item in any encoding.
func decodeText(raw *source.Item) (string, error) {
	s, _, err := charset.Decode(raw.Body, raw.Charset)
	if err != nil {
		return "", err
	}
	if before, _, found := strings.Cut(s, "\x00"); found {
		return "", fmt.Errorf("character %d is NUL: not a text", utf8.RuneCountInString(before))
	}
	return s, nil
}

// skipFrontMatter cuts off the settings with which some Markdown files begin.
func skipFrontMatter(s string) string {
	for _, mark := range []string{"---", "+++"} {
		if rest, ok := strings.CutPrefix(s, mark+"\n"); ok {
			if _, body, ok := strings.Cut(rest, "\n"+mark+"\n"); ok {
				return body
			}
		}
	}
	return s
}

// topHeading returns the heading with which a text in Markdown begins, or "".
func topHeading(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	title, ok := strings.CutPrefix(line, "# ")
	if !ok {
		return ""
	}
	return strings.TrimSpace(title)
}

// reason strips the path from an error that is told beside it.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
