// Package jinja renders the part of Jinja2 that chat templates are written
// in, byte for byte as Python's jinja2 does in the sandbox that Hugging Face
// transformers sets up: trim_blocks and lstrip_blocks on, no autoescape, loop
// controls, {% generation %} blocks, an immutable sandbox, and json.dumps
// behind the filter tojson.
//
// # Terms
//
// A [Template] is parsed once into a tree of statements and expressions. A
// [Value] is one Python-like value; a [Dict] keeps the order of its keys. A
// render walks the tree in frames, one for each scope: which variable a name
// means is decided when the template is parsed, by Jinja's own rules.
//
// # Invariants
//
// A template is data from strangers. It can reach nothing but the values it
// is given: no Go value, file, clock (but for the time passed to Render) or
// random number. Source size, nesting, steps, text and the depth of calls
// are bounded; reaching a bound is an [*Error] of kind [LimitError], never a
// panic. Every error tells the line. The same input gives the same bytes.
//
// # What is left out
//
// Tags that load other templates or define inheritance (include, import,
// extends, block), autoescape, \N escapes, and the filters pprint, random,
// striptags, urlize, wordwrap and xmlattr: no chat template is known to use
// them, and each is an error when the template is parsed (the filters, like
// unknown ones in Jinja, when they are reached, if they stand inside an if).
package jinja
