package refine

import "context"

// Step is one decision or edit of a pipeline: a filter, a redaction, a cut.
// Steps that must see other documents, such as the removal of duplicates, are
// stages of their own and no Steps.
//
// A Step keeps no state from one document to the next and is safe for
// concurrent use; its result depends on the document and its own settings
// alone.
type Step interface {
	// Name is the step's name in recipes and reports, such as "gopher-quality".
	Name() string
	// Apply judges d and may edit it. The error is for trouble that says nothing
	// about the document, such as a cancelled context.
	Apply(ctx context.Context, d *Document) (Verdict, error)
}

// Verdict is what a step found. The zero Verdict keeps a document as it is.
type Verdict struct {
	// Drop is set where the document is to be left out.
	Drop *Reason
	// Lines are the lines that the step took out of a document, in ascending
	// order.
	Lines []LineDrop
	// Counts says how often the step did what it does, such as redactions by
	// kind. It is nil where there is nothing to count.
	Counts map[string]int
	// Scores are the values that were measured, by name, whether or not they
	// led to a drop.
	Scores map[string]float64
}

// Reason explains a drop: which rule, what it measured and where its border is.
type Reason struct {
	Rule      string  `json:"rule"`
	Value     float64 `json:"value"`
	Threshold float64 `json:"threshold"`
}

// LineDrop explains a line that was taken out.
type LineDrop struct {
	// Line counts from 0 in the extracted text, before any step.
	Line int `json:"line"`
	Reason
}
