package docx

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// block is a piece of the text, ready to be written.
type block struct {
	text string
	item bool // of a list: no empty line between two of them
}

// writer makes Markdown.
type writer struct {
	styles map[string]look
	lists  numberings
	limit  int64
	out    strings.Builder
	item   bool // the last block was a list item
}

// block writes a block.
func (w *writer) block(b block) error {
	if strings.TrimSpace(b.text) == "" {
		return nil
	}
	if w.out.Len() > 0 {
		w.out.WriteString("\n")
		if !b.item || !w.item {
			w.out.WriteString("\n")
		}
	}
	w.item = b.item
	w.out.WriteString(b.text)
	if int64(w.out.Len()) > w.limit {
		return fmt.Errorf("%w: over %d bytes of text", ErrSize, w.limit)
	}
	return nil
}

// unseen are elements whose content is no text of the document: what was
// deleted or moved away, the second rendering of what comes in two, readings
// beside characters, pictures' old form.
var unseen = map[string]bool{
	"del": true, "moveFrom": true, "Fallback": true, "rt": true, "instrText": true,
	"sectPr": true, "tblPr": true, "tblGrid": true, "trPr": true,
}

// blocks hands on the blocks in a part.
func (w *writer) blocks(d *decoder, sink func(block) error) error {
	return d.elements(func(e xml.StartElement) error { return w.element(d, e, sink) })
}

// element reads a block where one begins.
func (w *writer) element(d *decoder, e xml.StartElement, sink func(block) error) error {
	switch {
	case e.Name.Local == "p":
		return w.paragraph(d, sink)
	case e.Name.Local == "tbl":
		return w.table(d, sink)
	case unseen[e.Name.Local]:
		return d.skip()
	}
	return nil
}

// paragraph reads a paragraph, and after it the text boxes in it.
func (w *writer) paragraph(d *decoder, sink func(block) error) error {
	var text strings.Builder
	var props look
	var boxes []block
	err := d.inside(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "pPr":
			return d.inside(func(e xml.StartElement) error {
				if e.Name.Local == "pPrChange" { // what the properties were before
					return d.skip()
				}
				props.property(e)
				return nil
			})
		case "txbxContent":
			return d.inside(func(e xml.StartElement) error {
				return w.element(d, e, func(b block) error {
					boxes = append(boxes, b)
					return nil
				})
			})
		case "t":
			s, err := d.text()
			text.WriteString(s)
			return err
		case "footnoteReference", "endnoteReference":
			text.WriteString(noteMark(strings.TrimSuffix(e.Name.Local, "Reference"), attr(e, "id")))
		default:
			if unseen[e.Name.Local] {
				return d.skip()
			}
			text.WriteString(signs[e.Name.Local])
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := sink(w.finish(strings.TrimSpace(text.String()), w.resolve(props))); err != nil {
		return err
	}
	for _, b := range boxes {
		if err := sink(b); err != nil {
			return err
		}
	}
	return nil
}

// signs are elements that stand for characters.
var signs = map[string]string{"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}

// finish puts before a paragraph what its properties make of it.
func (w *writer) finish(text string, l look) block {
	switch {
	case text == "":
		return block{}
	case l.heading > 0:
		return block{text: strings.Repeat("#", l.heading) + " " + strings.Join(strings.Fields(text), " ")}
	case l.list != "" && l.list != "0":
		indent := strings.Repeat("  ", l.level)
		return block{text: indent + w.lists.marker(l.list, l.level) + strings.ReplaceAll(text, "\n", "\n"+indent+"  "), item: true}
	default:
		return block{text: text}
	}
}

// table reads a table.
func (w *writer) table(d *decoder, sink func(block) error) error {
	var rows [][]string
	width := 0
	err := d.inside(func(e xml.StartElement) error {
		if e.Name.Local != "tr" {
			if unseen[e.Name.Local] {
				return d.skip()
			}
			return nil
		}
		row, err := w.row(d)
		rows = append(rows, row)
		width = max(width, len(row))
		return err
	})
	if err != nil || width == 0 {
		return err
	}
	var b strings.Builder
	for i, row := range rows {
		b.WriteString("|")
		for j := range width {
			cell := ""
			if j < len(row) {
				cell = row[j]
			}
			b.WriteString(" " + cell + " |")
		}
		if i == 0 {
			b.WriteString("\n|" + strings.Repeat(" --- |", width))
		}
		if i < len(rows)-1 {
			b.WriteString("\n")
		}
		// A row that is short in the file is as wide as the widest here.
		if int64(b.Len()) > w.limit {
			return fmt.Errorf("%w: over %d bytes of text", ErrSize, w.limit)
		}
	}
	return sink(block{text: b.String()})
}

// maxSpan bounds how many columns a cell may claim: Word ends at 63.
const maxSpan = 63

// row reads the cells of a row.
func (w *writer) row(d *decoder) ([]string, error) {
	var row []string
	err := d.inside(func(e xml.StartElement) error {
		switch {
		case e.Name.Local == "tc":
			text, span, err := w.cell(d)
			row = append(append(row, text), make([]string, span-1)...)
			return err
		case unseen[e.Name.Local]:
			return d.skip()
		}
		return nil
	})
	return row, err
}

// cell reads a cell and how many columns it spans.
func (w *writer) cell(d *decoder) (string, int, error) {
	var parts []string
	span := 1
	add := func(b block) error { //nolint:unparam // other sinks do fail
		if text := strings.TrimSpace(b.text); text != "" {
			parts = append(parts, text)
		}
		return nil
	}
	err := d.inside(func(e xml.StartElement) error {
		if e.Name.Local == "gridSpan" {
			if n, err := strconv.Atoi(attr(e, "val")); err == nil {
				span = min(max(n, 1), maxSpan)
			}
		}
		return w.element(d, e, add)
	})
	return cellEscapes.Replace(strings.Join(parts, "\n")), span, err
}

var cellEscapes = strings.NewReplacer("|", `\|`, "\n", "<br>")

// notes writes the foot- or endnotes behind the text.
func (w *writer) notes(d *decoder, kind string) error {
	return d.elements(func(e xml.StartElement) error {
		// Those with a type are lines between text and notes.
		if e.Name.Local != kind || attr(e, "type") != "" && attr(e, "type") != "normal" {
			return nil
		}
		var parts []string
		err := d.inside(func(inner xml.StartElement) error {
			return w.element(d, inner, func(b block) error {
				if text := strings.TrimSpace(b.text); text != "" {
					parts = append(parts, text)
				}
				return nil
			})
		})
		if err != nil || len(parts) == 0 {
			return err
		}
		return w.block(block{text: noteMark(kind, attr(e, "id")) + ": " + strings.Join(parts, " "), item: true})
	})
}

// noteMark is how Markdown refers to a note.
func noteMark(kind, id string) string {
	if kind == "endnote" {
		id = "e" + id
	}
	return "[^" + id + "]"
}
