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

func TestThin(t *testing.T) {
	few := []string{"data", "tune: 1/9 steps", "tune: 9/9 steps", "tune: done", ""}
	if got := thin(few); !slices.Equal(got, few) {
		t.Errorf("%q, want all of %q", got, few)
	}
	lines := []string{"data"}
	for i := range 100 {
		lines = append(lines, fmt.Sprintf("tune: %d/99 steps", i))
	}
	got := thin(append(lines, "tune: done"))
	if len(got) != mostProgress+2 || got[0] != "data" || got[1] != "tune: 0/99 steps" || got[mostProgress] != "tune: 99/99 steps" || got[mostProgress+1] != "tune: done" {
		t.Errorf("%q", got)
	}
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
