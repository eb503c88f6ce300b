// Command spam measures refine/spam: recall on pages that are wrapped in
// generated spam, by template and by kind, with each template left out of the
// choice of settings; loss of the article's lines; false alarms on clean text;
// and speed.
//
//	go run ./bench/spam [-lexicon FILE] CLEAN...
//
// CLEAN are folders of clean pages (.html, .txt) or a JSON file of poems. -lexicon
// takes the words of spam from a file, one a line, instead of the generator's
// own; -write FILE writes fixtures and does nothing else.
//
// The generator shares no code, list or template with the detector: its words
// are in lexicon.go, its articles in article.go, its templates in template.go.
package main
