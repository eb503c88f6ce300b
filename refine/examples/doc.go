// Package examples turns documents into examples to learn from: it cuts long
// texts into pieces at their structure, and pairs the parts of a text with those
// of its translation.
//
// Terms:
//
//   - piece: what Chunk makes of a text, at most so many characters of it, with
//     the headings above it repeated.
//   - unit: a line of a text in Markdown that holds words: a heading, a paragraph,
//     an item, a table's row. Units keep their order in a translation.
//   - pair: a unit with its translation, or two on one side.
//
// Align finds the likeliest way in which the units of two texts follow each
// other, by their lengths as Gale and Church do (1993), and by what a translation
// keeps: the kind and level of a unit, numbers, names and code in Latin letters.
//
// Invariants: results depend on the arguments alone; pieces hold all words of the
// text, and no two pairs share a unit; time and memory of Align grow with the
// number of units and the difference between the two numbers.
//
// What it leaves to others: finding the two documents, and telling languages.
package examples
