// Package chat turns the messages of a conversation into the text that a
// model was trained on, by the model's own chat template, exactly as
// Hugging Face's apply_chat_template renders it.
//
// # Terms
//
// A chat template is a Jinja2 program that a model's directory carries
// ([Resolve] finds it). A [Template] is one that has been parsed. The
// generation prompt is what a template appends to make the model answer, such
// as "<|im_start|>assistant\n". A [Turn] is one assistant message as a prompt
// and the completion that the model must produce. A [Span] is a range of
// bytes of rendered text.
//
// # Invariants
//
// Serving and training use the same renderer: the prompt of a [Turn] is what
// [Template.Render] gives for the messages before it. Where a template does
// not let a turn's bytes be told for certain, the result is an error that
// says where, never a guess. The order of keys in messages and tools, and the
// difference between 1 and 1.0, reach the template as they came.
//
// The interpreter is in the package jinja below this one. This package leaves
// it to others to turn text into token ids, and to choose a template's
// variables beyond those that the reference sets.
package chat
