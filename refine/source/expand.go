package source

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/troikaml/troika/refine/source/archive"
)

// maxWindow bounds the memory of a zstd stream, as the zstd command does.
const maxWindow = 128 << 20

// ErrDepth says that archives lie in each other deeper than Limits.Depth.
var ErrDepth = errors.New("archives nested too deeply")

// deeper is b as something within it starts from.
func (rd *reader) deeper(b blob) (blob, error) {
	if b.depth++; b.depth > rd.o.Limits.Depth {
		return blob{}, fmt.Errorf("%w: the limit is %d", ErrDepth, rd.o.Limits.Depth)
	}
	b.kind, b.at, b.size = unknown, nil, 0
	return b, nil
}

// unpack reads what a gzip, zstd or bzip2 file holds.
func (rd *reader) unpack(b blob) error {
	if k := endings[pathExt(innerName(b.name))]; b.kind == gzipped && k == warcFile {
		return rd.warc(b) // which finds its way from one gzip member to the next
	}
	in, err := rd.deeper(b)
	if err != nil {
		return err
	}
	in.name = innerName(b.name)
	switch b.kind {
	case gzipped:
		z, err := gzip.NewReader(b.r)
		if err != nil {
			return fmt.Errorf("read gzip: %w", cutOff(err))
		}
		in.r = z
	case zstdPacked:
		z, err := zstd.NewReader(b.r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return fmt.Errorf("read zstd: %w", cutOff(err))
		}
		defer z.Close()
		in.r = z
	default:
		in.r = bzip2.NewReader(b.r)
	}
	in.r = rd.meter(in.r)
	return rd.blob(in)
}

// cutOff names what io calls an unexpected EOF.
func cutOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the file is cut off", io.ErrUnexpectedEOF)
	}
	return err
}

// needAt gives b random access, if need be by reading it whole.
func (rd *reader) needAt(b *blob) error {
	if b.at != nil {
		return nil
	}
	all, err := rd.whole(*b, rd.o.Limits.Whole)
	if err != nil {
		return err
	}
	b.at, b.size = bytes.NewReader(all), int64(len(all))
	return nil
}

// needWhole gives b random access for a reader that holds the file in memory.
func (rd *reader) needWhole(b *blob) error {
	if b.at != nil && b.size > rd.o.Limits.Whole {
		return tooLarge(b.size, rd.o.Limits.Whole)
	}
	return rd.needAt(b)
}

// meter counts what is read from r as expanded.
func (rd *reader) meter(r io.Reader) io.Reader { return metered{r, &rd.budget} }

// zip reads the members of a zip file.
func (rd *reader) zip(b blob) error {
	if err := rd.needAt(&b); err != nil {
		return err
	}
	for m, err := range archive.Zip(b.at, b.size) {
		if err := rd.member(b, m, err); err != nil {
			return err
		}
	}
	return nil
}

// tar reads the members of a tar file.
func (rd *reader) tar(b blob) error {
	for m, err := range archive.Tar(b.r) {
		if err := rd.member(b, m, err); err != nil {
			return err
		}
	}
	return nil
}

// member reads one member of archive b, or tells why it cannot be read.
func (rd *reader) member(b blob, m archive.Member, err error) error {
	if bad, ok := errors.AsType[*archive.MemberError](err); ok {
		return rd.fail(b.path+"!"+bad.Name, 0, bad.Err)
	} else if err != nil {
		return cutOff(err)
	}
	where := b.path + "!" + m.Name
	if hidden(m.Name) {
		rd.skip(where, "hidden")
		return nil
	}
	in, err := rd.deeper(b)
	if err != nil {
		return err
	}
	r, err := m.Open()
	if err != nil {
		return rd.fail(where, 0, err)
	}
	defer r.Close() //nolint:errcheck // the archive is only read
	in.path, in.name, in.r = where, m.Name, rd.meter(r)
	return rd.blob(in)
}

// hidden reports names that a walk leaves out, as it does in folders.
func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasPrefix(part, "_") {
			return true
		}
	}
	return false
}

func pathExt(name string) string { return strings.ToLower(path.Ext(name)) }
