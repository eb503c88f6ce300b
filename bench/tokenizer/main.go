package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/troikaml/troika/tokenizer"
)

func main() {
	python := flag.String("python", "", "interpreter with Hugging Face tokenizers")
	peer := flag.String("peer", "bench/tokenizer/peer.py", "the peer's program")
	rounds := flag.Int("rounds", 5, "rounds of each side")
	size := flag.Int("document", 4096, "bytes of a document; 0 for whole files")
	cold := flag.Bool("cold", false, "load the tokenizer anew for each round, so that no word is cached")
	flag.Parse()
	if flag.NArg() < 2 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*python, *peer, *rounds, *size, *cold, flag.Arg(0), flag.Args()[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// side measures one round over a file's documents: seconds, and ids for a check.
type side func(file int) (seconds float64, ids int, err error)

func run(python, peer string, rounds, size int, cold bool, model string, files []string) error {
	runtime.GOMAXPROCS(1)
	var docs [][]string
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		docs = append(docs, documents(strings.ToValidUTF8(string(b), "\ufffd"), size))
	}
	ours, err := goSide(model, docs, cold)
	if err != nil {
		return err
	}
	var theirs side
	if python != "" {
		peerSide, stop, err := pythonSide(context.Background(), python, peer, model, docs, cold)
		if err != nil {
			return err
		}
		defer stop()
		theirs = peerSide
	}
	fmt.Printf("%-24s %8s %10s %10s %7s\n", "text", "MB", "go MB/s", "peer MB/s", "ratio")
	for i, file := range files {
		if err := compare(file, i, docs[i], rounds, ours, theirs); err != nil {
			return err
		}
	}
	return nil
}

func compare(file string, i int, docs []string, rounds int, ours, theirs side) error {
	bytes := 0
	for _, d := range docs {
		bytes += len(d)
	}
	var a, b []float64
	for round := range rounds + 1 { // the first warms up
		t, n, err := ours(i)
		if err != nil {
			return err
		}
		if round > 0 {
			a = append(a, t)
		}
		if theirs == nil {
			continue
		}
		t, m, err := theirs(i)
		if err != nil {
			return err
		}
		if n != m {
			return fmt.Errorf("%s: %d ids here, %d there", file, n, m)
		}
		if round > 0 {
			b = append(b, t)
		}
	}
	mb := float64(bytes) / 1e6
	name := file[strings.LastIndexByte(file, '/')+1:]
	fmt.Printf("%-24s %8.2f %10.1f", name, mb, mb/median(a))
	if theirs != nil {
		fmt.Printf(" %10.1f %7.2f", mb/median(b), median(b)/median(a))
	}
	fmt.Println()
	return nil
}

func median(s []float64) float64 {
	s = slices.Sorted(slices.Values(s))
	return s[len(s)/2]
}

// documents cuts text at the character after each size bytes.
func documents(text string, size int) []string {
	var docs []string
	for size > 0 && len(text) > size {
		n := size
		for n < len(text) && text[n]&0xc0 == 0x80 {
			n++
		}
		docs = append(docs, text[:n])
		text = text[n:]
	}
	return append(docs, text)
}

func goSide(model string, docs [][]string, cold bool) (side, error) {
	load := func() (*tokenizer.Tokenizer, error) {
		f, err := os.Open(model)
		if err != nil {
			return nil, err
		}
		t, err := tokenizer.Load(bufio.NewReader(f))
		return t, errors.Join(err, f.Close())
	}
	t, err := load()
	return func(i int) (float64, int, error) {
		if cold {
			if t, err = load(); err != nil {
				return 0, 0, err
			}
		}
		runtime.GC()
		start, n := time.Now(), 0
		var ids []int32
		for _, d := range docs[i] {
			ids = t.AppendEncode(ids[:0], d, true)
			n += len(ids)
		}
		return time.Since(start).Seconds(), n, nil
	}, err
}

// pythonSide starts the peer and hands it the documents; a line with a file's
// number makes it encode that file once.
func pythonSide(ctx context.Context, python, peer, model string, docs [][]string, cold bool) (side, func(), error) {
	cmd := exec.CommandContext(ctx, python, peer, model, fmt.Sprint(cold))
	cmd.Env = append(os.Environ(), "TOKENIZERS_PARALLELISM=false", "RAYON_NUM_THREADS=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	stop := func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
	if err := json.NewEncoder(in).Encode(docs); err != nil {
		stop()
		return nil, nil, err
	}
	lines := bufio.NewReader(out)
	return func(i int) (seconds float64, ids int, err error) {
		if _, err = fmt.Fprintln(in, i); err == nil {
			_, err = fmt.Fscan(lines, &seconds, &ids)
		}
		return seconds, ids, err
	}, stop, nil
}
