package pdf

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/troikaml/troika/text"
)

// line is a line of a page. Lengths are in points, upwards and to the right.
type line struct {
	text              string
	left, right       float64
	bottom            float64
	size              float64
	pieces            int // what stood on it with gaps between, less one
	page              int
	heading           int // its level, 0 for none
	item              bool
	pageLeft, pageEnd float64 // where most lines of the page begin and end
	outer             bool    // among the first or last of its page, by height
}

// Borders of the layout, in sizes of the line or shares of it.
const (
	headingSize = 1.15 // of the body size
	longHeading = 120  // characters
	sameLine    = 0.35 // of the size, between baselines
	paragraph   = 1.4  // of the usual distance between lines
	indent      = 1.2  // of the size
	slack       = 1.5  // of the width of the next line's first word
)

// markdown joins the lines of pages to headings, paragraphs and items.
func markdown(pages [][]line) string {
	var all []line
	for p, lines := range pages {
		pages[p] = merge(lines)
		place(pages[p], p)
	}
	drop := furniture(pages)
	for _, lines := range pages {
		for _, l := range lines {
			if !l.outer || !drop[stamp(l)] {
				all = append(all, l)
			}
		}
	}
	mark(all)
	pitch := usualPitch(all)
	var b []byte
	for i, l := range all {
		switch {
		case i == 0:
		case goesOn(all[i-1], l, pitch):
			b = join(b, l.text)
			continue
		case l.item && all[i-1].item:
			b = append(b, '\n')
		default:
			b = append(b, "\n\n"...)
		}
		if l.heading > 0 {
			b = append(b, strings.Repeat("#", l.heading)+" "...)
		}
		b = append(b, l.text...)
	}
	return text.Normalize(string(b))
}

// merge joins what stands on one line with gaps between, such as the cells of
// a table's row.
func merge(lines []line) []line {
	var out []line
	for _, l := range lines {
		if n := len(out); n > 0 && math.Abs(out[n-1].bottom-l.bottom) < sameLine*l.size && l.left >= out[n-1].right {
			last := &out[n-1]
			last.text += " " + l.text
			last.right = l.right
			last.pieces++
			continue
		}
		out = append(out, l)
	}
	return out
}

// edge is how many lines at the top and the bottom of a page may be furniture.
const edge = 2

// place tells the lines of a page where most of them begin, how far right they
// reach, and which of them stand at the page's ends.
func place(lines []line, page int) {
	if len(lines) == 0 {
		return
	}
	lefts, ends, heights := make([]float64, len(lines)), make([]float64, len(lines)), make([]float64, len(lines))
	for i, l := range lines {
		lefts[i], ends[i], heights[i] = l.left, l.right, l.bottom
	}
	slices.Sort(lefts)
	slices.Sort(ends)
	slices.Sort(heights)
	n := len(lines)
	high, low := heights[max(0, n-edge)], heights[min(n, edge)-1]
	for i := range lines {
		l := &lines[i]
		l.page, l.pageLeft, l.pageEnd = page, lefts[n/4], ends[n*9/10]
		l.outer = l.bottom >= high || l.bottom <= low
	}
}

// furniture finds the lines that stand at the ends of most pages.
func furniture(pages [][]line) map[string]bool {
	seen := map[string]int{}
	for _, lines := range pages {
		once := map[string]bool{}
		for _, l := range lines {
			if s := stamp(l); !once[s] && l.outer {
				once[s] = true
				seen[s]++
			}
		}
	}
	drop := map[string]bool{}
	for s, n := range seen {
		bare := strings.Trim(s, "0-–—/|. ") == ""
		drop[s] = len(pages) >= 3 && 2*n > len(pages) || len(pages) >= 2 && bare && n == len(pages)
	}
	return drop
}

