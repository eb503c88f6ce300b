// Command starter gathers the text that the starter model is trained on: openly
// licensed Chinese and English documents from packages that scripts/fetch-corpus.sh
// unpacked, and the comments in the sources of Go's standard library.
//
//	starter -sources DIR -goroot DIR -helpdesk DIR [-tokenizer FILE] -out corpus.jsonl
//
// Each line is {"id","text","source","lang"}, or has messages in place of the text:
// a passage of a document, the question where it is from, and the answer.
//
// Without -tokenizer every document of the two example tasks is left out: that
// corpus trains the tokenizer, which decides where documents are cut and so how the
// tasks are split. With it, only their validation and test documents are left out,
// and anything that repeats one of them; the rest becomes conversations.
package main
