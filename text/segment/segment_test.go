package segment_test

import (
	"fmt"

	"github.com/troikaml/troika/text/segment"
)

func ExampleEnglish() {
	for _, w := range segment.English(nil, "Don't pay $5.50 (e.g. to foo.com).") {
		fmt.Printf("%s|", w.Text)
	}
	// Output: Do|n't|pay|$|5.50|(|e.g.|to|foo.com|)|.|
}
