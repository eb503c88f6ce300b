// Package serve is Troika over HTTP: OpenAI's API of completions in front of an
// [Engine], metrics for Prometheus, and one page that shows what was
// trained.
//
//	POST /v1/chat/completions   answers, whole or streamed
//	POST /v1/completions        plain text that goes on, echoed with log-probabilities
//	GET  /v1/models[/ID]        models and adapters
//	GET  /healthz               200 once models are loaded
//	GET  /metrics               Prometheus text format
//	GET  /                      the page; GET /api/run and /api/quickstart feed it
//
// Both kinds of completion take response_format and vLLM's structured_outputs (json,
// json_object, regex, choice, disable_any_whitespace): the answer then is of that form.
// Every schema is held to, strict or not; one that package grammar cannot compile is
// refused by the name of its keyword.
//
// # Terms
//
//   - delta: a piece of an answer's text, as the engine produced it.
//   - key: a secret that a client sends as a bearer token. Only its SHA-256 is
//     kept; see [KeySet].
//
// # Invariants
//
//   - What a request asks for is done or refused, never quietly dropped:
//     parameters that would change the answer and are not supported are errors
//     that name the parameter.
//   - An error that is known before the first delta is an HTTP status with a
//     JSON body, for streams as well.
//   - Every request that the engine worked on yields one usage event, with the
//     engine's exact counts, also where the client went away. A request that it
//     refused yields none.
//   - A client that goes away or stops reading cancels the engine's context.
//   - Calls of tools come as the model's family writes them (package toolcall); where
//     tool_choice requires one, or a function is strict, the answer is held to a grammar,
//     and what is not a call is content.
//   - Prompts and answers are never logged.
//
// Running a model is left to the engine, and keeping usage to package meter.
package serve
