package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/dataset"
)

func TestFileOf(t *testing.T) {
	for source, want := range map[string]string{
		"help/page.html": "help/page.html", "rows.jsonl#12": "rows.jsonl", "pages.zip#a/b.html": "pages.zip", "rows.jsonl:7": "rows.jsonl",
		"C:": "C:", "a:b": "a:b", "": "",
	} {
		if got := fileOf(source); got != want {
			t.Errorf("%q is of %q, want %q", source, got, want)
		}
	}
}

// The licences of many files are counted in full and shown in part, the most used first.
func TestLicences(t *testing.T) {
	docs := make([]dataset.Record, 0, 2*shownRows)
	for i := range 2 * shownRows {
		docs = append(docs, dataset.Record{Source: fmt.Sprintf("pages/%03d.html", i/2), Licence: []string{"MIT", ""}[min(i%4, 1)]})
	}
	all := tally(dataset.Card{}, docs)
	var got []string
	for _, row := range all[0].Rows {
		got = append(got, strings.Join(row, " "))
	}
	if want := []string{"NOASSERTION 200 300 0", "MIT 100 100 0"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	files := all[1]
	if len(files.Rows) != shownRows || files.All != 300 || files.Left() != 100 || strings.Join(files.Rows[0], " ") != "pages/001.html NOASSERTION 2 0" {
		t.Errorf("%d of %d rows, first %q", len(files.Rows), files.All, files.Rows[0])
	}
	if all = tally(dataset.Card{Licence: "CC0-1.0"}, docs); strings.Join(all[0].Rows[0], " ") != "CC0-1.0 200 300 300" {
		t.Errorf("by the card: %q", all[0].Rows[0])
	}
}
