package recipe

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/examples"
	"github.com/troikaml/troika/text"
)

// Pairs finds the documents that are translations of one another: those of one
// group, in the two languages. All others are dropped.
type Pairs struct{ from, to string }

// pairSettings are those of the step that finds translations.
type pairSettings struct {
	// From and To are languages: zh stands for zh-Hans and zh-Hant too.
	From, To string
}

func newPairs(s pairSettings) (Part, error) {
	for _, tag := range []string{s.From, s.To} {
		if _, err := language.Parse(tag); err != nil {
			return Part{}, fmt.Errorf("language %q: %w", tag, err)
		}
	}
	if within(s.From, s.To) || within(s.To, s.From) {
		return Part{}, fmt.Errorf("from %s to %s: want two languages", s.From, s.To)
	}
	return Part{Pairs: &Pairs{s.From, s.To}}, nil
}

// targetBit is in the numbers of units of the language To, so that they come
// after all those of From: the first of a cluster then is a source.
const targetBit = 1 << 62

// add puts a document into a pass.
func (p *Pairs) add(pass Pass, number uint64, d *refine.Document) error {
	switch {
	case d.Group == "":
		return nil
	case within(d.Lang, p.from):
		return pass.Add(number<<unitBits, d.Group, "")
	case within(d.Lang, p.to):
		return pass.Add(number<<unitBits|targetBit, d.Group, "")
	}
	return nil
}

// pairStage yields the targets that have a source, each with it.
type pairStage struct{ dedupStage }

func newPairStage() *pairStage {
	return &pairStage{dedupStage{
		rule: "pair", keys: 1, byLang: true,
		sign: func(dst []uint64, group, _ string) []uint64 { return append(dst, text.Hash(group, 0)) },
	}}
}

// Begin implements Stage.
func (s *pairStage) Begin(dir string, memory int64) (Pass, error) {
	pass, err := s.dedupStage.Begin(dir, memory)
	return pairPass{pass}, err
}

type pairPass struct{ Pass }

// Drops yields targets alone. Those come last, so that the order holds.
func (p pairPass) Drops(ctx context.Context) iter.Seq2[UnitDrop, error] {
	return func(yield func(UnitDrop, error) bool) {
		for u, err := range p.Pass.Drops(ctx) {
			if err == nil && (u.Number&targetBit == 0 || u.Twin&targetBit != 0) {
				continue
			}
			u.Number &^= targetBit
			if !yield(u, err) || err != nil {
				return
			}
		}
	}
}

// pair finds the translations in a layer. The result is the same layer with the
// pairs on top, and without what has none.
func (r *runner) pair(ctx context.Context, base *layer, s Spec, place int) (*layer, error) {
	out := *base
	d, err := r.findDrops(ctx, base, s, newPairStage(), place)
	if err != nil {
		return nil, err
	}
	out.pairs = &d
	alone := dropFile{name: d.name + "-alone", step: s.Step, rule: "no-translation"}
	out.drops = append(slices.Clone(base.drops), alone)
	if exists(alone.name) {
		return &out, nil
	}
	sources, err := d.twins()
	if err != nil {
		return nil, err
	}
	c := newChain(nil, r.Recipe.Steps)
	return &out, writeDrops(alone.name, func(yield func(UnitDrop, error) bool) {
		for i := range base.chunks {
			targets, err := d.chunk(i)
			number := docNumber(i, 0) - 1
			for e, err := range orFirst(err, base.documents(ctx, c, i)) {
				number++
				if err == nil && (e == nil || e.Doc == nil) {
					continue
				}
				if _, ok := slices.BinarySearch(sources, number); ok || len(targets[number]) > 0 {
					continue
				}
				n := number << unitBits
				if !yield(UnitDrop{Number: n, Twin: n, Threshold: 1}, err) || err != nil {
					return
				}
			}
		}
	})
}

// orFirst yields an error alone, if there is one.
func orFirst(err error, seq iter.Seq2[*entry, error]) iter.Seq2[*entry, error] {
	if err == nil {
		return seq
	}
	return func(yield func(*entry, error) bool) { yield(nil, err) }
}

