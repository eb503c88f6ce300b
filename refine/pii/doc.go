// Package pii finds and hides personal data and secrets: Chinese identity
// numbers, bank cards, mobile numbers, licence plates, unified social credit
// codes, e-mail and IP addresses, and keys of known services.
//
// Terms:
//
//   - match: a span of a text with its kind. What can be verified is: a match of
//     a number that has a check digit has the right one, a date in it exists,
//     its region and issuer are ones that there are.
//   - placeholder: what stands in for a match, its kind in capitals between
//     angle brackets, such as <CN_ID>.
//
// Invariants: matches come in order and do not overlap; none holds a line end,
// so that redaction keeps lines where they are; what stands around a match stays
// byte for byte; a text without matches comes back as it is, without a copy; the
// result depends on the text alone, not on the date.
//
// What it leaves to others: names, addresses and whatever else needs a model.
package pii
