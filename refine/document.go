package refine

import (
	"fmt"
	"strings"

	"github.com/troikaml/troika"
)

// Document is one clean text.
type Document struct {
	// ID names the document within its collection; no two share one. It stays
	// the same when the text is edited.
	ID string
	// Text is normalised. It is empty where a file was read and held none.
	Text string
	// Label is the class that the document belongs to; it may be empty.
	Label string
	// Source is where the document was found, as a person would look it up.
	Source string
	// Licence is what the raw document says of its terms: an identifier, a name or an
	// address; or empty.
	Licence string
	// Lang is a BCP 47 tag, or empty where the language is not known.
	Lang string
	// Group is the key that translations and other renderings share, or empty.
	Group string
	// Title is the title that was taken out of the text, if there was one.
	Title string
	// Raw is the digest of the bytes from which the document was made.
	Raw troika.Digest
}

// Failure is a raw document that was skipped.
type Failure struct { //nolint:errname // an item of a list first, an error second
	// Path is the file, relative to the folder that was read.
	Path string
	// Line counts from 1; 0 stands for the whole file.
	Line int
	// Err says what is wrong.
	Err error
}

// Error renders the failure as path:line: reason.
func (f Failure) Error() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %v", f.Path, f.Err)
	}
	return fmt.Sprintf("%s:%d: %v", f.Path, f.Line, f.Err)
}

// Unwrap returns the reason.
func (f Failure) Unwrap() error { return f.Err }

// Failures are all documents that a call skipped. As an error it stands for
// "some items failed": commands answer it with exit code 3.
type Failures []Failure //nolint:errname // as above

// Error lists the failures, one a line, the first 100 of them.
func (f Failures) Error() string {
	const most = 100
	var b strings.Builder
	fmt.Fprintf(&b, "%d skipped", len(f))
	for i, one := range f {
		if i == most {
			fmt.Fprintf(&b, "\n... and %d more", len(f)-most)
			break
		}
		b.WriteString("\n" + one.Error())
	}
	return b.String()
}

// Err returns the failures as an error, nil where there are none.
func (f Failures) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}
