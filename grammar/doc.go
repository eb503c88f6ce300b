// Package grammar turns JSON Schemas and regular expressions into masks over tokens: at
// each step of an answer, which tokens can come next so that the whole satisfies the
// grammar.
//
// A [Grammar] is a set of texts: a [JSONSchema], a [Regex], or an assembly of parts
// ([Concat], [Choice], [Repeat], [Literal], [Enum], [Without]), such as a tool call
// between markers. A [Vocabulary] holds the tokens of one tokenizer. A [Matcher] follows
// one answer: [Matcher.Mask] says what may come, [Matcher.Accept] goes on, and
// [Matcher.Done] says whether the text may end. Wherever a matcher is, a token is allowed
// or the text may end: dead ends are left out when a grammar is compiled.
//
// A grammar is compiled to rules. A rule is a deterministic automaton over bytes whose
// states may call other rules, so that schemas may refer to themselves; a character may
// be split between tokens. Which tokens stay within a rule, from one of its states, is
// the same wherever the rule was called from: it is found by one walk over the tree of
// tokens, and kept. States that differ only in what is more than 16 bytes away, as most
// counts of a repeat do, share what is kept but for the few tokens longer than that. Only
// tokens that leave the rule on their way, such as a quote and what follows it, are looked
// at anew.
//
// # JSON Schema
//
// Draft 2020-12, and what earlier drafts spelled differently in items and definitions.
// What is written has properties in the order of the schema, first those of properties,
// then those that required alone names, then others; properties that are not required may
// be left out. These keywords are held to:
//
//   - type, enum, const, boolean schemas
//   - properties, required, additionalProperties, patternProperties, propertyNames;
//     dependentRequired, dependentSchemas, dependencies; maxProperties; and
//     minProperties where all properties have names
//   - items, prefixItems, additionalItems, minItems, maxItems; uniqueItems where there is
//     at most one item or where items are of few values, which enum, const or boolean list;
//     contains, minContains, maxContains
//   - minLength, maxLength, pattern (of look-around, look-ahead after the first ^);
//     format date, time, date-time, duration, email,
//     hostname, ipv4, ipv6, uuid, uri, uri-reference, json-pointer, relative-json-pointer
//   - minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf
//   - anyOf, allOf; oneOf where no value can satisfy two of its schemas
//   - not, and if with then and else, over type, enum, const, limits of numbers,
//     lengths and counts, pattern, required, properties, anyOf, allOf, not and $ref
//   - $ref to places within the schema, $defs, $anchor; a schema may refer to itself
//
// Any other keyword of JSON Schema that changes what is valid (unevaluatedItems,
// unevaluatedProperties, $dynamicRef) is a [*SchemaError] that names it and its place.
// Notes (title, description, default, examples, formats that JSON Schema does not define
// and unknown keywords) change nothing.
//
// Of equal spellings one is written: strings under a pattern, a format or a length, and
// keys, are spelled as encoders do; numbers have at most 18 digits before the point and
// 17 after it, so that they fit 64 bits, and no exponent where a limit holds.
package grammar
