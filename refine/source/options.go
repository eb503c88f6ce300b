package source

import (
	"github.com/troikaml/troika/refine/source/pdf"
)

// Options say how inputs are read. The zero Options are the defaults.
type Options struct {
	Limits Limits
	// Sheets makes a table one Markdown text for each Limits.Item bytes of it,
	// instead of one item for each row.
	Sheets bool
	// Hash fills in File.Digest while files are listed. Reading checks it
	// again at the end, so that a change is found even where size and time
	// stand still.
	Hash bool
	// PDF reads PDF documents. It is the caller's to close. Where it is nil, an
	// engine is started for each file that needs one.
	PDF *pdf.Engine
	// Skipped is told what was left out by rule and is no failure: hidden files
	// and the records of a crawl that are no pages. It may be nil. It is called
	// from the goroutine that reads.
	Skipped func(path, why string)
}

// Limits bound memory and time. A zero field means the default beside it.
type Limits struct {
	// Item bounds the bytes of a Body: 16 MiB.
	Item int64
	// Line bounds a line of JSONL and a record of CSV: 4 MiB.
	Line int
	// Whole bounds the files that a reader must hold whole, and what one part
	// of them expands to: PDF, DOCX and XLSX anywhere, Parquet and zip inside of
	// something else: 64 MiB.
	Whole int64
	// Expand bounds the bytes that one input file may expand to, through all
	// its archives: 1 TiB.
	Expand int64
	// Ratio bounds the same in relation to the size of the input file, once
	// more than 64 MiB came out of it: 200. Deflate reaches 1032; text that
	// people wrote stays under 20.
	Ratio int64
	// Depth bounds how deep archives lie in each other: 4.
	Depth int
	// Pages bounds the pages of a PDF: 20,000.
	Pages int
	// Seconds bounds the time for one PDF: 120.
	Seconds int
}

// ratioFloor is how much an input may always expand to.
const ratioFloor = 64 << 20

func (l Limits) withDefaults() Limits {
	l.Item = or(l.Item, 16<<20)
	l.Line = or(l.Line, 4<<20)
	l.Whole = or(l.Whole, 64<<20)
	l.Expand = or(l.Expand, 1<<40)
	l.Ratio = or(l.Ratio, 200)
	l.Depth = or(l.Depth, 4)
	l.Pages = or(l.Pages, 20_000)
	l.Seconds = or(l.Seconds, 120)
	return l
}

func or[T int | int64](v, standard T) T {
	if v == 0 {
		return standard
	}
	return v
}
