package main

import (
	"fmt"
	"testing"
)

func Example() {
	h := newHold()
	h.add("Sort sorts a slice of any ordered type in ascending order.")
	fmt.Println(h.covers("See also: Sort sorts a slice of any ordered type in ascending order. It is fast."))
	fmt.Println(h.covers("Reverse reverses the elements of the slice in place."))
	// Output:
	// true
	// false
}

func TestShortTextsAreHeld(t *testing.T) {
	h := newHold()
	h.add("格式 菜单")
	if !h.covers("格式 菜单") {
		t.Error("a text of fewer words than a shingle is not held")
	}
}
