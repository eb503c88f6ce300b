// Package docx makes Markdown of Word documents (ECMA-376, WordprocessingML):
// headings, paragraphs, lists, tables and footnotes.
//
// Terms:
//
//   - part: a file in the zip file that a document is, such as
//     word/document.xml.
//   - block: a paragraph, list item or table.
//
// What is kept: text as it was accepted, with line breaks and tabs; headings by
// style or outline level; bulleted and numbered lists with their depth and
// numbers; tables, where a merged cell stands in its first place and leaves the
// others empty, and a table within a cell becomes text; foot- and endnotes,
// behind the text; text boxes, after the paragraph that holds them.
//
// What is left out: page headers and footers, comments, deleted text, pictures
// and their descriptions, the layout of formulas, bold, italic and colour, and
// the targets of links. Characters that mean something in Markdown are not
// escaped, but for the bar in tables.
//
// Invariants: memory and time are linear in the parts, whose size is bounded;
// so is the nesting of elements.
package docx
