package recipe

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/refine"
)

// layer is the whole corpus between two phases: chunk files in a fixed order,
// and what stages have dropped since they were written.
type layer struct {
	dir    string
	chunks []chunkID
	// changed are the inputs of which nothing is used.
	changed map[int]bool
	// ownIDs says that documents brought their IDs with them.
	ownIDs bool
	drops  []dropFile
	// split, if it is not nil, names the first document of each one's cluster;
	// pairs names the source of each translation.
	split, pairs *dropFile
}

// chunkID is a task and the chunk in it.
type chunkID struct{ task, chunk int }

func (l *layer) name(i int) string { return chunkName(l.dir, l.chunks[i].task, l.chunks[i].chunk) }

// openLayer finds the chunks of tasks that were all read.
func (r *runner) openLayer(dir string, tasks int) (*layer, error) {
	l := &layer{dir: dir, changed: map[int]bool{}}
	for t := range tasks {
		b, err := os.ReadFile(endName(dir, t))
		if err != nil {
			return nil, err
		}
		var end taskEnd
		if err := json.Unmarshal(b, &end); err != nil {
			return nil, fmt.Errorf("read %s: %w", endName(dir, t), err)
		}
		for c := range end.Chunks {
			l.chunks = append(l.chunks, chunkID{t, c})
		}
		l.ownIDs = l.ownIDs || end.OwnIDs
		for _, f := range end.Changed {
			l.changed[f] = true
		}
	}
	return l, nil
}

// docNumber is the number of the document at a place of a chunk.
func docNumber(chunk, place int) uint64 { return uint64(chunk)*maxEntries + uint64(place) }

// id returns the ID of the document of a number.
func (l *layer) id(n uint64) (string, error) {
	r, err := openChunk(l.name(int(n / maxEntries)))
	if err != nil {
		return "", err
	}
	defer r.close()
	return r.id(int(n % maxEntries))
}

// entries yields the entries of chunk i in their places, with everything
// applied that was decided since. Of inputs that changed nothing but failures
// and ends is left; their other places are nil.
func (l *layer) entries(ctx context.Context, c *chain, i int) iter.Seq2[*entry, error] {
	return l.read(ctx, c, i, false)
}

// documents is entries where nothing but the documents is looked at.
func (l *layer) documents(ctx context.Context, c *chain, i int) iter.Seq2[*entry, error] {
	return l.read(ctx, c, i, true)
}

func (l *layer) read(ctx context.Context, c *chain, i int, documentsAlone bool) iter.Seq2[*entry, error] {
	return func(yield func(*entry, error) bool) {
		f, err := openChunk(l.name(i))
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.close()
		drops, err := l.chunkDrops(i)
		if err != nil {
			yield(nil, err)
			return
		}
		place := -1
		for e, err := range f.all(documentsAlone) {
			place++
			if err == nil {
				err = l.settle(ctx, c, e, docNumber(i, place), drops)
			}
			if err == nil && l.changed[e.File] && e.Decision.ID != "" {
				e = nil
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// chunkDrops returns what each stage dropped of chunk i.
func (l *layer) chunkDrops(i int) ([]map[uint64][]UnitDrop, error) {
	drops := make([]map[uint64][]UnitDrop, len(l.drops))
	for k := range l.drops {
		var err error
		if drops[k], err = l.drops[k].chunk(i); err != nil {
			return nil, err
		}
	}
	return drops, nil
}

// settle applies the drops of stages to an entry.
func (l *layer) settle(ctx context.Context, c *chain, e *entry, n uint64, drops []map[uint64][]UnitDrop) error {
	for k, of := range drops {
		mine := of[n]
		if e.Doc == nil || len(mine) == 0 {
			continue
		}
		d := l.drops[k]
		if d.paragraphs {
			c.cutParagraphs(ctx, e, d.step, d.rule, mine)
			continue
		}
		if d.step == sameID.Step {
			e.refuse(fmt.Sprintf("an earlier document has the ID %q", e.ID))
			continue
		}
		twin := ""
		if mine[0].Twin != mine[0].Number {
			var err error
			if twin, err = l.id(mine[0].Twin >> unitBits); err != nil {
				return fmt.Errorf("name the twin of %s: %w", e.ID, err)
			}
		}
		reason := refine.Reason{Rule: d.rule, Value: mine[0].Value, Threshold: mine[0].Threshold}
		e.drop(Drop{Step: d.step, Reason: clean(reason), Twin: twin}, c.excerpt(ctx, e.Doc.Text))
	}
	return nil
}

// append appends the record of a drop to b.
func (u UnitDrop) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, u.Number)
	b = binary.LittleEndian.AppendUint64(b, u.Twin)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(u.Value))
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(u.Threshold))
}

// dropFile is what one stage dropped: records of dropSize bytes in ascending
// order of numbers.
type dropFile struct {
	name       string
	step, rule string
	paragraphs bool
}

const dropSize = 32

