package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/refine"
)

// noValue stands for records that lack the field which slices are made by.
const noValue = "(none)"

// fieldValues returns the value of a field of each line of JSON lines that is not
// empty. Dots in the field's name lead into objects; name is that of the data.
func fieldValues(data []byte, name, field string) ([]string, error) {
	var out []string
	found := false
	for line, err := range refine.Lines(bytes.NewReader(data), dataset.MaxChatLine) {
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line.Number, err)
		}
		if len(bytes.TrimSpace(line.Bytes)) == 0 {
			continue
		}
		value, err := fieldValue(line.Bytes, strings.Split(field, "."))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: field %s: %w", name, line.Number, field, err)
		}
		found = found || value != noValue
		out = append(out, value)
	}
	if !found {
		return nil, fmt.Errorf("%s: no record has the field %s", name, field)
	}
	return out, nil
}

func fieldValue(raw json.RawMessage, path []string) (string, error) {
	for _, key := range path {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(raw, &object); err != nil {
			return "", err
		}
		var ok bool
		if raw, ok = object[key]; !ok {
			return noValue, nil
		}
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, raw)
	return compact.String(), err
}

// showSlices prints a row for each value of a field.
func (a *app) showSlices(field string, slices []eval.Slice) error {
	columns := []term.Column{{Title: field}, {Title: "examples", Align: term.Right}, {Title: "base [95 %]"}}
	if slices[0].Tuned != nil {
		columns = append(columns, term.Column{Title: "tuned [95 %]"}, term.Column{Title: "tuned - base [95 %]"})
	}
	t := term.NewTable(columns...)
	for _, s := range slices {
		row := []string{s.Value, fmt.Sprint(s.Examples), accurate(s.Base)}
		if s.Tuned != nil {
			row = append(row, accurate(*s.Tuned), fmt.Sprintf("%+.3f [%+.3f, %+.3f]", s.Gain.Value, s.Gain.Interval[0], s.Gain.Interval[1]))
		}
		t.Row(row...)
	}
	_, err := fmt.Fprint(a.Out, "\n", t.String())
	return err
}

func accurate(a eval.Accurate) string {
	return fmt.Sprintf("%.3f [%.3f, %.3f]", a.Accuracy, a.CI[0], a.CI[1])
}

// showRegressions lists the first examples that tuning lost.
func (a *app) showRegressions(lost []eval.Regression, examples int) error {
	const most = 10
	var text strings.Builder
	fmt.Fprintf(&text, "\nright before tuning and wrong after: %d of %d\n", len(lost), examples)
	for _, r := range lost[:min(most, len(lost))] {
		fmt.Fprintf(&text, "  %s: want %q, got %q\n", r.ID, sentence(r.Label, 12), sentence(r.Tuned, 12))
	}
	if n := len(lost) - most; n > 0 {
		fmt.Fprintf(&text, "  and %d more (--json lists all)\n", n)
	}
	_, err := fmt.Fprint(a.Out, text.String())
	return err
}
