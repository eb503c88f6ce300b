// Package script tells Simplified from Traditional Chinese and converts between
// them.
//
// Terms:
//
//   - marker: a character of one script alone. A Simplified marker is in the
//     mainland's character set GB 2312 and not in Taiwan's Big5; a Traditional
//     one is among the common characters of Big5, its first level, and not in GB
//     2312.
//   - phrase: characters that a conversion changes otherwise than one by one,
//     such as 头发, 頭髮, beside 发现, 發現.
//
// Invariants: the result depends on the argument alone; what is not Chinese
// stays byte for byte; a conversion changes no number of characters; all
// functions are safe for concurrent use.
//
// Markers are computed from the encodings of golang.org/x/text: telling the
// scripts apart needs no table. Conversions are those of OpenCC's standards s2t
// and t2s: the longest phrase from the left, then single characters; of
// vocabulary (软件, 軟體) nothing changes. They need the character maps and the
// phrases that a conversion by characters gets wrong, which scripts/tables.sh
// derives from OpenCC's dictionaries (Apache-2.0), of the pinned package
// opencc-js, into the folder tables; without them [Load] says that they are
// missing.
//
// What belongs elsewhere: which language a text is in (package text/lang).
package script
