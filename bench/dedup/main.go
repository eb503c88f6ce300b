package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/troikaml/troika/bench/internal/clock"
	"github.com/troikaml/troika/bench/internal/shape"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/dedup"
	"github.com/troikaml/troika/text"
)

func main() {
	var f flags
	flag.StringVar(&f.shard, "shard", "", "write a shard made from the named texts")
	flag.StringVar(&f.run, "run", "", "remove near-duplicates from this shard")
	flag.StringVar(&f.kept, "kept", "", "write the ids that are kept to this file")
	flag.StringVar(&f.python, "python", "", "interpreter with datatrove")
	flag.StringVar(&f.peer, "peer", "bench/dedup/peer.py", "the peer's program")
	flag.StringVar(&f.language, "language", "eng", "the peer's name of the language")
	flag.IntVar(&f.units, "units", 0, "index so many units and print what it takes")
	flag.Int64Var(&f.memory, "memory", 64, "grant of that index in MiB")
	flag.IntVar(&f.pairs, "pairs", 20000, "pairs for the comparison with theory")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := run(f, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type flags struct {
	shard, run, kept, python, peer, language string
	pairs, units                             int
	memory                                   int64
}

func run(f flags, files []string) error {
	switch {
	case f.shard != "":
		return writeShard(f.shard, files)
	case f.units > 0:
		return bounded(f.units, f.memory<<20)
	case f.run != "":
		return compare(f)
	}
	if err := theory(f.pairs); err != nil {
		return err
	}
	return core()
}

// theory counts pairs of known similarity that share a key.
func theory(pairs int) error {
	r := rand.New(rand.NewPCG(7, 7))
	words := vocabulary(r, 4000)
	rule := dedup.Documents()
	signer, err := dedup.NewSigner(rule)
	if err != nil {
		return err
	}
	table := term.NewTable(term.Column{Title: "J"}, term.Column{Title: "pairs"}, term.Column{Title: "found"}, term.Column{Title: "theory"}, term.Column{Title: "difference"})
	// Of s shingles, c changes leave s-5c shared: J = (s-5c)/(s+5c).
	for _, c := range []struct{ shingles, changes int }{{180, 4}, {170, 6}, {150, 6}, {150, 10}, {190, 2}} {
		same := c.shingles - 5*c.changes
		j := float64(same) / float64(c.shingles+5*c.changes)
		found := 0
		for range pairs {
			a, b := pair(r, words, c.shingles, c.changes)
			if got := text.Jaccard(text.Shingles(a, rule.Shingle), text.Shingles(b, rule.Shingle)); math.Abs(got-j) > 1e-12 {
				return fmt.Errorf("a pair of similarity %g, want %g", got, j)
			}
			x, y := signer.Keys(nil, "", a), signer.Keys(nil, "", b)
			for i := range x {
				if x[i] == y[i] {
					found++
					break
				}
			}
		}
		share := float64(found) / float64(pairs)
		table.Row(fmt.Sprintf("%.4f", j), fmt.Sprint(pairs), fmt.Sprintf("%.4f", share), fmt.Sprintf("%.4f", rule.Found(j)), fmt.Sprintf("%+.4f", share-rule.Found(j)))
	}
	_, err = fmt.Print(table)
	return err
}

// core prints the macro F1 on generated abstracts for the default rule and for
// one that is made for short texts.
func core() error {
	docs := abstracts(3, 30000)
	copies := map[int]int{}
	for _, d := range docs {
		copies[d.Origin]++
	}
	short := dedup.Rule{Shingle: 3, Bands: 20, Rows: 6, Seed: 1, MinWords: 5} // of the recipes docs-company and chat-sft
	for _, c := range []struct {
		name string
		rule dedup.Rule
	}{{"documents", dedup.Documents()}, {"shingle 3, 20 bands of 6", short}} {
		duplicate, _, err := clusters(docs, c.rule)
		if err != nil {
			return err
		}
		var tp, fp, fn, tn float64
		for i, d := range docs {
			switch is := copies[d.Origin] > 1; {
			case is && duplicate[i].Size > 0:
				tp++
			case is:
				fn++
			case duplicate[i].Size > 0:
				fp++
			default:
				tn++
			}
		}
		yes, no := 2*tp/(2*tp+fp+fn), 2*tn/(2*tn+fp+fn)
		fmt.Printf("abstracts, %s: %d documents, precision %.4f, recall %.4f, F1 %.4f, macro F1 %.4f\n", c.name, len(docs), tp/(tp+fp), tp/(tp+fn), yes, (yes+no)/2)
	}
	return nil
}

// clusters returns for each document its membership, with a size of 0 where it
// stands alone, and the processor seconds that it took.
func clusters(docs []abstract, rule dedup.Rule) ([]dedup.Member, float64, error) {
	start := clock.CPU()
	signer, err := dedup.NewSigner(rule)
	if err != nil {
		return nil, 0, err
	}
	index, err := dedup.NewIndex(os.TempDir(), rule.Bands, 256<<20)
	if err != nil {
		return nil, 0, err
	}
	defer index.Close() //nolint:errcheck // files of no more use
	var keys []uint64
	for i, d := range docs {
		keys = signer.Keys(keys[:0], "", d.Text)
		if err := index.Add(uint64(i), keys); err != nil {
			return nil, 0, err
		}
	}
	out := make([]dedup.Member, len(docs))
	for m, err := range index.Members(context.Background()) {
		if err != nil {
			return nil, 0, err
		}
		out[m.Number] = m
	}
	return out, (clock.CPU() - start).Seconds(), nil
}

// writeShard makes documents of about 3 KB from texts; every fourth gets a copy,
// and every fourth one with edits.
func writeShard(name string, files []string) error {
	r := rand.New(rand.NewPCG(1, 2))
	var docs []string
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var doc strings.Builder
		for line := range strings.Lines(text.Normalize(string(b))) {
			doc.WriteString(line)
			if doc.Len() > 3000 {
				docs = append(docs, doc.String())
				doc.Reset()
			}
		}
	}
	if len(docs) == 0 {
		return errors.New("no text to make a shard from")
	}
	all := append([]string(nil), docs...)
	for i, d := range docs {
		switch i % 4 {
		case 1:
			all = append(all, d)
		case 3:
			lines := strings.SplitAfter(d, "\n")
			k := r.IntN(len(lines))
			all = append(all, strings.Join(append(lines[:k:k], lines[k+1:]...), ""))
		}
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return fsx.Write(name, 0o644, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		for i, s := range all {
			if err := enc.Encode(abstract{ID: fmt.Sprintf("%07d", i), Text: s}); err != nil {
				return err
			}
		}
		return nil
	})
}

// bounded indexes units, of which one in ten has a duplicate, within a grant.
func bounded(units int, memory int64) error {
	rule := dedup.Documents()
	index, err := dedup.NewIndex(os.TempDir(), rule.Bands, memory)
	if err != nil {
		return err
	}
	defer index.Close() //nolint:errcheck // files of no more use
	start := clock.CPU()
	r := rand.New(rand.NewPCG(1, 1))
	keys := make([]uint64, rule.Bands)
	for i := range units {
		if i%10 != 9 { // the tenth has the keys of the ninth
			for b := range keys {
				keys[b] = r.Uint64()
			}
		}
		if err := index.Add(uint64(i), keys); err != nil {
			return err
		}
	}
	members := 0
	for _, err := range index.Members(context.Background()) {
		if err != nil {
			return err
		}
		members++
	}
	fmt.Printf("%d units within %d MiB: %d members, %.1f s, peak RSS %d MiB\n", units, memory>>20, members, (clock.CPU() - start).Seconds(), shape.PeakRSS("self")>>20)
	return nil
}

func readShard(name string) ([]abstract, int, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	var docs []abstract
	size := 0
	for line, err := range refine.Lines(f, refine.MaxLine) {
		var d abstract
		if err == nil {
			err = refine.DecodeLine(line.Bytes, &d)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%s:%d: %w", name, line.Number, err)
		}
		docs = append(docs, d)
		size += len(d.Text)
	}
	return docs, size, nil
}

func compare(f flags) error {
	docs, size, err := readShard(f.run)
	if err != nil {
		return err
	}
	members, seconds, err := clusters(docs, dedup.Documents())
	if err != nil {
		return err
	}
	kept := map[string]bool{}
	var list strings.Builder
	for i, m := range members {
		if m.Size == 0 || !m.Duplicate() {
			kept[docs[i].ID] = true
			list.WriteString(docs[i].ID + "\n")
		}
	}
	if f.kept != "" {
		if err := fsx.WriteFile(f.kept, []byte(list.String()), 0o644); err != nil {
			return err
		}
	}
	ours := float64(size) / 1e6 / seconds
	fmt.Printf("ours: %d documents, %.1f MB, %d kept, %.1f MB/s\n", len(docs), float64(size)/1e6, len(kept), ours)
	if f.python == "" {
		return nil
	}
	return comparePeer(f, kept, ours)
}

// comparePeer runs datatrove and prints the ratio and the differences.
func comparePeer(f flags, kept map[string]bool, ours float64) error {
	work, err := os.MkdirTemp("", "bench-dedup-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // files of no more use
	out := work + "/kept.txt"
	cmd := exec.CommandContext(context.Background(), f.python, f.peer, f.run, work, out, f.language)
	cmd.Stderr = io.Discard
	raw, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("run %s: %w", f.peer, err)
	}
	var all struct {
		Stage string
		MBps  float64
		Kept  int
	}
	for line := range bytes.Lines(raw) {
		if err := json.Unmarshal(line, &all); err != nil {
			return fmt.Errorf("read what %s printed: %w", f.peer, err)
		}
		fmt.Printf("peer: %s", line)
	}
	b, err := os.Open(out)
	if err != nil {
		return err
	}
	defer b.Close() //nolint:errcheck // only read
	both, peerOnly := 0, 0
	for s := bufio.NewScanner(b); s.Scan(); {
		if kept[s.Text()] {
			both++
		} else {
			peerOnly++
		}
	}
	fmt.Printf("ratio %.1f; kept by both %d, by us alone %d, by the peer alone %d\n", ours/all.MBps, both, len(kept)-both, peerOnly)
	return nil
}
