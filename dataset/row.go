package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine"
)

// idDigits is how many digits of a digest name a row that has no ID.
const idDigits = 16

// row is a line of JSONL that is a text, with or without a label or a translation, or a
// conversation.
type row struct {
	ID       json.RawMessage `json:"id"`
	Text     *string         `json:"text"`
	Label    *string         `json:"label"`
	Messages json.RawMessage `json:"messages"`
	// Input is there where a conversation is a preference.
	Input  json.RawMessage `json:"input"`
	Source string          `json:"source"`
	Lang   string          `json:"lang"`
	Group  string          `json:"group"`
	// Licence is a string, or of no use.
	Licence json.RawMessage `json:"licence"`
	License json.RawMessage `json:"license"`
	// Translation says the same as Text, in TranslationLang.
	Translation     *string `json:"translation"`
	TranslationLang string  `json:"translation_lang"`
	// Cluster is that of the step that found near-duplicates.
	Cluster string `json:"cluster"`
}

// id returns the row's own ID, a string or a number, or "".
func (r *row) id() (string, error) {
	if absent(r.ID) {
		return "", nil
	}
	var s string
	if json.Unmarshal(r.ID, &s) == nil {
		return s, nil
	}
	var n json.Number
	if json.Unmarshal(r.ID, &n) != nil {
		return "", errors.New(`field "id" is neither a string nor a number`)
	}
	return n.String(), nil
}

// maxLicence bounds a licence in characters.
const maxLicence = 500

// licence returns what the row says of its terms, or "".
func (r *row) licence() string {
	for _, raw := range []json.RawMessage{r.Licence, r.License} {
		var s string
		if absent(raw) || json.Unmarshal(raw, &s) != nil {
			continue
		}
		if s = strings.Join(strings.Fields(s), " "); s == "" || utf8.RuneCountInString(s) > maxLicence {
			continue
		}
		if known, err := ParseLicence(s); err == nil {
			return known
		}
		return s
	}
	return ""
}

// rowReader collects the records of one or several files of rows, which must be
// of one kind all.
type rowReader struct {
	records []Record
	// kind and labelled are those of the first row.
	kind     string
	labelled bool
	// places are where the IDs that rows brought were met, repeats how often IDs
	// that were made of the content.
	places  map[string]string
	repeats map[string]int
	// labels are those that rows may have, empty for any; set says whose they are.
	labels []string
	set    string
}

// The kinds of rows.
const (
	rowText = "text"
	rowPair = "translation"
	rowChat = "messages"
)

func newRowReader(labels []string) *rowReader {
	return &rowReader{places: map[string]string{}, repeats: map[string]int{}, labels: labels, set: "those that were declared"}
}

// learned makes the labels so far those that the rows to come may have, unless some
// were declared: a label that training does not show cannot be learned.
func (rr *rowReader) learned() {
	if len(rr.labels) == 0 {
		rr.labels, rr.set = labelsOf(rr.records), "those of the training split"
	}
}