// twins returns the documents that others of the file name, sorted.
func (d *dropFile) twins() ([]uint64, error) {
	b, err := os.ReadFile(d.name)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for ; len(b) >= dropSize; b = b[dropSize:] {
		out = append(out, binary.LittleEndian.Uint64(b[8:])>>unitBits)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// partner reads the sources of the targets of one chunk. They mostly lie side by
// side.
type partner struct {
	base  *layer
	chain *chain
	of    map[uint64][]UnitDrop
	chunk int
	file  *chunkReader
	drops []map[uint64][]UnitDrop
}

// partners returns the sources of the targets in chunk i.
func (r *runner) partners(base *layer, c *chain, i int) (*partner, error) {
	if base.pairs == nil || r.Recipe.Output.Kind != kindTranslation {
		return nil, nil //nolint:nilnil // there are none to read
	}
	of, err := base.pairs.chunk(i)
	return &partner{base: base, chain: c, of: of, chunk: -1}, err
}

func (p *partner) close() {
	if p != nil && p.file != nil {
		p.file.close()
	}
}

// source returns the source of a target, nil where a document is none.
func (p *partner) source(ctx context.Context, number uint64) (*refine.Document, error) {
	pair := p.of[number]
	if len(pair) == 0 {
		return nil, nil //nolint:nilnil // no target
	}
	n := pair[0].Twin >> unitBits
	if chunk := int(n / maxEntries); chunk != p.chunk {
		p.close()
		p.chunk = chunk
		var err error
		if p.file, err = openChunk(p.base.name(chunk)); err != nil {
			return nil, err
		}
		if p.drops, err = p.base.chunkDrops(chunk); err != nil {
			return nil, err
		}
	}
	e, err := p.file.entry(int(n % maxEntries))
	if err == nil {
		err = p.base.settle(ctx, p.chain, e, n, p.drops)
	}
	if err == nil && e.Doc == nil {
		err = fmt.Errorf("the source of document %d is gone", number)
	}
	if err != nil {
		return nil, err
	}
	return e.Doc, nil
}

// PairRecord is a line of a shard of translations.
type PairRecord struct {
	ID string `json:"id" parquet:"id"`
	// Text in Lang says the same as Translation in TranslationLang.
	Text            string `json:"text"              parquet:"text"`
	Source          string `json:"source"            parquet:"source"`
	Licence         string `json:"licence,omitempty" parquet:"licence"`
	Lang            string `json:"lang"              parquet:"lang"`
	Translation     string `json:"translation"       parquet:"translation"`
	TranslationLang string `json:"translation_lang"  parquet:"translation_lang"`
	// Score is how likely it does, from 0 to 1: see examples.Align.
	Score float64 `json:"score" parquet:"score"`
	Group string  `json:"group" parquet:"group"`
}

// pairRecords aligns a document with its source. Of documents that are none of a
// pair's targets there are no records; a target of which nothing can be aligned is
// dropped.
func (p *partner) pairRecords(ctx context.Context, step string, e *entry, number uint64) ([]record, error) {
	from, err := p.source(ctx, number)
	if err != nil || from == nil {
		return nil, err
	}
	var out []record
	for i, pair := range examples.Align(from.Text, e.Doc.Text) {
		one := PairRecord{
			ID: fmt.Sprintf("%s#%d", e.Doc.ID, i), Text: pair.Source, Source: from.Source, Licence: bothLicences(from, e.Doc), Lang: from.Lang,
			Translation: pair.Target, TranslationLang: e.Doc.Lang, Score: pair.Score, Group: e.Doc.Group,
		}
		line, err := jsonLine(one)
		if err != nil {
			return nil, err
		}
		out = append(out, record{pair: one, line: line})
	}
	if len(out) == 0 {
		reason := refine.Reason{Rule: "not-aligned", Threshold: 1}
		e.drop(Drop{Step: step, Reason: reason, Twin: from.ID}, p.chain.excerpt(ctx, e.Doc.Text))
	}
	return out, nil
}

// bothLicences returns the terms of what is made of two documents, as SPDX writes those
// of two licences.
func bothLicences(a, b *refine.Document) string {
	if a.Licence == "" || b.Licence == "" || a.Licence == b.Licence {
		return cmp.Or(a.Licence, b.Licence)
	}
	return a.Licence + " AND " + b.Licence
}

// languageOf finds the language in a path or URL, and the key that its
// translations share: the same with the language left out. It stands in a folder
// of its own (help/zh-CN/page.html), at the end of a name (page.zh.html,
// page_zh-CN.html), or at the front of a host name (zh.example.org).
func languageOf(where string) (lang, group string) {
	host := ""
	if u, err := url.Parse(where); err == nil && u.Host != "" {
		host, where = u.Host, u.Path
		if label, rest, ok := strings.Cut(host, "."); ok {
			if tag := languageTag(label); tag != "" {
				return tag, "*." + rest + strings.TrimSuffix(where, path.Ext(where))
			}
		}
	}
	parts := strings.Split(where, "/")
	last := len(parts) - 1
	name := strings.TrimSuffix(parts[last], path.Ext(parts[last]))
	for i, p := range parts[:last] {
		if tag := languageTag(p); tag != "" {
			parts[i], parts[last] = "*", name
			return tag, host + strings.Join(parts, "/")
		}
	}
	for i := range len(name) {
		if i == 0 || name[i] != '.' && name[i] != '_' {
			continue
		}
		if tag := languageTag(name[i+1:]); tag != "" {
			parts[last] = name[:i]
			return tag, host + strings.Join(parts, "/")
		}
	}
	return "", ""
}

// languageTag returns the tag of names such as en, zh-CN and pt_BR, else "".
func languageTag(name string) string {
	name = strings.ReplaceAll(name, "_", "-")
	base, rest, _ := strings.Cut(name, "-")
	if len(base) != 2 || base != strings.ToLower(base) || rest != "" && len(rest) != 2 && len(rest) != 4 {
		return ""
	}
	tag, err := language.Parse(name)
	if err != nil {
		return ""
	}
	return tag.String()
}

// writeDrops writes a file of drops.
func writeDrops(name string, drops iter.Seq2[UnitDrop, error]) error {
	return fsx.Write(name, 0o644, func(w io.Writer) error {
		var rec []byte
		for u, err := range drops {
			if err != nil {
				return err
			}
			rec = u.append(rec)
			if len(rec) < dropSize*1000 {
				continue
			}
			if _, err := w.Write(rec); err != nil {
				return err
			}
			rec = rec[:0]
		}
		_, err := w.Write(rec)
		return err
	})
}

// stateName is the file of what a step found at its place.
func (r *runner) stateName(place int, step string) string {
	return filepath.Join(r.state, fmt.Sprintf("drops-%02d-%s", place, step))
}
