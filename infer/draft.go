package infer

// drafter guesses how a sequence goes on, by looking up what followed when it last had
// the same tokens (prompt lookup): answers that quote their prompt, or repeat themselves,
// are guessed well. Guesses change no token: a pass over all of them at once tells what
// the model draws after each, and the first that differs ends what counts.
type drafter struct {
	next    map[gram]int // where the token after the latest occurrence stands
	indexed int          // tokens whose grams are in next
	width   int          // how many to guess
	rest    int          // steps to leave out
	misses  int          // in a row

	drafted, accepted int
}

// gram is the last tokens of some place, the shorter with a -1 in front.
type gram [3]int32

// firstWidth is how many tokens are guessed before any guess was right or wrong.
const firstWidth = 4

// longestRest bounds the steps without a guess after misses: a wrong guess costs part of
// a pass, so that a text that cannot be guessed is slowed by little.
const longestRest = 16

func newDrafter() *drafter { return &drafter{next: map[gram]int{}, width: firstWidth} }

// guess returns at most n tokens that may follow all.
func (d *drafter) guess(all []int32, n int) []int32 {
	if d.rest > 0 {
		d.rest--
		return nil
	}
	for i := max(d.indexed, 2); i < len(all); i++ {
		for _, g := range gramsBefore(all, i) {
			d.next[g] = i
		}
	}
	d.indexed = len(all)
	if len(all) < 3 {
		return nil
	}
	n = min(n, d.width)
	for _, g := range gramsBefore(all, len(all)) {
		at, ok := d.next[g]
		if !ok {
			continue
		}
		var guess []int32
		for i := at; len(guess) < n; i++ {
			if i < len(all) {
				guess = append(guess, all[i])
			} else { // what repeats itself goes on
				guess = append(guess, guess[i-len(all)])
			}
		}
		d.drafted += len(guess)
		return guess
	}
	return nil
}

// gramsBefore returns the grams that end before place i, the longer first. There are two
// tokens before it at least.
func gramsBefore(all []int32, i int) []gram {
	short := gram{-1, all[i-2], all[i-1]}
	if i < 3 {
		return []gram{short}
	}
	return []gram{{all[i-3], all[i-2], all[i-1]}, short}
}

// learn is told how many of so many guesses were right.
func (d *drafter) learn(right, guessed, most int) {
	switch {
	case right == guessed:
		d.width, d.misses = min(2*d.width, most), 0
	case right > 0:
		d.width, d.misses = right+1, 0
	default:
		d.misses++
		d.width, d.rest = 1, min(1<<d.misses, longestRest)
	}
}
