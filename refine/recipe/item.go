package recipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/html"
	"github.com/troikaml/troika/refine/markdown"
	"github.com/troikaml/troika/refine/source"
	"github.com/troikaml/troika/text"
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
func (r *runner) extract(_ context.Context, it *item) (*refine.Document, error) {
	raw := &it.raw
	var err error
	d := &refine.Document{ID: raw.Path, Source: raw.Path, Title: raw.Title, Raw: raw.Raw}
	if r.Recipe.Input.FolderLabels {
		if label, _, ok := strings.Cut(raw.Path, "/"); ok {
			d.Label = label
		}
	}
	switch raw.MediaType {
	case source.Row:
		err = r.Recipe.Input.row(raw, d)
	case source.HTML:
		var p html.Page
		p, err = html.Parse(raw.Body)
		d.Title, d.Text, d.Lang = p.Title, p.Text, p.Lang
	case source.Markdown:
		if err = checkUTF8(raw.Body); err == nil {
			var title string
			title, d.Text = markdown.Parse(raw.Body)
			if d.Title == "" {
				d.Title = title
			}
		}
	case source.Plain:
		if err = checkUTF8(raw.Body); err == nil {
			d.Text = text.Normalize(string(raw.Body))
		}
	default:
		err = fmt.Errorf("items of type %q are not read", raw.MediaType)
	}
	if d.Lang == "" {
		d.Lang = refine.GuessLang(d.Text)
	}
	return d, err
}

func checkUTF8(b []byte) error {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return fmt.Errorf("byte %d is NUL: not a text", i)
	}
	if !utf8.Valid(b) {
		return errors.New("not UTF-8")
	}
	return nil
}

// reason strips the path from an error that is told beside it.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
