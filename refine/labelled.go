package refine

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/text"
)

// MaxLine bounds the bytes of one line of JSONL.
const MaxLine = 4 << 20

// labelledLine is a line of labelled JSONL.
type labelledLine struct {
	ID    string  `json:"id"`
	Text  *string `json:"text"`
	Label *string `json:"label"`
	Lang  string  `json:"lang"`
	Group string  `json:"group"`
}

// ReadLabelled reads labelled JSONL, one {"text": ..., "label": ...} a line,
// with id, lang and group if wanted; other fields are ignored. Without an id a
// document is named name:line. Empty lines are skipped. A line that is over
// MaxLine bytes, not UTF-8, not a JSON object or without text or label is a
// failure with its line number; reading goes on at the next line. name is the
// file's name in IDs and failures.
func ReadLabelled(r io.Reader, name string) ([]Document, Failures) {
	var docs []Document
	var failures Failures
	for line, err := range Lines(r, MaxLine) {
		if err == nil && len(bytes.TrimSpace(line.Bytes)) == 0 {
			continue
		}
		var doc Document
		if err == nil {
			doc, err = labelledDocument(line.Bytes)
		}
		if err != nil {
			failures = append(failures, Failure{Path: name, Line: line.Number, Err: err})
			continue
		}
		doc.Source = fmt.Sprintf("%s:%d", name, line.Number)
		if doc.ID == "" {
			doc.ID = doc.Source
		}
		docs = append(docs, doc)
	}
	return docs, failures
}

func labelledDocument(line []byte) (Document, error) {
	var in labelledLine
	if err := DecodeLine(line, &in); err != nil {
		return Document{}, err
	}
	switch {
	case in.Text == nil:
		return Document{}, errors.New(`field "text" is missing`)
	case in.Label == nil || strings.TrimSpace(*in.Label) == "":
		return Document{}, errors.New(`field "label" is missing or empty`)
	}
	doc := Document{
		ID: in.ID, Text: text.Normalize(*in.Text), Label: strings.TrimSpace(text.Normalize(*in.Label)),
		Lang: in.Lang, Group: in.Group, Raw: troika.Sum(line),
	}
	if doc.Text == "" {
		return Document{}, errors.New(`field "text" is empty`)
	}
	if doc.Lang == "" {
		doc.Lang = GuessLang(doc.Text)
	}
	return doc, nil
}

// DecodeLine decodes one JSON object into v. The error says at which byte of
// the line the syntax breaks, counting from 1, and which field has a wrong
// type. Invalid UTF-8 and anything after the object are errors.
func DecodeLine(line []byte, v any) error {
	if !utf8.Valid(line) {
		return fmt.Errorf("byte %d is not UTF-8", invalidAt(line)+1)
	}
	trimmed := bytes.TrimSpace(line)
	if len(trimmed) == 0 || trimmed[0] != '{' {
		return errors.New("not a JSON object")
	}
	err := json.Unmarshal(line, v)
	if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("broken JSON at byte %d: %s", bad.Offset, bad.Error())
	}
	if bad, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("field %q is a JSON %s", bad.Field, bad.Value)
	}
	return err
}

func invalidAt(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// Line is a line of a file.
type Line struct {
	// Number counts from 1.
	Number int
	// Bytes is the line without its line end, valid until the next step.
	Bytes []byte
}

// ErrLineTooLong says that a line was over the limit and was skipped.
var ErrLineTooLong = errors.New("line too long")

// Lines yields the lines of r. A line over limit bytes comes without its bytes
// and with an error that wraps ErrLineTooLong; the lines after it follow. An
// error of r itself comes last, with the number of the line that it broke. A
// byte order mark before the first line is dropped.
func Lines(r io.Reader, limit int) func(yield func(Line, error) bool) {
	return func(yield func(Line, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		var buf []byte
		for number := 1; ; number++ {
			size, err := readLine(in, &buf, limit)
			if err != nil && err != io.EOF { //nolint:errorlint // bufio returns io.EOF itself
				yield(Line{Number: number}, fmt.Errorf("read: %w", err))
				return
			}
			if size == 0 && err == io.EOF { //nolint:errorlint // as above
				return
			}
			line := Line{Number: number, Bytes: buf}
			var bad error
			if size > limit {
				line.Bytes, bad = nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrLineTooLong, size, limit)
			} else if number == 1 {
				line.Bytes = bytes.TrimPrefix(buf, []byte("\xEF\xBB\xBF"))
			}
			if !yield(line, bad) || err != nil {
				return
			}
		}
	}
}

// readLine reads one line, keeps at most limit bytes of it and a few more in
// buf, without the line end, and returns the line's length, at least 1 unless
// the input is at its end.
func readLine(in *bufio.Reader, buf *[]byte, limit int) (size int, err error) {
	*buf = (*buf)[:0]
	for {
		part, err := in.ReadSlice('\n')
		size += len(part)
		if room := limit + 2 - len(*buf); room > 0 {
			*buf = append(*buf, part[:min(len(part), room)]...)
		}
		if err == bufio.ErrBufferFull { //nolint:errorlint // bufio returns it as it is
			continue
		}
		if size == 0 {
			return 0, err
		}
		*buf = bytes.TrimSuffix(*buf, []byte("\n"))
		*buf = bytes.TrimSuffix(*buf, []byte("\r"))
		end := len(part) - len(bytes.TrimRight(part, "\r\n"))
		return max(size-end, 1), err
	}
}
