package translation

import "strings"

// The parameters of chrF++: n-grams of up to six characters and two words, recall
// twice as important as precision.
const (
	charOrder = 6
	wordOrder = 2
	beta      = 2
	maxOrder  = charOrder // the longest n-gram of any measure here
)

// ChrF counts translations of references under chrF++, sentence by sentence. White
// space is left out of character n-grams.
func ChrF(hypotheses, references []string) (*Corpus, error) {
	of := func(counts []int, hypothesis, reference string) {
		h, r := letters(hypothesis), letters(reference)
		for n := range charOrder {
			triple(counts[3*n:], h, r, n+1)
		}
		hw, rw := punctuated(hypothesis), punctuated(reference)
		for n := range wordOrder {
			triple(counts[3*(charOrder+n):], hw, rw, n+1)
		}
	}
	return count(hypotheses, references, 3*(charOrder+wordOrder), of, chrF)
}

// triple writes how many n-grams h and r have and share. Where the reference has none,
// those of the translation are not held against it.
func triple[T comparable](counts []int, h, r []T, n int) {
	counts[1] = max(0, len(r)-n+1)
	if counts[1] > 0 {
		counts[0] = max(0, len(h)-n+1)
	}
	counts[2] = shared(h, r, n)
}

// chrF is the F-score of the mean precision and the mean recall of the orders that
// both sides have.
func chrF(sums []int) float64 {
	precision, recall, orders := 0.0, 0.0, 0
	for i := 0; i < len(sums); i += 3 {
		own, ref, both := sums[i], sums[i+1], sums[i+2]
		if own > 0 && ref > 0 {
			precision += float64(both) / float64(own)
			recall += float64(both) / float64(ref)
			orders++
		}
	}
	if precision+recall == 0 {
		return 0
	}
	precision, recall = precision/float64(orders), recall/float64(orders)
	return 100 * (1 + beta*beta) * precision * recall / (beta*beta*precision + recall)
}

func letters(s string) []rune { return []rune(strings.Join(strings.FieldsFunc(s, isSpace), "")) }

const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// punctuated cuts at white space, and one mark off the end or else the beginning of a
// word.
func punctuated(s string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(s, isSpace) {
		runes := []rune(w)
		last := len(runes) - 1
		switch {
		case last > 0 && strings.ContainsRune(punctuation, runes[last]):
			out = append(out, string(runes[:last]), string(runes[last]))
		case last > 0 && strings.ContainsRune(punctuation, runes[0]):
			out = append(out, string(runes[0]), string(runes[1:]))
		default:
			out = append(out, w)
		}
	}
	return out
}
