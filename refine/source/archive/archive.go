package archive

import (
	"archive/tar"
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/zeebo/xxh3"
	"golang.org/x/text/encoding/simplifiedchinese"
)

const (
	// MaxMembers bounds the members of an archive.
	MaxMembers = 1 << 20
	// MaxDirectory bounds the bytes of a zip file's directory, which is held in
	// memory.
	MaxDirectory = 32 << 20
	// maxName bounds the bytes of a member's name, as most systems do.
	maxName = 4096
)

// The reasons for which members are refused.
var (
	ErrName      = errors.New("name leads out of the archive")
	ErrTwice     = errors.New("name comes twice in the archive")
	ErrLink      = errors.New("links in archives are not followed")
	ErrEncrypted = errors.New("encrypted")
	ErrTooMany   = fmt.Errorf("more than %d members", MaxMembers)
)

// Member is a file in an archive.
type Member struct {
	// Name is clean: slashes, no "..", UTF-8.
	Name string
	// Size is what the archive says; what comes out may be another.
	Size int64
	open func() (io.ReadCloser, error)
}

// Open returns the content, decompressed. The members of a tar file can be read
// until the next member is asked for.
func (m Member) Open() (io.ReadCloser, error) { return m.open() }

// MemberError says that one member is refused. Name is clean where it can be.
type MemberError struct {
	Name string
	Err  error
}

// Error renders name: reason.
func (e *MemberError) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *MemberError) Unwrap() error { return e.Err }

// names counts members and finds those that come twice.
type names map[xxh3.Uint128]bool

// add cleans a name and checks that it is new.
func (n names) add(raw string) (string, error) {
	name, err := Clean(raw)
	if err != nil {
		return name, &MemberError{Name: name, Err: err}
	}
	key := xxh3.HashString128(name)
	switch {
	case n[key]:
		return name, &MemberError{Name: name, Err: ErrTwice}
	case len(n) == MaxMembers:
		return name, ErrTooMany
	}
	n[key] = true
	return name, nil
}

// Clean returns a member's name with slashes and in UTF-8. Names that are no
// UTF-8 are taken for GB18030, the superset of what Chinese Windows writes. The
// error is ErrName for an absolute name and one with ".." or NUL in it; the name
// then is quoted.
func Clean(name string) (string, error) {
	if !utf8.ValidString(name) {
		decoded, err := simplifiedchinese.GB18030.NewDecoder().String(name)
		if err != nil {
			decoded = strings.ToValidUTF8(name, "\uFFFD")
		}
		name = decoded
	}
	slashed := strings.ReplaceAll(name, `\`, "/")
	for part := range strings.SplitSeq(slashed, "/") {
		if part == ".." {
			return quote(name), ErrName
		}
	}
	clean := path.Clean(slashed)
	drive := len(slashed) > 1 && slashed[1] == ':'
	if slashed == "" || slashed[0] == '/' || drive || clean == "." || strings.ContainsRune(name, 0) || len(name) > maxName {
		return quote(name), ErrName
	}
	return clean, nil
}

func quote(name string) string {
	const most = 200
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "..."
	}
	return fmt.Sprintf("%q", name)
}

// Zip yields the members of a zip file of size bytes. An error that is a
// *MemberError concerns one member; any other is the last.
func Zip(r io.ReaderAt, size int64) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		if err := checkDirectory(r, size); err != nil {
			yield(Member{}, err)
			return
		}
		z, err := zip.NewReader(r, size)
		if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
			yield(Member{}, fmt.Errorf("read zip: %w", err))
			return
		}
		seen := names{}
		for _, f := range z.File {
			m, err := zipMember(seen, f)
			if m.Name == "" && err == nil {
				continue
			}
			_, one := errors.AsType[*MemberError](err)
			if !yield(m, err) || err != nil && !one {
				return
			}
		}
	}
}

// zipMember checks one entry; a folder gives no name.
func zipMember(seen names, f *zip.File) (Member, error) {
	mode := f.Mode()
	if mode.IsDir() || strings.HasSuffix(f.Name, "/") {
		return Member{}, nil
	}
	name, err := seen.add(f.Name)
	switch {
	case err != nil:
		return Member{}, err
	case f.Flags&1 != 0:
		return Member{}, &MemberError{Name: name, Err: ErrEncrypted}
	case !mode.IsRegular():
		return Member{}, &MemberError{Name: name, Err: ErrLink}
	}
	return Member{Name: name, Size: int64(min(f.UncompressedSize64, 1<<62)), open: f.Open}, nil
}

// checkDirectory bounds the directory of a zip file before it is read into
// memory. It looks at the end record alone: where there is none, reading the
// file says so. (APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16.)
func checkDirectory(r io.ReaderAt, size int64) error {
	const endLen, maxComment, locatorLen, end64Len = 22, 1 << 16, 20, 56
	tail := make([]byte, min(size, endLen+maxComment))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return fmt.Errorf("read zip: %w", err)
	}
	at := strings.LastIndex(string(tail), "PK\x05\x06")
	if at < 0 || at+endLen > len(tail) {
		return fmt.Errorf("read zip: %w: its end is missing", zip.ErrFormat)
	}
	end := tail[at:]
	length := uint64(binary.LittleEndian.Uint32(end[12:]))
	begin := uint64(binary.LittleEndian.Uint32(end[16:]))
	endAt := size - int64(len(tail)) + int64(at)
	if at >= locatorLen && string(tail[at-locatorLen:at-locatorLen+4]) == "PK\x06\x07" {
		end64At := int64(binary.LittleEndian.Uint64(tail[at-locatorLen+8:]))
		var end64 [end64Len]byte
		if end64At < 0 || end64At > size-end64Len {
			return fmt.Errorf("read zip: %w: its end is out of place", zip.ErrFormat)
		}
		if _, err := r.ReadAt(end64[:], end64At); err != nil {
			return fmt.Errorf("read zip: %w", err)
		}
		length, begin, endAt = binary.LittleEndian.Uint64(end64[40:]), binary.LittleEndian.Uint64(end64[48:]), end64At
	}
	if length > uint64(endAt) {
		return fmt.Errorf("read zip: %w: its directory is out of place", zip.ErrFormat)
	}
	from := min(uint64(endAt)-length, begin)
	if uint64(endAt)-from > MaxDirectory {
		return fmt.Errorf("read zip: its directory has %d bytes, the limit is %d", uint64(endAt)-from, MaxDirectory)
	}
	return nil
}

// Tar yields the members of a tar file, uncompressed. An error that is a
// *MemberError concerns one member; any other is the last. Where r ends early,
// the error wraps io.ErrUnexpectedEOF.
func Tar(r io.Reader) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		t := tar.NewReader(r)
		seen := names{}
		for {
			h, err := t.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
				yield(Member{}, fmt.Errorf("read tar: %w", err))
				return
			}
			if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
				continue
			}
			name, err := seen.add(h.Name)
			if err == nil && h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse {
				err = &MemberError{Name: name, Err: ErrLink}
			}
			_, one := errors.AsType[*MemberError](err)
			m := Member{Name: name, Size: h.Size, open: func() (io.ReadCloser, error) { return io.NopCloser(t), nil }}
			if err != nil {
				m = Member{}
			}
			if !yield(m, err) || err != nil && !one {
				return
			}
		}
	}
}
