package source

import (
	"time"

	"github.com/troikaml/troika"
)

// The media types of items. A page or text keeps the bytes that were found; the
// readers of PDF, DOCX and tables make Plain and Markdown of their own, which
// is UTF-8 and says so in Charset.
const (
	HTML     = "text/html"
	Plain    = "text/plain"
	Markdown = "text/markdown"
	// Row says that an item has Fields and no Body.
	Row = "application/json"
)

// Item is one raw page, text, document or row. The receiver owns it.
type Item struct {
	// Path says where the item was found and is different for every item of a
	// walk: the name of the file, with members and parts.
	Path string
	// MediaType is HTML, Plain, Markdown or Row.
	MediaType string
	// Body holds the bytes as they were found, decompressed, at most
	// Limits.Item of them.
	Body []byte
	// Charset is what the bytes were declared to be (by an HTTP header, a byte
	// order mark or the reader that made the text); empty where nothing outside
	// of Body says. A declaration may be wrong.
	Charset string
	// Fields are the cells of a row, in the order of its columns.
	Fields []Field
	// Title is what the document's own properties call it, if they do.
	Title string
	// URL and Date are where and when a crawler got the item.
	URL  string
	Date time.Time
	// Raw is the digest of the bytes from which the item was made: of the file
	// or member, of the record's payload, or of the row.
	Raw troika.Digest
}

// Field is one cell of a row.
type Field struct {
	// Name is the column's header or the key of the JSON object. A column
	// without a header is called "column N", N counting from 1.
	Name string
	// Value is the text of the cell, UTF-8.
	Value string
	// JSON says that Value is the JSON of something that is no string.
	JSON bool
}

// Field returns the value of the first field of that name.
func (it Item) Field(name string) (string, bool) {
	for _, f := range it.Fields {
		if f.Name == name {
			return f.Value, true
		}
	}
	return "", false
}
