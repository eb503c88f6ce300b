package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	verb, dir := "", ""
	switch len(args) {
	case 1:
		verb = args[0]
	case 2:
		verb, dir = args[0], args[1]
	}
	switch {
	case verb == "gold" && dir == "":
		return gold(ctx, true)
	case verb == "quick" && dir == "":
		return gold(ctx, false)
	case verb == "train" && dir != "":
		return train(ctx, dir, os.Stdout)
	case verb == "cross" && dir != "":
		return cross(ctx, dir)
	case verb == "documents" && dir != "":
		return documents(dir)
	case verb == "encodings" && dir != "":
		return encodings(dir)
	}
	return fmt.Errorf("want gold, quick, cross DIR, train DIR, documents DIR or encodings DIR: see doc.go")
}
