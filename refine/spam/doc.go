// Package spam cuts the lines of search-engine spam that Chinese pages arrive
// wrapped in (adult, gambling, fraud) and keeps the article.
//
// Terms:
//
//   - segment: what stands between two separators of a line; spam is mostly
//     lists of short segments, on one line or one a line.
//   - function character: one that sentences are held together by (的, 了, 是);
//     lists have hardly any.
//   - evidence: for a segment, terms and characters that spam uses more often
//     than other text does, less terms of news and education about the same
//     matters; for a line, also its form, links and contacts, and a script
//     (Simplified or Traditional) that the article does not use. It adds up as a
//     log-odds ratio does.
//   - block: neighbouring lines that are cut together. Neither a term nor a line
//     decides alone: a block is cut where the evidence of its lines outweighs a
//     fixed cost (the best set of blocks is found by dynamic programming), so
//     that lines without a known term go with their neighbours, and one phrase
//     about gambling in an article stays.
//
// Invariants: a line that reads as a sentence is never cut, so an article that
// shares its line with spam stays with it; kept lines stay byte for byte; every
// cut carries the evidence of its block; the result depends on the text alone.
//
// What it leaves to others: whether a document of which little is left is worth
// keeping (length filters), and spam that is told by its being on many sites.
package spam
