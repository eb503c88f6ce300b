// Package extract finds the main content of any web page: the article, the
// entry, the answer, the manual's page, and leaves out what the site puts
// around it: navigation, teasers, forms, sharing, comments.
//
// Terms:
//
//   - block: the text between two borders of block elements, such as a
//     paragraph, a heading, an item or a table's cell. It is kept or dropped whole.
//   - good block: a block that looks like prose from within: long enough, few
//     links. Where good text is dense, the content is likely to be.
//   - kind: what the words of a class or id attribute say about an element,
//     such as comment, related or article. There are some 20.
//   - feature: one measured whole number of a block.
//   - model: boosted decision trees over the features. Their sum is a block's
//     score in 1/256 of a logit; from the bar on, a block is content.
//
// The trees were fitted to half of go-trafilatura's evaluation pages; the other
// half measures them (bench/extract trains, measures and holds the figures'
// origin). Nothing of the pages is in them but the borders and weights.
//
// Invariants: the same bytes give the same text on every machine, as features,
// borders and weights are integers; time and memory are linear in the page's
// size; nesting over the parser's bound is an error, not a crash. The text is
// normalised (text.Normalize).
//
// Pages of help systems and manuals that are clean already are read in full by
// refine/html. Which lines of a text are spam is for later steps.
package extract
