package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine/source/archive"
)

func zipOf(names ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, n := range names {
		f, _ := w.CreateHeader(&zip.FileHeader{Name: n, Method: zip.Deflate})
		if !strings.HasSuffix(n, "/") {
			io.WriteString(f, "in "+n)
		}
	}
	w.Close()
	return b.Bytes()
}

func tarOf(headers ...tar.Header) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		h.Mode = 0o644
		body := ""
		if h.Typeflag == tar.TypeReg {
			body = "in " + h.Name
		}
		h.Size = int64(len(body))
		w.WriteHeader(&h)
		io.WriteString(w, body)
	}
	w.Close()
	return b.Bytes()
}

func Example() {
	file := zipOf("manual/page.html", "../../etc/passwd")
	for m, err := range archive.Zip(bytes.NewReader(file), int64(len(file))) {
		fmt.Println(m.Name, err)
	}
	// Output:
	// manual/page.html <nil>
	//  "../../etc/passwd": name leads out of the archive
}

func list(t testing.TB, seq func(func(archive.Member, error) bool)) string {
	t.Helper()
	var got []string
	for m, err := range seq {
		if err != nil {
			got = append(got, "!"+err.Error())
			continue
		}
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s=%s", m.Name, b))
	}
	return strings.Join(got, "\n")
}

func TestZip(t *testing.T) {
	file := zipOf("a/", "a/b.txt", `win\c.txt`, "/etc/x", "C:/x", "x/../../y", "./a//b.txt", "\xc0\xe6.txt", "n\x00l")
	want := `a/b.txt=in a/b.txt
win/c.txt=in win\c.txt
!"/etc/x": name leads out of the archive
!"C:/x": name leads out of the archive
!"x/../../y": name leads out of the archive
!a/b.txt: name comes twice in the archive
` + "梨.txt=in \xc0\xe6.txt" + `
!"n\x00l": name leads out of the archive`
	if got := list(t, archive.Zip(bytes.NewReader(file), int64(len(file)))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for n := range file {
		for _, err := range archive.Zip(bytes.NewReader(file[:n]), int64(n)) {
			if err == nil || !errors.Is(err, zip.ErrFormat) {
				t.Fatalf("cut at %d of %d: %v", n, len(file), err)
			}
		}
	}
}

func TestTar(t *testing.T) {
	file := tarOf(
		tar.Header{Name: "a/", Typeflag: tar.TypeDir},
		tar.Header{Name: "a/b.txt", Typeflag: tar.TypeReg},
		tar.Header{Name: "link", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink},
		tar.Header{Name: "dev", Typeflag: tar.TypeBlock},
		tar.Header{Name: "../x", Typeflag: tar.TypeReg},
		tar.Header{Name: "a/b.txt", Typeflag: tar.TypeReg},
		tar.Header{Name: "last", Typeflag: tar.TypeReg},
	)
	want := `a/b.txt=in a/b.txt
!link: links in archives are not followed
!dev: links in archives are not followed
!"../x": name leads out of the archive
!a/b.txt: name comes twice in the archive
last=in last`
	if got := list(t, archive.Tar(bytes.NewReader(file))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	cut := list(t, archive.Tar(bytes.NewReader(file[:3*512+100])))
	if want := "a/b.txt=in a/b.txt\n!read tar: unexpected EOF"; cut != want {
		t.Errorf("cut: got %q, want %q", cut, want)
	}
}

// TestDirectory refuses a zip file whose directory is too large to be held.
func TestDirectory(t *testing.T) {
	file := zipOf("a")
	at := bytes.LastIndex(file, []byte("PK\x05\x06"))
	padded := append(append(bytes.Clone(file[:at]), make([]byte, archive.MaxDirectory)...), file[at:]...)
	var last error
	for _, err := range archive.Zip(bytes.NewReader(padded), int64(len(padded))) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "its directory has") {
		t.Error(last)
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(zipOf("a", "b/c", "../d"))
	f.Add(tarOf(tar.Header{Name: "a", Typeflag: tar.TypeReg}, tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "a"}))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, seq := range []func(func(archive.Member, error) bool){archive.Zip(bytes.NewReader(in), int64(len(in))), archive.Tar(bytes.NewReader(in))} {
			for m, err := range seq {
				if err != nil {
					continue
				}
				if again, err := archive.Clean(m.Name); err != nil || again != m.Name {
					t.Fatalf("%q is not clean: %q, %v", m.Name, again, err)
				}
				if r, err := m.Open(); err == nil {
					io.CopyN(io.Discard, r, 1<<16)
					r.Close()
				}
			}
		}
	})
}
