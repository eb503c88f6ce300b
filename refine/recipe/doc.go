// Package recipe runs whole pipelines: raw files in, shards of records out,
// with a manifest, a report and every decision written down.
//
// Terms:
//
//   - recipe: a YAML file that names steps with their settings, how items are
//     read and what is written. Recipes use one another. Makers is the list of
//     steps; five recipes come with the program.
//   - step: judges or edits one document (refine.Step). A stage judges
//     documents, or their paragraphs, beside all others: the removal of
//     duplicates.
//   - task: some whole input files. A chunk is some consecutive items of a
//     task, the unit of work, and of what a kill can cost.
//   - layer: the corpus between two phases, a file for each chunk. A place in
//     it is a document's number: its chunk's number and its place there.
//   - decision: what happened to one document, with the measured value and the
//     threshold of every drop, of documents and lines.
//   - shard: a file of records of bounded size.
//
// How a run goes: chunks are read and refined by workers up to the first stage,
// each written to its own file as a whole; a stage goes over the layer, sorts
// on disk and leaves a list of drops; workers go on with the steps after it;
// at last chunks are joined, in order, to shards and decisions. What is in
// OUT/.state says how far a run came, so a killed one goes on there.
//
// Invariants: shards, decisions and the report depend on the contents and names
// of the inputs and on the recipe alone, not on workers, memory, kills or the
// cut into chunks. The manifest is written last: where it is, all is there.
// Memory is bounded by Options.Memory, but for the list of input files and for
// single items, which their readers bound. An item that cannot be read is in
// failures.jsonl and stops nothing. Excerpts in decisions and reports went
// through the recipe's redacting steps.
//
// What it leaves to others: formats (refine/source), what single steps decide
// (refine/filter, refine/dedup and kin), splits and versions (package dataset).
package recipe
