// Package toolcall finds the calls of tools in what a model writes, as it writes.
//
// # Terms
//
// A call is the name of a function and its arguments, the text of a JSON object. A
// [Format] is how a family of models writes calls; [Detect] tells it from the chat
// template, by one table. Content is all other text of an answer. A [Delta] is a piece
// of a call, in the terms of OpenAI's streams.
//
//	Hermes   <tool_call>{"name": "f", "arguments": {…}}</tool_call>      Qwen 2.5 and 3, Hermes
//	Llama3   {"name": "f", "parameters": {…}}, often after <|python_tag|> Llama 3.1 to 3.3
//	Mistral  [TOOL_CALLS] [{"name": "f", "arguments": {…}}]               up to tokenizer v7
//	         [TOOL_CALLS]f[ARGS]{…}                                       from tokenizer v11 on
//	Plain    {"name": "f", "parameters": {…}} or [f(a=1)]                 Gemma 3
//
// Gemma 3 has no token for calls. Its makers document two prompts, one for each form of
// Plain, and models put either into a block of code, ```tool_code or ```json: all of
// these are read. Plain is also the format of a model whose template has no place for
// tools.
//
// # Invariants
//
// How an answer is cut into pieces changes nothing: the content and the calls are the
// same. Nothing that is not white space beside a call is lost: what looks like the
// beginning of a call and does not become one is content. Once a call's name is told, its
// arguments follow as the model writes them; where they stop being JSON the call
// ends there, as it does where the answer was cut, and what follows is content. Without a
// marker before it, text is a call only if it names a function that is there. What is held
// back, the depth of JSON and the number of calls are bounded.
//
// A [Spelling] is the one way to write calls to which an answer is held where a call
// is asked for.
//
// A marker is known by its text. Where it is a special token, who decodes the answer must
// spell it out: see [Format.Tokens].
package toolcall
