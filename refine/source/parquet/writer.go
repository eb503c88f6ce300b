package parquet

import (
	"io"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// rowGroup is the size of the rows at which a row group ends: it is held in memory.
const rowGroup = 16 << 20

// Writer writes a Parquet file of rows of type T, whose fields have "parquet" tags,
// compressed by zstd. The same rows of the same sizes give the same bytes. It is for
// one goroutine.
type Writer[T any] struct {
	w    *pq.GenericWriter[T]
	held int64 // bytes of the row group
}

// NewWriter begins a file on w, which stays the caller's.
func NewWriter[T any](w io.Writer) *Writer[T] {
	return &Writer[T]{w: pq.NewGenericWriter[T](w,
		pq.Compression(&zstd.Codec{Level: zstd.DefaultLevel, Concurrency: 1}),
		pq.CreatedBy("troika", "1", ""))}
}

// Write adds a row that takes about size bytes of memory.
func (t *Writer[T]) Write(row T, size int) error {
	if _, err := t.w.Write([]T{row}); err != nil {
		return err
	}
	if t.held += int64(size); t.held < rowGroup {
		return nil
	}
	t.held = 0
	return t.w.Flush()
}

// Close ends the file.
func (t *Writer[T]) Close() error { return t.w.Close() }
