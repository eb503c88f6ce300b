package filter_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/filter"
)

func ExampleGopherQuality() {
	f := filter.GopherQualityEnglish()
	v, err := f.Apply(context.Background(), &refine.Document{Text: strings.Repeat("Too few words. ", 3)})
	fmt.Println(v.Drop.Rule, v.Drop.Value, v.Drop.Threshold, err)
	// Output: gopher-quality.words 9 50 <nil>
}

func TestGopherQualityKeeps(t *testing.T) {
	text := strings.Repeat("The quality of a page shows in the words that people have with them. ", 6)
	v, err := filter.GopherQualityEnglish().Apply(t.Context(), &refine.Document{Text: text})
	if err != nil || v.Drop != nil {
		t.Fatalf("dropped: %+v, %v", v.Drop, err)
	}
	if got := v.Scores["gopher-quality.words"]; got != 6*14 {
		t.Errorf("words: %v", got)
	}
}
