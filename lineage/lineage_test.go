package lineage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/lineage"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/sqlite"
)

func open(t *testing.T) (*lineage.Log, *store.DB) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	log, err := lineage.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return log, db
}

func digest(s string) troika.Digest { return troika.Sum([]byte(s)) }

func TestAncestry(t *testing.T) {
	log, _ := open(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	raw := lineage.Record{Output: digest("data"), Kind: "dataset", Inputs: []lineage.Input{{"documents", digest("raw")}}, Details: json.RawMessage(`{"n":1}`), At: at}
	tuned := lineage.Record{Output: digest("adapter"), Kind: "adapter", At: at, Inputs: []lineage.Input{
		{"base", digest("base")}, {"dataset", digest("data")}, {"validation", digest("data")},
	}}
	report := lineage.Record{Output: digest("report"), Kind: "evaluation", At: at, Inputs: []lineage.Input{
		{"adapter", digest("adapter")}, {"dataset", digest("data")},
	}}
	for _, r := range []lineage.Record{report, tuned, raw, raw} { // in any order, one of them twice
		if err := log.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	tuned.Details, report.Details = json.RawMessage("{}"), json.RawMessage("{}")
	got, err := log.Ancestry(t.Context(), digest("report"))
	if want := []lineage.Record{report, tuned, raw}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Ancestry = %+v, %v\nwant %+v", got, err, want)
	}
	got, err = log.MadeFrom(t.Context(), digest("data"))
	if err != nil || len(got) != 2 {
		t.Errorf("MadeFrom = %+v, %v", got, err)
	}
	if got, err := log.Of(t.Context(), digest("nothing")); err != nil || len(got) != 0 {
		t.Errorf("Of an unknown artefact = %v, %v", got, err)
	}
}

func TestAppendJoinsTheTransaction(t *testing.T) {
	log, db := open(t)
	failed := errors.New("the work failed")
	err := db.InTx(t.Context(), func(ctx context.Context) error {
		if err := log.Append(ctx, lineage.Record{Output: digest("x"), Kind: "dataset"}); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if got, err := log.Of(t.Context(), digest("x")); err != nil || len(got) != 0 {
		t.Errorf("a record outlived its transaction: %v, %v", got, err)
	}
}

func TestAppendRefuses(t *testing.T) {
	log, _ := open(t)
	x := digest("x")
	for name, r := range map[string]lineage.Record{
		"no output":     {Kind: "dataset"},
		"no kind":       {Output: x},
		"unknown input": {Output: x, Kind: "dataset", Inputs: []lineage.Input{{Role: "raw"}}},
		"own input":     {Output: x, Kind: "dataset", Inputs: []lineage.Input{{"raw", x}}},
		"array details": {Output: x, Kind: "dataset", Details: json.RawMessage("[]")},
		"null details":  {Output: x, Kind: "dataset", Details: json.RawMessage("null")},
	} {
		if err := log.Append(t.Context(), r); err == nil {
			t.Errorf("%s: appended", name)
		}
	}
}

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(ctx, filepath.Join(dir, "troika.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	log, err := lineage.Open(ctx, db)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = log.Append(ctx, lineage.Record{
		Output: troika.Sum([]byte("cake")), Kind: "cake",
		Inputs: []lineage.Input{{Role: "flour", Digest: troika.Sum([]byte("flour"))}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	records, err := log.Of(ctx, troika.Sum([]byte("cake")))
	fmt.Println(len(records), records[0].Inputs[0].Role, err)
	// Output: 1 flour <nil>
}
