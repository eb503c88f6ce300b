package segment

import "strings"

// Word is a word of a text.
type Word struct {
	// Text is a substring of the text that was split, never empty.
	Text string
	// Runes is the number of characters of Text.
	Runes int
}

// Splitter appends the words of s to dst and returns the extended slice.
type Splitter func(dst []Word, s string) []Word

// For returns the splitter of the language that a BCP 47 tag names: Chinese for
// zh, cmn and yue with any script or region, English for every other one,
// whose rules serve the languages that write spaces. The error is that of
// [Chinese]; English never fails.
func For(lang string) (Splitter, error) {
	primary, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(lang), "_", "-"), "-")
	switch primary {
	case "zh", "zho", "cmn", "yue":
		d, err := Chinese()
		if err != nil {
			return nil, err
		}
		return d.Words, nil
	}
	return English, nil
}

// Texts returns the texts of words.
func Texts(words []Word) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w.Text
	}
	return out
}
