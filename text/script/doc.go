// Package script tells Simplified from Traditional Chinese and converts between
// them.
//
// Terms:
//
//   - marker: a character of one script alone. A Simplified marker is not in
//     Big5, a Traditional one not in GB 2312, and a conversion changes it.
//   - phrase: characters that a conversion changes otherwise than one by one,
//     such as 头发, 頭髮, beside 发现, 發現.
//
// Invariants: the result depends on the argument alone; what is not Chinese
// stays byte for byte; a conversion changes no number of characters; all
// functions are safe for concurrent use.
//
// Conversions are those of OpenCC's standards s2t and t2s: the longest phrase
// from the left, then single characters; of vocabulary (软件, 軟體) nothing
// changes. The table holds the character maps and the phrases that a conversion
// by characters gets wrong, taken by tables.py from the pinned npm package
// opencc-js; its data is under the Apache-2.0 licence, see NOTICE. It is not a
// copy: of a phrase only the characters that differ are stored, and phrases that
// change nothing are left out where none depends on them.
//
// What belongs elsewhere: which language a text is in (package text/lang).
package script