// chunk returns the drops among the documents of chunk i, by their numbers.
func (d *dropFile) chunk(i int) (map[uint64][]UnitDrop, error) {
	f, err := os.Open(d.name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	n := int(info.Size() / dropSize)
	var rec [dropSize]byte
	var broken error
	at := func(k int) uint64 {
		if _, err := f.ReadAt(rec[:8], int64(k)*dropSize); err != nil {
			broken = err
		}
		return binary.LittleEndian.Uint64(rec[:]) >> unitBits
	}
	from := sort.Search(n, func(k int) bool { return at(k) >= docNumber(i, 0) })
	to := sort.Search(n, func(k int) bool { return at(k) >= docNumber(i+1, 0) })
	out := map[uint64][]UnitDrop{}
	in := bufio.NewReader(io.NewSectionReader(f, int64(from)*dropSize, int64(to-from)*dropSize))
	for range to - from {
		if _, err := io.ReadFull(in, rec[:]); err != nil {
			return nil, fmt.Errorf("read %s: %w", d.name, err)
		}
		u := UnitDrop{
			Number: binary.LittleEndian.Uint64(rec[:]), Twin: binary.LittleEndian.Uint64(rec[8:]),
			Value:     math.Float64frombits(binary.LittleEndian.Uint64(rec[16:])),
			Threshold: math.Float64frombits(binary.LittleEndian.Uint64(rec[24:])),
		}
		out[u.Number>>unitBits] = append(out[u.Number>>unitBits], u)
	}
	return out, broken
}

// compare runs one stage over a layer. The result is the same layer with the
// drops of the stage on top.
func (r *runner) compare(ctx context.Context, base *layer, s Spec, place int) (*layer, error) {
	d, err := r.findDrops(ctx, base, s, s.part.Stage, place)
	out := *base
	out.drops = append(slices.Clone(base.drops), d)
	return &out, err
}

// divide runs the split over a layer. The result is the same layer with the
// clusters on top.
func (r *runner) divide(ctx context.Context, base *layer, s Spec, place int) (*layer, error) {
	d, err := r.findDrops(ctx, base, s, s.part.Split.stage, place)
	out := *base
	out.split = &d
	return &out, err
}

// findDrops runs a stage over a layer and writes what it finds.
func (r *runner) findDrops(ctx context.Context, base *layer, s Spec, st Stage, place int) (dropFile, error) {
	d := dropFile{
		name: r.stateName(place, s.Step), step: s.Step, rule: st.Rule(), paragraphs: st.Paragraphs(),
	}
	if exists(d.name) {
		return d, nil
	}
	dir := filepath.Join(r.state, "compare")
	if err := errors.Join(os.RemoveAll(dir), fsx.MkdirAll(dir, 0o755)); err != nil {
		return d, err
	}
	pass, err := st.Begin(dir, r.Memory/3)
	if err != nil {
		return d, fmt.Errorf("step %s: %w", s.Step, err)
	}
	defer pass.Close() //nolint:errcheck // the state goes as a whole
	c := newChain(nil, r.Recipe.Steps)
	var done atomic.Int64
	phase := Phase{Name: "compare " + s.Step}
	err = each(ctx, r.Workers, len(base.chunks), func(ctx context.Context, i int) error {
		place := -1
		for e, err := range base.documents(ctx, c, i) {
			place++
			if err != nil {
				return err
			}
			if e == nil || e.Doc == nil {
				continue
			}
			if err := r.addUnits(pass, s, docNumber(i, place), e.Doc); err != nil {
				return fmt.Errorf("step %s: %w", s.Step, err)
			}
		}
		r.Progress(phase, done.Add(1), int64(len(base.chunks)))
		return nil
	})
	if err != nil {
		return d, err
	}
	err = writeDrops(d.name, pass.Drops(ctx))
	if err != nil {
		return d, fmt.Errorf("step %s: %w", s.Step, err)
	}
	return d, nil
}

// refine runs steps over a layer and writes the next one.
func (r *runner) refine(ctx context.Context, base *layer, steps []Spec, place int) (*layer, error) {
	out := &layer{dir: filepath.Join(r.state, fmt.Sprintf("refine-%02d", place)), chunks: base.chunks, changed: base.changed}
	c := newChain(steps, r.Recipe.Steps)
	var done atomic.Int64
	var dirs sync.Map
	err := each(ctx, r.Workers, len(base.chunks), func(ctx context.Context, i int) error {
		defer func() { r.Progress(Phase{Name: "refine"}, done.Add(1), int64(len(base.chunks))) }()
		name := out.name(i)
		if exists(name) {
			return nil
		}
		if _, ok := dirs.Load(filepath.Dir(name)); !ok {
			if err := fsx.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				return err
			}
			dirs.Store(filepath.Dir(name), true)
		}
		w, err := createChunk(name)
		if err != nil {
			return err
		}
		defer w.pending.Abort()
		for e, err := range base.entries(ctx, c, i) {
			switch {
			case err != nil:
				return err
			case e == nil:
				e = &entry{} // places stay
			case e.Doc != nil:
				if err := c.apply(ctx, e); err != nil {
					return err
				}
			}
			if err := w.write(e); err != nil {
				return err
			}
		}
		return w.commit()
	})
	return out, err
}
