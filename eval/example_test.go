package eval_test

import (
	"context"
	"fmt"
	"os"

	"github.com/troikaml/troika/eval"
)

// The weakest baseline on a test split of four: always the majority class.
func Example() {
	test := []eval.Example{
		{ID: "1", Text: "Dial connects to the address.", Label: "net"},
		{ID: "2", Text: "Listen announces on the local address.", Label: "net"},
		{ID: "3", Text: "Sqrt returns the square root of x.", Label: "math"},
		{ID: "4", Text: "LookupHost resolves a name.", Label: "net"},
	}
	result, _, err := eval.Evaluate(context.Background(), eval.Constant("net"),
		eval.Labels(test), test, eval.Resampling{})
	if err != nil {
		fmt.Println(err)
		return
	}
	report := eval.Report{Dataset: "four symbols", Majority: result}
	if err := report.WriteTable(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// system          accuracy [95 %]       macro-F1 [95 %]
	// majority class  0.750 [0.250, 1.000]  0.429 [0.200, 0.500]
}
