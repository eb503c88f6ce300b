package extract_test

import (
	"fmt"

	"github.com/troikaml/troika/refine/extract"
)

func Example() {
	page := `<html lang="en"><head><title>Ice</title></head><body>
<nav><a href="/">Home</a> <a href="/news">News</a> <a href="/about">About</a></nav>
<article><h1>Why ice floats</h1>
<p>Water is one of the few substances that take more room as a solid than as a liquid, which is why ice floats.</p>
<p>The molecules of ice are held apart by hydrogen bonds, in a lattice with more empty space than water has.</p>
</article><footer><a href="/terms">Terms</a></footer></body></html>`
	p, err := extract.Parse([]byte(page), extract.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Title, p.Lang)
	fmt.Println(p.Text)
	// Output:
	// Ice en
	// # Why ice floats
	//
	// Water is one of the few substances that take more room as a solid than as a liquid, which is why ice floats.
	//
	// The molecules of ice are held apart by hydrogen bonds, in a lattice with more empty space than water has.
}
