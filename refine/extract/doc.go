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
// A page passes through in this order: its bytes are decoded (text/charset),
// cut into tags and text (tokenizer), read into blocks and elements (builder),
// measured, judged block by block (choose), and written as Markdown (writer).
// Between the last two come rules on what single blocks cannot tell: a table of
// data is kept or dropped as a whole (tables), a list stays whole with half of it or
// with the text around it (lists), a long chapter is kept with its short pieces
// (chapter), and headings go with what they head (headings).
//
// What is decided about headings: the text holds the article's own heading and
// the headings of what is kept, up to one logit below the bar; a heading that
// nothing follows is dropped. Page.Title has the title as well. Keeping every
// heading over kept text was measured and costs .003 of F1, since it also keeps
// those over boilerplate that was kept wrongly.
//
// The trees were fitted to half of go-trafilatura's evaluation pages; the other
// half measures them (bench/extract trains, measures and holds the figures'
// origin). Nothing of the pages is in them but the borders and weights.
//
// Invariants: the same bytes give the same text on every machine, as features,
// borders and weights are integers; time and memory are linear in the page's
// size, whatever it holds; nesting and sizes over the bounds are errors. The
// text is normalised (text.Normalize). Pages are parsed here and not with
// golang.org/x/net/html, which builds gigabytes from kilobytes of a page with
// unclosed formatting and takes quadratic time where tags are passed over;
// where pages are sound, the tests hold both to the same blocks.
//
// Pages of help systems and manuals that are clean already are read in full by
// refine/html. Which lines of a text are spam is for later steps.
package extract
