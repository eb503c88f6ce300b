package source

import (
	"bytes"
	"errors"
	"mime"
	"strconv"
	"strings"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine/source/warc"
)

// mediaKinds maps the media types of a crawl to formats; what is missing is
// left out.
var mediaKinds = map[string]kind{
	"text/html": htmlPage, "application/xhtml+xml": htmlPage,
	"text/plain": plainText, "text/markdown": markdownText,
	"text/csv": commaTable, "text/tab-separated-values": tabTable,
	"application/pdf": pdfFile,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": docxFile,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       xlsxFile,
	"application/x-ndjson": jsonLines,
}

// warc reads a WARC file, compressed or not.
func (rd *reader) warc(b blob) error {
	o := warc.Options{
		MaxBody: rd.o.Limits.Item,
		Want: func(h warc.Header) bool {
			switch h.Type {
			case "response", "resource", "conversion":
				return true
			case "continuation":
				rd.skip(part(b.path, h.Number), "continues another record")
			}
			return false
		},
		Wrap: rd.meter,
	}
	for rec, err := range warc.Records(b.r, o) {
		if bad, ok := errors.AsType[*warc.Error](err); ok {
			why := bad.Err
			if bad.URI != "" {
				why = &uriError{bad.URI, bad.Err}
			}
			err = rd.fail(part(b.path, bad.Number), 0, why)
		} else if err == nil {
			err = rd.record(b, rec)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// uriError names the page that a broken record was to hold.
type uriError struct {
	uri string
	err error
}

// Error renders reason (URI).
func (e *uriError) Error() string { return e.err.Error() + " (" + e.uri + ")" }

// Unwrap returns the reason.
func (e *uriError) Unwrap() error { return e.err }

func part(path string, n int) string { return path + "#" + strconv.Itoa(n) }

// record reads the payload of a record.
func (rd *reader) record(b blob, rec warc.Record) error {
	where := part(b.path, rec.Number)
	if rec.Status != 0 && rec.Status != 200 {
		rd.skip(where, "HTTP status "+strconv.Itoa(rec.Status))
		return nil
	}
	media, params, err := mime.ParseMediaType(rec.MediaType)
	if err != nil { // parameters are often broken
		media, _, _ = strings.Cut(rec.MediaType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	k := mediaKinds[media]
	if media == "" || media == "application/octet-stream" {
		k = sniff(rec.Body[:min(len(rec.Body), headSize)])
	}
	switch k {
	case htmlPage, plainText, markdownText, commaTable, tabTable, pdfFile, docxFile, xlsxFile, jsonLines:
	default:
		rd.skip(where, "media type "+strconv.Quote(media))
		return nil
	}
	in, err := rd.deeper(b)
	if err != nil {
		return err
	}
	in.path, in.name, in.kind = where, rec.URI, k
	in.at, in.size = bytes.NewReader(rec.Body), int64(len(rec.Body))
	in.about = Item{URL: rec.URI, Date: rec.Date, Charset: strings.ToLower(params["charset"])}
	switch k {
	case htmlPage, plainText, markdownText: // spared a copy
		it := in.about
		it.Path, it.MediaType, it.Body, it.Raw = where, textKinds[k], rec.Body, troika.Sum(rec.Body)
		return rd.emit(it)
	default:
		return rd.blob(in)
	}
}

// textKinds are the formats whose bytes are items as they are.
var textKinds = map[kind]string{htmlPage: HTML, plainText: Plain, markdownText: Markdown}
