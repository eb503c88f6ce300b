// Package markdown reads Markdown as plain text: front matter, heading marks,
// emphasis, link targets, images and HTML comments go; words, lists and code
// stay. It reads line by line and builds no tree: it is for the text of a
// document, not for its rendering.
package markdown
