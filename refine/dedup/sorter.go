package dedup

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
)

// pair is a row of a sorter: a key and a number, or two numbers.
type pair struct{ a, b uint64 }

// pairSize is the bytes of a pair, in memory and in files.
const pairSize = 16

func (p pair) compare(q pair) int {
	return cmp.Or(cmp.Compare(p.a, q.a), cmp.Compare(p.b, q.b))
}

const (
	// maxFan bounds the files that are open at once.
	maxFan = 64
	// maxBuffer bounds the buffer of one file: more reads no faster.
	maxBuffer = 1 << 20
	minBuffer = 4 << 10
	// checkEvery is how many rows pass between two looks at the context.
	checkEvery = 1 << 14
)

// sorter sorts pairs, in files where they are more than it may hold. It is for
// one goroutine.
type sorter struct {
	dir, name string
	hold      int   // rows in memory
	buffers   int64 // bytes for reading files
	rows      []pair
	runs      []string // files of sorted rows
	made      int      // files ever made
}

// newSorter returns an empty sorter that holds rows of at most hold bytes in
// memory and reads its files through buffers of at most buffers bytes together.
func newSorter(dir, name string, hold, buffers int64) *sorter {
	return &sorter{dir: dir, name: name, hold: int(max(hold/pairSize, 1)), buffers: buffers}
}

func (s *sorter) add(p pair) error {
	if len(s.rows) == s.hold {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if len(s.rows) == cap(s.rows) { // append could take more than was granted
		s.rows = slices.Grow(s.rows, min(max(len(s.rows), 256), s.hold-len(s.rows)))
	}
	s.rows = append(s.rows, p)
	return nil
}

// spill writes the rows held as one more run.
func (s *sorter) spill() error {
	slices.SortFunc(s.rows, pair.compare)
	err := s.write(func(yield func(pair, error) bool) {
		for _, p := range s.rows {
			if !yield(p, nil) {
				return
			}
		}
	})
	s.rows = s.rows[:0]
	return err
}

// write makes a run of rows that come sorted.
func (s *sorter) write(rows iter.Seq2[pair, error]) (err error) {
	name := filepath.Join(s.dir, fmt.Sprintf("%s-%06d", s.name, s.made))
	s.made++
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("sort: %w", err)
	}
	s.runs = append(s.runs, name)
	defer func() {
		if closed := f.Close(); err == nil && closed != nil {
			err = fmt.Errorf("sort: %w", closed)
		}
	}()
	w := bufio.NewWriterSize(f, int(min(s.buffers/8, maxBuffer)))
	var row [pairSize]byte
	for p, err := range rows {
		if err != nil {
			return err
		}
		binary.LittleEndian.PutUint64(row[:], p.a)
		binary.LittleEndian.PutUint64(row[8:], p.b)
		if _, err := w.Write(row[:]); err != nil {
			return fmt.Errorf("sort: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("sort: %w", err)
	}
	return nil
}

// sorted yields all rows in ascending order, equal ones once, and may be called
// again. Rows may be added afterwards.
func (s *sorter) sorted(ctx context.Context) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		if len(s.runs) > 0 && len(s.rows) > 0 {
			if err := s.spill(); err != nil {
				yield(pair{}, err)
				return
			}
			s.rows = nil // the buffers need the room
		}
		fan := int(min(max(s.buffers/2/minBuffer, 2), maxFan))
		for len(s.runs) > fan {
			first := s.runs[:fan]
			s.runs = slices.Clone(s.runs[fan:])
			if err := s.write(s.merge(ctx, first)); err != nil {
				yield(pair{}, err)
				return
			}
			for _, name := range first {
				if err := os.Remove(name); err != nil {
					yield(pair{}, fmt.Errorf("sort: %w", err))
					return
				}
			}
		}
		from := s.merge(ctx, s.runs)
		if len(s.runs) == 0 {
			slices.SortFunc(s.rows, pair.compare)
			from = once(ctx, s.rows)
		}
		from(yield)
	}
}

// once yields sorted rows, equal ones once.
func once(ctx context.Context, rows []pair) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		for i, p := range rows {
			if i%checkEvery == 0 && ctx.Err() != nil {
				yield(pair{}, context.Cause(ctx))
				return
			}
			if i > 0 && p == rows[i-1] {
				continue
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// merge yields the rows of sorted files in ascending order, equal ones once.
func (s *sorter) merge(ctx context.Context, names []string) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		runs, err := s.open(names)
		defer func() {
			for _, r := range runs {
				_ = r.f.Close() // only read
			}
		}()
		live := slices.Clone(runs)
		for i := len(live) - 1; err == nil && i >= 0; i-- {
			err = advance(&live, i)
		}
		var last pair
		for n := 0; err == nil && len(live) > 0; n++ {
			if n%checkEvery == 0 && ctx.Err() != nil {
				err = context.Cause(ctx)
				break
			}
			if p := live[0].row; n == 0 || p != last {
				last = p
				if !yield(p, nil) {
					return
				}
			}
			err = advance(&live, 0)
		}
		if err != nil {
			yield(pair{}, err)
		}
	}
}

// run is a sorted file that is being read.
type run struct {
	f   *os.File
	in  *bufio.Reader
	row pair
}

func (s *sorter) open(names []string) ([]*run, error) {
	if len(names) == 0 {
		return nil, nil
	}
	size := int(min(max(s.buffers/2/int64(len(names)), minBuffer), maxBuffer))
	var runs []*run
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return runs, fmt.Errorf("sort: %w", err)
		}
		runs = append(runs, &run{f: f, in: bufio.NewReaderSize(f, size)})
	}
	return runs, nil
}

// advance reads the next row of the run at i of a heap by rows, drops the run
// where it has ended, and mends the heap below i.
func advance(heap *[]*run, i int) error {
	h := *heap
	var row [pairSize]byte
	switch _, err := io.ReadFull(h[i].in, row[:]); {
	case errors.Is(err, io.EOF):
		h[i] = h[len(h)-1]
		h = h[:len(h)-1]
		*heap = h
	case err != nil:
		return fmt.Errorf("sort: read %s: %w", h[i].f.Name(), err)
	default:
		h[i].row = pair{binary.LittleEndian.Uint64(row[:]), binary.LittleEndian.Uint64(row[8:])}
	}
	for {
		least := i
		for _, child := range [...]int{2*i + 1, 2*i + 2} {
			if child < len(h) && h[child].row.compare(h[least].row) < 0 {
				least = child
			}
		}
		if least == i {
			return nil
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// close removes the sorter's files.
func (s *sorter) close() error {
	var errs []error
	for _, name := range s.runs {
		errs = append(errs, os.Remove(name))
	}
	s.rows, s.runs = nil, nil
	return errors.Join(errs...)
}
