package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/text"
)

// message is one of a conversation, in OpenAI's format.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content,omitempty"`
	Calls   []call `json:"tool_calls,omitempty"`
}

// splits are values for JSON lines by the name of their split.
type splits map[string][]any

func (s splits) add(split string, line any) { s[split] = append(s[split], line) }

// of draws the split of everything that a key stands for: one in ten for the test, one
// in ten for validation.
func of(key string) string {
	switch text.Hash(key, 1) % 10 {
	case 0:
		return dataset.Test
	case 1:
		return dataset.Validation
	default:
		return dataset.Train
	}
}

// keep leaves at most so many lines in the test and validation splits and in the train
// split, spread evenly.
func (s splits) keep(train, held int) {
	for name, lines := range s {
		most := held
		if name == dataset.Train {
			most = train
		}
		if n := len(lines); n > most {
			for i := range most {
				lines[i] = lines[i*n/most]
			}
			s[name] = lines[:most]
		}
	}
}

// write writes a file for each split.
func (s splits) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, split := range dataset.Splits() {
		if len(s[split]) == 0 {
			return fmt.Errorf("the split %s is empty", split)
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		for _, line := range s[split] {
			if err := enc.Encode(line); err != nil {
				return err
			}
		}
		p, err := fsx.Create(filepath.Join(dir, split+".jsonl"), 0o644)
		if err != nil {
			return err
		}
		defer p.Abort()
		if _, err := p.Write(b.Bytes()); err != nil {
			return err
		}
		if err := p.Commit(); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%s: %d examples\n", split, len(s[split]))
	}
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var goroot, songs, refined, pages, out string
	f := flag.NewFlagSet("prepare", flag.ContinueOnError)
	f.StringVar(&goroot, "goroot", "", "Go installation")
	f.StringVar(&songs, "songs", "", "JSON list of songs")
	f.StringVar(&refined, "refined", "", "folder of pairs that troika refine wrote")
	f.StringVar(&pages, "pages", "", "folder with a folder of pages for each language")
	f.StringVar(&out, "out", "", "folder to write to")
	what := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		what, args = args[0], args[1:]
	}
	if err := f.Parse(args); err != nil {
		return err
	}
	var s splits
	var err error
	switch what {
	case "tools":
		s, err = tools(os.DirFS(filepath.Join(goroot, "src")))
	case "texts":
		s, err = texts(songs)
	case "pairs":
		s, err = pairs(os.DirFS(refined))
	case "preferences":
		s, err = preferences(os.DirFS(pages))
	default:
		return fmt.Errorf("%q: want tools, texts, pairs or preferences", what)
	}
	if err != nil {
		return err
	}
	if out == "" {
		return fmt.Errorf("%s: -out is missing", what)
	}
	return s.write(out)
}