// allowed refuses a label outside the set.
func (rr *rowReader) allowed(label string) error {
	if len(rr.labels) == 0 || slices.Contains(rr.labels, label) {
		return nil
	}
	const shown = 20
	list := strings.Join(rr.labels[:min(len(rr.labels), shown)], ", ")
	if n := len(rr.labels) - shown; n > 0 {
		list += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf("label %.80q is not one of %s: %s", label, rr.set, list)
}

// read reads JSONL. All lines that are wrong make a [refine.Failures]. source is
// that of rows that do not say themselves; prefix is put before the IDs that rows
// bring.
func (rr *rowReader) read(in io.Reader, name, source, prefix string) error {
	return decodeLines(in, name, func(line refine.Line) error {
		return rr.add(line.Bytes, fmt.Sprintf("%s:%d", name, line.Number), source, prefix)
	})
}

// add adds one row, which stood at a place that errors name.
func (rr *rowReader) add(line []byte, place, source, prefix string) error {
	var in row
	if err := refine.DecodeLine(line, &in); err != nil {
		return err
	}
	kind := rowText
	if in.Text == nil && !(absent(in.Messages) && absent(in.Input)) {
		kind = rowChat
	} else if in.Text != nil && in.Translation != nil {
		kind = rowPair
	}
	if rr.kind == "" {
		rr.kind, rr.labelled = kind, in.Label != nil
	}
	var r Record
	var err error
	switch {
	case kind == rowText && in.Text == nil:
		return errors.New(`neither "text" nor "messages" is there`)
	case kind != rr.kind:
		return fmt.Errorf("field %q: the rows before have %q", kind, rr.kind)
	case kind == rowChat:
		r, err = rr.chat(line)
	case kind == rowPair:
		r, err = pairRecord(&in)
	default:
		r, err = rr.text(&in)
	}
	if err != nil {
		return err
	}
	r.Source, r.Licence, r.Lang, r.Group, r.Cluster = in.Source, in.licence(), in.Lang, in.Group, in.Cluster
	if r.Source == "" {
		r.Source = source
	}
	if r.Lang == "" {
		r.Lang = refine.GuessLang(r.said(false))
	}
	r.Raw = troika.Sum(line)
	if r.ID, err = rr.name(&in, &r, place, prefix); err != nil {
		return err
	}
	rr.records = append(rr.records, r)
	return nil
}

func (rr *rowReader) chat(line []byte) (Record, error) {
	e, err := parseExample(line)
	if err != nil {
		return Record{}, err
	}
	return chatRecord(e), nil
}

// pairRecord makes a question for its translation of a text.
func pairRecord(in *row) (Record, error) {
	to, err := language.Parse(in.TranslationLang)
	if err != nil {
		return Record{}, fmt.Errorf("field \"translation_lang\" is %q, which is no language", in.TranslationLang)
	}
	question := fmt.Sprintf("Translate into %s: %s", display.English.Tags().Name(to), *in.Text)
	var r Record
	for _, m := range []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}{{roleUser, question}, {roleAssistant, *in.Translation}} {
		line, err := appendLine(nil, m)
		if err != nil {
			return Record{}, err
		}
		r.Messages = append(r.Messages, bytes.TrimSuffix(line, []byte("\n")))
	}
	if _, err := exampleOf(chatLine{Messages: r.Messages}); err != nil {
		return Record{}, err
	}
	return r, nil
}

func (rr *rowReader) text(in *row) (Record, error) {
	r := Record{Text: *in.Text}
	switch {
	case rr.labelled && (in.Label == nil || strings.TrimSpace(*in.Label) == ""):
		return r, errors.New(`field "label" is missing or empty, though other rows have one`)
	case !rr.labelled && in.Label != nil:
		return r, errors.New(`field "label" is there, though the rows before have none`)
	case rr.labelled:
		r.Label = strings.TrimSpace(*in.Label)
	}
	return r, rr.allowed(r.Label)
}

// name returns the ID of a row: its own, or one made of what it says, so that it
// does not change when rows before it come and go. Rows that say the same are
// numbered from the second on.
func (rr *rowReader) name(in *row, r *Record, place, prefix string) (string, error) {
	id, err := in.id()
	if err != nil {
		return "", err
	}
	if id != "" {
		id = prefix + id
		if first, twice := rr.places[id]; twice {
			return "", fmt.Errorf("the ID %q is that of %s, too", id, first)
		}
		rr.places[id] = place
		return id, nil
	}
	content := troika.Sum([]byte(r.Text))
	if r.Messages != nil {
		b, err := appendLine(nil, Record{Messages: r.Messages, Tools: r.Tools})
		if err != nil {
			return "", err
		}
		content = troika.Sum(b)
	}
	id = content.Hex()[:idDigits]
	rr.repeats[id]++
	if n := rr.repeats[id]; n > 1 {
		id = fmt.Sprintf("%s-%d", id, n)
	}
	return id, nil
}
