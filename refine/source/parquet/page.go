package parquet

import (
	"bufio"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// maxHeader bounds the header of a page; statistics in it hold values.
	maxHeader = 1 << 20
	// maxValues bounds the values of a page: few bytes can stand for very many
	// of them. Writers end a page at some 20,000 rows.
	maxValues = 16 << 20
)

// checkPages walks over the headers of all pages, which lie between the footer's
// promises and the decoder, and refuses those that would take too much memory.
func checkPages(r io.ReaderAt, size int64, meta *format.FileMetaData, o Options) error {
	for g := range meta.RowGroups {
		for c := range meta.RowGroups[g].Columns {
			chunk := &meta.RowGroups[g].Columns[c]
			if chunk.FilePath != "" {
				return fmt.Errorf("row group %d: its values lie in another file", g)
			}
			if err := checkChunk(r, size, &chunk.MetaData, o); err != nil {
				return fmt.Errorf("row group %d, column %d: %w", g, c, err)
			}
		}
	}
	return nil
}

func checkChunk(r io.ReaderAt, size int64, m *format.ColumnMetaData, o Options) error {
	at := m.DataPageOffset
	if d := m.DictionaryPageOffset; d > 0 && d < at {
		at = d
	}
	in := bufio.NewReaderSize(nil, 4<<10)
	for values := int64(0); values < m.NumValues; {
		if at < 4 || at >= size {
			return fmt.Errorf("%w: a page at byte %d of %d", ErrBroken, at, size)
		}
		section := io.NewSectionReader(r, at, min(maxHeader, size-at))
		in.Reset(section)
		var h format.PageHeader
		if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(in)).Decode(&h); err != nil {
			return fmt.Errorf("%w: page at byte %d: %w", ErrBroken, at, err)
		}
		n := int64(pageValues(&h))
		switch {
		case h.CompressedPageSize < 0 || h.UncompressedPageSize < 0 || n < 0:
			return fmt.Errorf("%w: page at byte %d: a size below 0", ErrBroken, at)
		case int64(h.UncompressedPageSize) > o.MaxPage:
			return fmt.Errorf("%w: page at byte %d: %d bytes, the limit is %d", ErrTooLarge, at, h.UncompressedPageSize, o.MaxPage)
		case n > maxValues:
			return fmt.Errorf("%w: page at byte %d: %d values, the limit is %d", ErrTooLarge, at, n, maxValues)
		}
		if h.Type != format.DictionaryPage {
			values += n
		}
		read, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		at += read - int64(in.Buffered()) + int64(h.CompressedPageSize)
	}
	return nil
}

// pageValues returns how many values a page is said to hold.
func pageValues(h *format.PageHeader) int32 {
	switch h.Type {
	case format.DataPage:
		return h.DataPageHeader.V.NumValues
	case format.DataPageV2:
		return h.DataPageHeaderV2.V.NumValues
	case format.DictionaryPage:
		return h.DictionaryPageHeader.V.NumValues
	default:
		return 0
	}
}
