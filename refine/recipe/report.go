package recipe

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Report is what a run found, for people and programs: report.json, and the
// figures of report.html. The same inputs and recipe give the same report.
type Report struct {
	Recipe  string `json:"recipe"`
	Version string `json:"version"`
	Counts  Counts `json:"counts"`
	// Steps are the recipe's steps in their order: the funnel.
	Steps []StepReport `json:"steps"`
	// Langs are the languages, most documents first.
	Langs []LangReport `json:"langs"`
	// Before and After are the lengths, in characters, of all texts as they were
	// extracted and of those that were kept as they are written.
	Before Histogram `json:"lengths_before"`
	After  Histogram `json:"lengths_after"`
	// Samples are documents that were kept, most of them edited.
	Samples []Sample `json:"samples,omitempty"`
	// Failures are the first items that could not be read.
	Failures []failure `json:"failures,omitempty"`
}

// Counts sums up a run.
type Counts struct {
	Inputs    int `json:"inputs"`
	Documents int `json:"documents"`
	Kept      int `json:"kept"`
	Dropped   int `json:"dropped"`
	// Failed are items that could not be read.
	Failed int `json:"failed"`
	// Lines were taken out of documents, kept or not.
	Lines int `json:"lines_cut"`
	// Before and After are characters: of all documents as they were extracted,
	// and of those that were kept as they are written.
	Before int64 `json:"chars_before"`
	After  int64 `json:"chars_after"`
	// Records and their Bytes as JSON lines are what was written.
	Records int   `json:"records"`
	Bytes   int64 `json:"bytes"`
}

// StepReport is what one step did.
type StepReport struct {
	Step string `json:"step"`
	// In documents came to the step, Dropped of them ended there, and it changed
	// the text of Edited.
	In      int `json:"in"`
	Dropped int `json:"dropped"`
	Edited  int `json:"edited"`
	// Lines were taken out.
	Lines int `json:"lines_cut"`
	// Reasons are the rules that led to drops of documents and lines, most
	// frequent first.
	Reasons []ReasonReport `json:"reasons,omitempty"`
	// Counts are what the step counted, such as redactions by kind.
	Counts map[string]int `json:"counts,omitempty"`
	// Scores are what the step measured, by name.
	Scores []ScoreReport `json:"scores,omitempty"`
}

// ReasonReport is how often a rule led to a drop, with a few examples.
type ReasonReport struct {
	Rule      string    `json:"rule"`
	Documents int       `json:"documents"`
	Lines     int       `json:"lines"`
	Examples  []Example `json:"examples,omitempty"`
}

// Example is something that a rule dropped. What is private in it is hidden
// where the recipe has a step that hides.
type Example struct {
	ID        string  `json:"id"`
	Value     float64 `json:"value"`
	Threshold float64 `json:"threshold"`
	// Line is the dropped line's number, -1 for a whole document.
	Line int    `json:"line"`
	Text string `json:"text"`
	Twin string `json:"twin,omitempty"`
}

// ScoreReport is the distribution of one measured value over documents.
type ScoreReport struct {
	Name  string  `json:"name"`
	Count int     `json:"count"`
	Min   float64 `json:"min"`
	Mean  float64 `json:"mean"`
	Max   float64 `json:"max"`
	// Histogram is over a sample where there are many values.
	Histogram Histogram `json:"histogram"`
	// Thresholds are those that led to drops, in ascending order.
	Thresholds []float64 `json:"thresholds,omitempty"`
}

// Histogram counts values between edges: Counts[i] of them lie from Edges[i] up
// to, but for the last, below Edges[i+1]. Without values both are empty.
type Histogram struct {
	Edges  []float64 `json:"edges,omitempty"`
	Counts []int     `json:"counts,omitempty"`
}

// LangReport is what there was of one language.
type LangReport struct {
	// Lang is empty where the language is not known.
	Lang      string `json:"lang"`
	Documents int    `json:"documents"`
	Kept      int    `json:"kept"`
	Chars     int64  `json:"chars"`
}

// Sample is the difference between a document's extracted text and what is
// written, the beginnings of both, with what is private hidden.
type Sample struct {
	ID    string     `json:"id"`
	Steps []string   `json:"steps,omitempty"`
	Diff  []DiffLine `json:"diff"`
}

// DiffLine is a line of a difference: Op is " " for a line of both, "-" for one
// that was taken out, "+" for one as it is written.
type DiffLine struct {
	Op   string `json:"op"`
	Text string `json:"text"`
}

// maxDiff bounds the lines of each text in a difference.
const maxDiff = 240

// diff compares the beginnings of texts line by line.
func diff(old, now string) []DiffLine {
	before, after := strings.Split(old, "\n"), strings.Split(now, "\n")
	cut := len(before) > maxDiff || utf8.RuneCountInString(old) >= maxSample
	before, after = before[:min(len(before), maxDiff)], after[:min(len(after), maxDiff)]
	// common[i][j] is the length of the longest common subsequence of
	// before[i:] and after[j:].
	common := make([][]int16, len(before)+1)
	for i := range common {
		common[i] = make([]int16, len(after)+1)
	}
	for i, line := range slices.Backward(before) {
		for j := len(after) - 1; j >= 0; j-- {
			if line == after[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []DiffLine
	i, j := 0, 0
	for i < len(before) || j < len(after) {
		switch {
		case i < len(before) && j < len(after) && before[i] == after[j]:
			out = append(out, DiffLine{" ", before[i]})
			i++
			j++
		case j == len(after) || i < len(before) && common[i+1][j] >= common[i][j+1]:
			out = append(out, DiffLine{"-", before[i]})
			i++
		default:
			out = append(out, DiffLine{"+", after[j]})
			j++
		}
	}
	// Where the old text goes on, what comes last is not new.
	for cut && len(out) > 0 && out[len(out)-1].Op == "+" {
		out = out[:len(out)-1]
	}
	return out
}
