package main

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/troikaml/troika/internal/fsx"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tables:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("want segment|script SOURCE SHA256 OUT, got %d arguments", len(args))
	}
	kind, source, sum, out := args[0], args[1], args[2], args[3]
	derive := map[string]func(string) ([]byte, error){"segment": segmentTable, "script": scriptTable}[kind]
	if derive == nil {
		return fmt.Errorf("table %q: want segment or script", kind)
	}
	table, err := derive(source)
	if err != nil {
		return fmt.Errorf("derive table from %s: %w", source, err)
	}
	if got := sha256.Sum256(table); hex.EncodeToString(got[:]) != sum {
		return fmt.Errorf("derive table from %s: its SHA-256 is %x, want %s", source, got, sum)
	}
	return write(out, table)
}

// write packs a table into the file name, whole or not at all. The same table
// gives the same bytes.
func write(name string, table []byte) error {
	return fsx.Write(name, 0o644, func(w io.Writer) error {
		z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(table); err != nil {
			return err
		}
		return z.Close()
	})
}
