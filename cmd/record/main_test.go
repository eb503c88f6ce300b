package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func Example() {
	fmt.Printf("%q\n", wrap("short\n你好世界\nlonger line\n", 6))
	// Output: ["short" "你好世" "界" "longer" " line"]
}

// The picture is well-formed XML whatever the program wrote.
func TestDraw(t *testing.T) {
	svg := draw(wrap("a < b & \"c\"\x1b[31m \x00", 20), 20)
	d := xml.NewDecoder(strings.NewReader(string(svg)))
	var names []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := token.(xml.StartElement); ok {
			names = append(names, s.Name.Local)
		}
	}
	if !slices.Contains(names, "text") {
		t.Errorf("elements %v", names)
	}
}
