package recipe

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/refine/source/parquet"
)

// outFile is a file of the output that is being written.
type outFile struct {
	FileSum

	p *fsx.Pending
	w *bufio.Writer
	h hash.Hash
}

func createOut(dir, name string) (*outFile, error) {
	p, err := fsx.Create(filepath.Join(dir, name), 0o644)
	if err != nil {
		return nil, err
	}
	f := &outFile{FileSum: FileSum{Name: name}, p: p, h: sha256.New()}
	f.w = bufio.NewWriterSize(io.MultiWriter(p, f.h), 256<<10)
	return f, nil
}

// Write implements [io.Writer].
func (f *outFile) Write(b []byte) (int, error) {
	f.Bytes += int64(len(b))
	return f.w.Write(b)
}

// json writes v as a line.
func (f *outFile) json(v any) error {
	b, err := jsonLine(v)
	if err != nil {
		return err
	}
	f.Records++
	_, err = f.Write(b)
	return err
}

func (f *outFile) commit() (FileSum, error) {
	if err := f.w.Flush(); err != nil {
		return FileSum{}, err
	}
	f.Digest = troika.DigestOf(f.h)
	return f.FileSum, f.p.Commit()
}

// shard is a file of records. Its size is counted as JSON lines, whatever its
// format.
type shard struct {
	out  *outFile
	size int64
	rows rowWriter // nil for JSON lines
}

// rowWriter writes rows of a table.
type rowWriter interface {
	write(rec record) error
	close() error
}

// unsplit begins the names of shards where nothing is split.
const unsplit = "data"

// shardName returns the name of a shard of a split.
func shardName(split string, i int, format string) string {
	return fmt.Sprintf("%s-%05d.%s", cmp.Or(split, unsplit), i, format)
}

func (o Output) createShard(dir, split string, i int) (*shard, error) {
	out, err := createOut(dir, shardName(split, i, o.Format))
	if err != nil {
		return nil, err
	}
	out.Split = split
	s := &shard{out: out}
	switch {
	case o.Format != formatParquet:
	case o.Kind == kindChat:
		s.rows = newTable(out, func(r record) ChatRecord { return r.chat })
	case o.Kind == kindTranslation:
		s.rows = newTable(out, func(r record) PairRecord { return r.pair })
	default:
		s.rows = newTable(out, func(r record) Record { return r.text })
	}
	return s, nil
}

func (s *shard) add(rec record) error {
	s.size += int64(len(rec.line))
	s.out.Records++
	if s.rows == nil {
		_, err := s.out.Write(rec.line)
		return err
	}
	return s.rows.write(rec)
}

func (s *shard) commit() (FileSum, error) {
	if s.rows != nil {
		if err := s.rows.close(); err != nil {
			return FileSum{}, fmt.Errorf("write %s: %w", s.out.Name, err)
		}
	}
	return s.out.commit()
}

// table writes rows of type T as Parquet.
type table[T any] struct {
	w   *parquet.Writer[T]
	row func(record) T
}

func newTable[T any](w io.Writer, row func(record) T) *table[T] {
	return &table[T]{row: row, w: parquet.NewWriter[T](w)}
}

func (t *table[T]) write(rec record) error { return t.w.Write(t.row(rec), len(rec.line)) }
func (t *table[T]) close() error           { return t.w.Close() }

// removeExtra removes the shards that an earlier output left, of any split and
// format.
func removeExtra(dir string, shards []FileSum) error {
	written := map[string]bool{}
	for _, s := range shards {
		written[s.Name] = true
	}
	for _, split := range append([]string{""}, splitNames...) {
		for _, format := range formats {
			for i := 0; ; i++ {
				name := shardName(split, i, format)
				if written[name] {
					continue
				}
				err := os.Remove(filepath.Join(dir, name))
				if os.IsNotExist(err) {
					break
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}
