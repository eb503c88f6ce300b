package docx

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/troikaml/troika/refine/source/archive"
)

// maxDepth bounds the nesting of elements; Word itself stays far below.
const maxDepth = 512

// The reasons for which documents are refused.
var (
	ErrDepth  = errors.New("elements nested too deeply")
	ErrSize   = errors.New("too large")
	ErrNoText = errors.New("no document part: not a Word document")
)

// Options bound reading.
type Options struct {
	// MaxPart bounds the decompressed bytes of a part.
	MaxPart int64
	// MaxText bounds the bytes of the text.
	MaxText int64
	// Wrap is put around decompressed bytes, to count them. It may be nil.
	Wrap func(io.Reader) io.Reader
}

// Document is what a file says.
type Document struct {
	// Title is the title among the document's properties; often empty.
	Title string
	// Markdown is the text.
	Markdown string
}

// Read reads a document of size bytes.
func Read(r io.ReaderAt, size int64, o Options) (Document, error) {
	if o.Wrap == nil {
		o.Wrap = func(r io.Reader) io.Reader { return r }
	}
	parts := map[string]archive.Member{}
	for m, err := range archive.Zip(r, size) {
		if err == nil {
			parts[m.Name] = m
			continue
		}
		if bad, ok := errors.AsType[*archive.MemberError](err); !ok || strings.HasPrefix(bad.Name, "word/") {
			return Document{}, err
		}
	}
	f := &file{parts: parts, o: o}
	main, err := f.mainPart()
	if err != nil {
		return Document{}, err
	}
	dir := path.Dir(main)
	w := &writer{limit: o.MaxText}
	if w.styles, err = f.styles(path.Join(dir, "styles.xml")); err != nil {
		return Document{}, err
	}
	if w.lists, err = f.numbering(path.Join(dir, "numbering.xml")); err != nil {
		return Document{}, err
	}
	if err := f.each(main, func(d *decoder) error { return w.blocks(d, w.block) }); err != nil {
		return Document{}, err
	}
	for _, kind := range []string{"footnote", "endnote"} {
		err := f.each(path.Join(dir, kind+"s.xml"), func(d *decoder) error { return w.notes(d, kind) })
		if err != nil {
			return Document{}, err
		}
	}
	doc := Document{Markdown: w.out.String()}
	doc.Title, err = f.title()
	return doc, err
}

// file is a document's zip file.
type file struct {
	parts map[string]archive.Member
	o     Options
}

// each calls read with the elements of a part; a part that is missing is empty.
func (f *file) each(name string, read func(*decoder) error) error {
	m, ok := f.parts[name]
	if !ok {
		return nil
	}
	r, err := m.Open()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer r.Close() //nolint:errcheck // only read
	limited := &io.LimitedReader{R: f.o.Wrap(r), N: f.o.MaxPart + 1}
	err = read(&decoder{x: xml.NewDecoder(limited)})
	if limited.N <= 0 {
		err = fmt.Errorf("%w: over %d bytes", ErrSize, f.o.MaxPart)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// mainPart finds the part that holds the text, by the package's relationships.
func (f *file) mainPart() (string, error) {
	main := "word/document.xml"
	err := f.each("_rels/.rels", func(d *decoder) error {
		return d.elements(func(e xml.StartElement) error {
			if e.Name.Local == "Relationship" && strings.HasSuffix(attr(e, "Type"), "/officeDocument") {
				main = strings.TrimPrefix(path.Clean("/"+attr(e, "Target")), "/")
			}
			return nil
		})
	})
	if _, ok := f.parts[main]; !ok && err == nil {
		err = ErrNoText
	}
	return main, err
}

// title reads the title among the core properties.
func (f *file) title() (title string, err error) {
	err = f.each("docProps/core.xml", func(d *decoder) error {
		return d.elements(func(e xml.StartElement) error {
			if e.Name.Local != "title" {
				return nil
			}
			text, err := d.text()
			title = strings.TrimSpace(text)
			return err
		})
	})
	return title, err
}

// decoder reads XML and bounds its nesting.
type decoder struct {
	x     *xml.Decoder
	depth int
}

func (d *decoder) next() (xml.Token, error) {
	t, err := d.x.Token()
	switch t.(type) {
	case xml.StartElement:
		if d.depth++; d.depth > maxDepth {
			return nil, ErrDepth
		}
	case xml.EndElement:
		d.depth--
	}
	return t, err
}

// elements calls visit for every element to the end of the part.
func (d *decoder) elements(visit func(xml.StartElement) error) error {
	for {
		t, err := d.next()
		if err == io.EOF { //nolint:errorlint // encoding/xml returns io.EOF itself
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := visit(e); err != nil {
				return err
			}
		}
	}
}

// inside calls visit for every element within the one that was just opened,
// until it closes. A visit may read on to the end of its element.
func (d *decoder) inside(visit func(xml.StartElement) error) error {
	for depth := d.depth; ; {
		t, err := d.next()
		if err != nil {
			return unexpected(err)
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := visit(e); err != nil {
				return err
			}
		} else if d.depth < depth {
			return nil
		}
	}
}

// skip reads to the end of the element that was just opened.
func (d *decoder) skip() error {
	return d.inside(func(xml.StartElement) error { return nil })
}

// text returns the character data of the element that was just opened.
func (d *decoder) text() (string, error) {
	var b strings.Builder
	for depth := d.depth; ; {
		t, err := d.next()
		if err != nil {
			return "", unexpected(err)
		}
		if c, ok := t.(xml.CharData); ok {
			b.Write(c)
		}
		if d.depth < depth {
			return b.String(), nil
		}
	}
}

func unexpected(err error) error {
	if err == io.EOF { //nolint:errorlint // encoding/xml returns io.EOF itself
		return io.ErrUnexpectedEOF
	}
	return err
}

// attr returns an attribute by its local name.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
