package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/godoc"
	"github.com/troikaml/troika/tokenizer"

	"github.com/troikaml/troika/cmd/internal/tasks"
)

type options struct{ sources, goroot, helpdesk, tokenizer, out string }

func main() {
	var o options
	flag.StringVar(&o.sources, "sources", "", "folder with the unpacked packages")
	flag.StringVar(&o.goroot, "goroot", "", "Go installation")
	flag.StringVar(&o.helpdesk, "helpdesk", "", "folder of the helpdesk example")
	flag.StringVar(&o.tokenizer, "tokenizer", "", "tokenizer.json of the starter")
	flag.StringVar(&o.out, "out", "", "file to write")
	flag.Parse()
	if err := run(o); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "starter:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	docs, err := collect(o.sources)
	if err != nil {
		return err
	}
	apis, err := godoc.Extract(os.DirFS(filepath.Join(o.goroot, "src")))
	if err != nil {
		return err
	}
	pages, _, err := refine.Folder(os.DirFS(o.helpdesk))
	if err != nil {
		return err
	}
	held, err := heldOut(o, apis, pages)
	if err != nil {
		return err
	}
	remarks, err := comments(os.DirFS(filepath.Join(o.goroot, "src")))
	if err != nil {
		return err
	}
	docs = append(docs, remarks...)
	var kept []document
	for _, d := range docs {
		if !held.covers(d.Text) {
			kept = append(kept, d)
		}
	}
	fmt.Fprintf(os.Stderr, "%d documents, %d left out\n", len(docs), len(docs)-len(kept))
	if o.tokenizer != "" {
		kept = append(some(kept), conversations(kept)...)
	}
	return write(o.out, kept)
}

// rawShare is one in how many documents the model sees as they are, beside the
// conversations about all of them.
const rawShare = 3

// some returns one in rawShare of the documents.
func some(docs []document) []document {
	var out []document
	for _, d := range docs {
		if pick(d.ID, -1)%rawShare == 0 {
			out = append(out, d)
		}
	}
	return out
}

// heldOut returns what the corpus must not contain.
func heldOut(o options, apis, pages []refine.Document) (*hold, error) {
	held := newHold()
	if o.tokenizer == "" {
		for _, d := range append(apis, pages...) {
			held.add(d.Text)
		}
		return held, nil
	}
	f, err := os.Open(o.tokenizer)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	tok, err := tokenizer.Load(bufio.NewReader(f))
	if err != nil {
		return nil, err
	}
	goAreas, err := tasks.GoAreas(os.DirFS(filepath.Join(o.goroot, "src")), tok)
	if err != nil {
		return nil, err
	}
	helpdesk, _, err := tasks.Folder(os.DirFS(o.helpdesk), tok)
	if err != nil {
		return nil, err
	}
	for _, v := range []*dataset.Version{goAreas, helpdesk} {
		for _, split := range []string{dataset.Validation, dataset.Test} {
			for _, r := range v.Split(split) {
				held.add(r.Text)
			}
		}
	}
	return held, nil
}

func write(name string, docs []document) error {
	p, err := fsx.Create(name, 0o644)
	if err != nil {
		return err
	}
	defer p.Abort()
	w := bufio.NewWriter(p)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, d := range docs {
		if err := enc.Encode(d); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return p.Commit()
}
