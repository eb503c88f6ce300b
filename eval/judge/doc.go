// Package judge asks a model behind an OpenAI-compatible API what it thinks of answers.
//
// Answers are compared in pairs, in both orders, so that a preference for a place cancels
// out; or each is scored by a rubric. Every response is recorded under the hash of its
// request: the same evaluation runs again without the endpoint, with the same result.
package judge
