package decontaminate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/decontaminate"
)

const (
	question = "A carriage is drawn by three horses over a hill of four hundred metres in ten minutes; how fast is it on average?"
	chinese  = "三匹马拉着一辆车用十分钟翻过一座四百米的山坡，请问平均速度是多少？"
)

func items() []decontaminate.Item {
	return []decontaminate.Item{
		{Benchmark: "math", ID: "1", Texts: []string{question, "40 metres a minute"}},
		{Benchmark: "math", ID: "2", Texts: []string{"too short to find"}},
		{Benchmark: "zh", ID: "1", Texts: []string{chinese}},
	}
}

func newSet(t testing.TB, s decontaminate.Settings, items []decontaminate.Item) *decontaminate.Set {
	t.Helper()
	set, err := decontaminate.NewSet(s, items)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestMatch(t *testing.T) {
	set := newSet(t, decontaminate.Defaults(), items())
	if set.Short != 1 || set.Items() != 3 {
		t.Errorf("%d short of %d items", set.Short, set.Items())
	}
	for in, want := range map[string]string{
		"":                                  "",
		"Nothing of it is in this one.":     "",
		"Homework: " + question + " Thanks": "math#1 11/11",
		"“A CARRIAGE is drawn by three horses over a hill of four hundred metres” is a line": "math#1 2/11",
		"a carriage is drawn by two horses over a hill of four hundred metres in ten hours":  "",
		"题目：" + chinese:                  "zh#1 19/19",
		question + "\n" + chinese:        "math#1 11/11 zh#1 19/19",
		"40 metres a minute, they said.": "",
	} {
		var got []string
		for _, h := range set.Match(in) {
			got = append(got, fmt.Sprintf("%s#%s %d/%d", h.Benchmark, h.ID, h.Shared, h.Of))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", in, got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	partly := "A carriage is drawn by three horses over a hill of four hundred"
	s := decontaminate.Defaults()
	s.MinHits = 2
	if hits := newSet(t, s, items()).Match(partly); len(hits) != 0 {
		t.Errorf("one n-gram where two are asked for: %v", hits)
	}
	s = decontaminate.Defaults()
	s.MinShare = 0.5
	if hits := newSet(t, s, items()).Match(partly); len(hits) != 0 {
		t.Errorf("a tenth where half is asked for: %v", hits)
	}
	s = decontaminate.Defaults()
	s.MaxItems = 2
	var same []decontaminate.Item
	for i := range 3 {
		same = append(same, decontaminate.Item{Benchmark: "b", ID: fmt.Sprint(i), Texts: []string{question}})
	}
	set := newSet(t, s, same)
	if hits := set.Match(question); len(hits) != 0 || set.Boilerplate != 11 {
		t.Errorf("boilerplate: %v, %d n-grams left out", hits, set.Boilerplate)
	}
	if _, err := decontaminate.New(set); !errors.Is(err, decontaminate.ErrEmpty) {
		t.Errorf("a set of nothing: %v", err)
	}
	for _, bad := range []decontaminate.Settings{{}, {Words: 13, MinHits: 1, MaxItems: 1, MinShare: 2}} {
		if _, err := decontaminate.NewSet(bad, nil); err == nil {
			t.Errorf("%+v passed", bad)
		}
	}
	if _, err := decontaminate.NewSet(decontaminate.Defaults(), append(items(), items()[0])); err == nil {
		t.Error("two items of one name passed")
	}
}

func TestDigest(t *testing.T) {
	a := newSet(t, decontaminate.Defaults(), items())
	turned := items()
	slices.Reverse(turned)
	if b := newSet(t, decontaminate.Defaults(), turned); a.Digest() != b.Digest() {
		t.Error("the order of items makes a difference")
	}
	s := decontaminate.Defaults()
	s.MinHits = 2
	if b := newSet(t, s, items()); a.Digest() == b.Digest() {
		t.Error("other settings make no difference")
	}
}

func TestRead(t *testing.T) {
	got, failures, err := decontaminate.Read(fstest.MapFS{
		"math/gsm.jsonl": {Data: []byte(`{"id":"x","question":"how many","choices":["one","two"],"n":3}` + "\n\n{broken\n" + `{"id":"only"}` + "\n" + strings.Repeat(`{"a":`, 20) + `"x"` + strings.Repeat("}", 20))},
		"essay.txt":      {Data: []byte("a text")},
		".hidden.jsonl":  {Data: []byte("x")},
		"_skip/a.txt":    {Data: []byte("x")},
		"table.csv":      {Data: []byte("x")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []decontaminate.Item{
		{Benchmark: "essay", ID: "1", Texts: []string{"a text"}},
		{Benchmark: "math/gsm", ID: "1", Texts: []string{"how many", "one", "two"}},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("items %v, want %v", got, want)
	}
	var at []string
	for _, f := range failures {
		at = append(at, fmt.Sprint(f.Path, ":", f.Line))
	}
	if want := "math/gsm.jsonl:3 math/gsm.jsonl:4 math/gsm.jsonl:5 table.csv:0"; strings.Join(at, " ") != want {
		t.Errorf("failures %v, want %s", failures, want)
	}
}

func TestReport(t *testing.T) {
	set := newSet(t, decontaminate.Defaults(), items())
	var r decontaminate.Report
	r.Add("b.html", set.Match(chinese+question))
	r.Add("a.html", set.Match(question))
	var out bytes.Buffer
	if _, err := r.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	want := `{"benchmark":"math","id":"1","shared":11,"of":11,"document":"a.html"}
{"benchmark":"math","id":"1","shared":11,"of":11,"document":"b.html"}
{"benchmark":"zh","id":"1","shared":19,"of":19,"document":"b.html"}
`
	if out.String() != want {
		t.Errorf("report\n%swant\n%s", &out, want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"q":"a b","c":[["d"],{"e":"f"}]}` + "\n{\n\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, _, err := decontaminate.Read(fstest.MapFS{"b.jsonl": {Data: raw}})
		if err != nil {
			t.Fatal(err)
		}
		set := newSet(t, decontaminate.Settings{Words: 2, MinHits: 1, MaxItems: 100}, got)
		for _, item := range got {
			for _, s := range item.Texts {
				set.Match(s)
			}
		}
	})
}

func Example() {
	set, err := decontaminate.NewSet(decontaminate.Defaults(), []decontaminate.Item{
		{Benchmark: "riddles", ID: "7", Texts: []string{"What has four legs in the morning, two at noon and three in the evening of its days?"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	filter, err := decontaminate.New(set)
	if err != nil {
		fmt.Println(err)
		return
	}
	d := refine.Document{Text: "The Sphinx asked: what has four legs in the morning, two at noon, and three in the evening?"}
	v, err := filter.Apply(context.Background(), &d)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %.2f\n", v.Drop.Rule, v.Drop.Value)
	// Output:
	// contaminated:riddles#7 0.50
}
