//go:build ignore

// Train writes model.gz from sentences with their languages:
//
//	go run train.go TRAIN.TSV
//
// bench/lang/fetch.sh fetches the packages that the sentences come from, and
// sentences.py there takes them out.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/troikaml/troika/text/lang"
)

func main() {
	if err := train(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func train(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	texts := map[string][]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		tag, text, _ := strings.Cut(lines.Text(), "\t")
		if strings.HasPrefix(tag, "zh-") {
			tag = "zh" // scripts are told apart by their characters
		}
		texts[tag] = append(texts[tag], text)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	packed, err := lang.Train(texts, 6000, 4)
	if err != nil {
		return err
	}
	return os.WriteFile("model.gz", packed, 0o644)
}
