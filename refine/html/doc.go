// Package html finds the text of a web page: its main content, without title,
// navigation and other page furniture.
//
// Terms:
//
//   - furniture: what a page carries besides its content: navigation, page
//     headers and footers, side bars, forms, scripts, blocks of links.
//   - main content: the element marked as such (main, role=main, one article),
//     else the body, less its furniture.
//
// Paragraphs and headings are separated by an empty line, list items start
// with "- ", the cells of a table row are joined by " | ", preformatted text
// keeps its lines and spaces. A line break between two Han or kana characters
// is no space, as in CSS Text.
//
// Invariants: time and memory are linear in the page; nesting deeper than the
// bound is an error; the result is normalised UTF-8.
//
// Telling articles from spam, and pages whose encoding is neither UTF-8 nor
// declared, are left to later steps.
package html
