package source_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/source"
)

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for name, content := range map[string]string{
		"page.html":  "<h1>Pears</h1>",
		"rows.jsonl": "{\"text\":\"Pears are sweet.\"}\nnot JSON\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			fmt.Println(err)
			return
		}
	}
	for item, err := range source.Walk(context.Background(), []string{dir}, source.Options{}) {
		if failure, ok := errors.AsType[refine.Failure](err); ok {
			fmt.Println("failed:", failure)
			continue
		} else if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s %s %q %v\n", item.Path, item.MediaType, item.Body, item.Fields)
	}
	// Output:
	// page.html text/html "<h1>Pears</h1>" []
	// rows.jsonl#1 application/json "" [{text Pears are sweet. false}]
	// failed: rows.jsonl:2: not a JSON object
}
