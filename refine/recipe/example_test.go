package recipe_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/troikaml/troika/refine/recipe"
)

func Example() {
	dir, err := os.MkdirTemp("", "recipe")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	rows := `{"id":"a","text":"The same text, word for word."}
{"id":"b","text":"The same text,  word for word."}
{"id":"c","text":"Short."}
`
	in := filepath.Join(dir, "rows.jsonl")
	if err := os.WriteFile(in, []byte(rows), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	r, err := recipe.Open("docs-company")
	if err != nil {
		fmt.Println(err)
		return
	}
	out := filepath.Join(dir, "out")
	report, err := recipe.Run(context.Background(), recipe.Options{Inputs: []string{in}, Recipe: r, Out: out})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d of %d kept\n", report.Counts.Kept, report.Counts.Documents)
	for _, name := range []string{"b", "c"} {
		decisions, err := recipe.Explain(out, name)
		if err != nil {
			fmt.Println(err)
			return
		}
		d := decisions[0].Drop
		fmt.Printf("%s: %s, %s is %g, threshold %g %s\n", name, d.Step, d.Rule, d.Value, d.Threshold, d.Twin)
	}
	// Output:
	// 1 of 3 kept
	// b: exact-dedup, duplicate is 2, threshold 1 a
	// c: min-length, too-short is 6, threshold 20
}