// stamp is a line's text with numbers made equal.
func stamp(l line) string {
	var b strings.Builder
	for _, r := range l.text {
		if unicode.IsDigit(r) {
			if s := b.String(); strings.HasSuffix(s, "0") {
				continue
			}
			r = '0'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// mark finds headings by their size and items by their first character.
func mark(lines []line) {
	weights := map[float64]int{}
	for _, l := range lines {
		weights[rounded(l.size)] += utf8.RuneCountInString(l.text)
	}
	body, most := 0.0, 0
	for size, n := range weights {
		if n > most || n == most && size < body {
			body, most = size, n
		}
	}
	var sizes []float64
	for i := range lines {
		l := &lines[i]
		if s := rounded(l.size); s >= headingSize*body && utf8.RuneCountInString(l.text) <= longHeading && strings.ContainsFunc(l.text, unicode.IsLetter) {
			l.heading = 1
			if !slices.Contains(sizes, s) {
				sizes = append(sizes, s)
			}
		} else if rest, ok := item(l.text); ok {
			l.text, l.item = "- "+rest, true
		}
	}
	slices.SortFunc(sizes, func(a, b float64) int { return cmp.Compare(b, a) })
	const levels = 6
	for i := range lines {
		if l := &lines[i]; l.heading > 0 {
			l.heading = min(slices.Index(sizes, rounded(l.size))+1, levels)
		}
	}
}

// rounded makes sizes that differ by rounding equal.
func rounded(size float64) float64 { return math.Round(2*size) / 2 }

// item cuts the mark off a list's item.
func item(s string) (rest string, ok bool) {
	for _, mark := range []string{"•", "◦", "▪", "●", "■", "‣", "\uf0b7", "\u00b7"} {
		if rest, ok := strings.CutPrefix(s, mark); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return s, false
}

// usualPitch returns the median distance between the baselines of neighbours of
// one size, in sizes.
func usualPitch(lines []line) float64 {
	var all []float64
	for i := 1; i < len(lines); i++ {
		a, b := lines[i-1], lines[i]
		if d := a.bottom - b.bottom; a.page == b.page && d > 0 && d < 4*b.size && rounded(a.size) == rounded(b.size) {
			all = append(all, d/b.size)
		}
	}
	if len(all) == 0 {
		return 1
	}
	slices.Sort(all)
	// The lower quartile: where every paragraph has one line, the median is the
	// distance between paragraphs.
	return max(all[len(all)/4], 0.8)
}

// goesOn reports whether b belongs to the paragraph or heading that a ends.
func goesOn(a, b line, pitch float64) bool {
	if a.heading != b.heading || b.item || a.pieces > 0 || b.pieces > 0 {
		return false
	}
	last, _ := utf8.DecodeLastRuneInString(a.text)
	ended := strings.ContainsRune(".!?。！？…:：;；”\"」』)）", last)
	down := a.bottom - b.bottom
	short := b.fits(a)
	if a.page != b.page || down <= 0 { // another page or column
		first, _ := utf8.DecodeRuneInString(b.text)
		return a.heading == 0 && !ended && (unicode.IsLower(first) || !short)
	}
	switch {
	case down > paragraph*pitch*b.size:
		return false
	case a.heading > 0:
		return true
	default:
		return !short && (!ended || a.item || b.left <= a.left+indent*b.size)
	}
}

// fits reports whether the first word of b could well have stood at the end of a:
// then the line ends where it does for a reason.
func (b line) fits(a line) bool {
	word := utf8.RuneCountInString(b.text)
	char := (b.right - b.left) / float64(word)
	if i := strings.IndexFunc(b.text, func(r rune) bool { return isSpace(r) || isWide(r) }); i >= 0 {
		word = max(1, utf8.RuneCountInString(b.text[:i]))
	}
	return a.pageEnd-a.right > slack*char*float64(word)+b.size
}

// hyphen is what the engine makes of a hyphen at a line's end.
const hyphen = '\u0002'

// join appends a line to the text that it goes on with.
func join(b []byte, s string) []byte {
	last, size := utf8.DecodeLastRune(b)
	first, _ := utf8.DecodeRuneInString(s)
	switch {
	case last == hyphen || last == '\u00ad':
		b = b[:len(b)-size]
	case last == '-', isWide(last), isWide(first):
	default:
		b = append(b, ' ')
	}
	return append(b, s...)
}

// isWide reports letters and marks that take no space beside them.
func isWide(r rune) bool {
	return text.IsUnspaced(r) || r >= 0x3000 && r <= 0x303F || r >= 0xFF00 && r <= 0xFFEF
}
