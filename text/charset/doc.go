// Package charset turns bytes of any common encoding into text, whether the
// encoding is declared, not declared or declared wrongly.
//
// Terms:
//
//   - declared: the name that a transport or the document gives. It is a hint.
//   - candidate: an encoding that is tried on a sample of the bytes.
//   - cost: how unlikely a candidate's text is, in 1/16 nat (natural logarithm).
//     Characters cost by their rank in a list of a script's characters from the
//     most frequent on, as ranks follow Zipf's law; bytes that are not valid cost most.
//   - sample: the first bytes beyond ASCII and those beside them, some thousand. The
//     candidate with the least cost over the sample decodes the whole.
//
// UTF-8, UTF-16 in both orders with a byte order mark or without, GB18030 (and
// so GBK and GB2312), Big5, Shift-JIS, EUC-JP, EUC-KR and Windows-1252 (and so
// Latin-1) are recognised; every other encoding of the WHATWG standard is
// decoded where it is declared and fits.
//
// The lists are counts over openly licensed text; generate.go makes
// them. Nothing of the texts is in them but the order of characters.
//
// Invariants: the result is valid UTF-8 and depends on the arguments alone, on
// every machine; time and memory are linear in the input, and recognising looks
// at a bounded part of it. Every function is safe for concurrent use.
//
// What belongs elsewhere: normal forms and spaces (text.Normalize), languages,
// Simplified or Traditional script.
package charset
