package term_test

import (
	"fmt"
	"os"

	"github.com/troikaml/troika/internal/term"
)

func Example() {
	table := term.NewTable(
		term.Column{Title: "MODEL"},
		term.Column{Title: "ACCURACY", Align: term.Right},
	)
	table.Row("base", "0.160")
	table.Row("微调", "0.912")
	if _, err := table.WriteTo(os.Stdout); err != nil {
		fmt.Println(err)
	}
	fmt.Println("loss", term.Sparkline([]float64{4, 3.1, 2.5, 2.2, 2.1, 2.0}, 20))
	// Output:
	// MODEL  ACCURACY
	// ─────  ────────
	// base      0.160
	// 微调      0.912
	// loss █▅▃▁▁▁
}
