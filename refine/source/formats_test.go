package source_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/troikaml/troika/refine/source"
	"github.com/troikaml/troika/refine/source/pdf"
)

// fixture returns a file of a subpackage's.
func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func zipped(t testing.TB, members ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		m, err := w.Create(members[i])
		if err == nil {
			_, err = io.WriteString(m, members[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tarred(t testing.TB, members ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		h := &tar.Header{Name: members[i], Size: int64(len(members[i+1])), Mode: 0o600}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, members[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// brief renders an item.
func brief(it source.Item) string {
	var b strings.Builder
	b.WriteString(it.Path + " " + it.MediaType)
	if it.Title != "" {
		b.WriteString(" title=" + it.Title)
	}
	if it.Fields == nil {
		body, _, cut := strings.Cut(string(it.Body), "\n")
		if b.WriteString(" " + body); cut {
			b.WriteString(" ...")
		}
	}
	for _, f := range it.Fields {
		b.WriteString(" " + f.Name + "=" + f.Value)
	}
	return b.String()
}

// Every format is read, by its ending and within archives, and what is broken
// is told by name.
func TestWalkFormats(t *testing.T) {
	docx, xlsx := fixture(t, "docx/testdata/pears.docx"), fixture(t, "xlsx/testdata/pears.xlsx")
	table, crawl := fixture(t, "parquet/testdata/flat-zstd.parquet"), fixture(t, "warc/testdata/crawl.warc.gz")
	document := fixture(t, "pdf/testdata/zh.pdf")
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("文本,标签\n梨子成熟以后很甜，可以放在阴凉的地方保存。,水果\n")
	if err != nil {
		t.Fatal(err)
	}
	big5, err := traditionalchinese.Big5.NewEncoder().String(`{"text":"梨子成熟以後很甜，可以放在陰涼的地方保存。"}` + "\n")
	if err != nil {
		t.Fatal(err)
	}
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("a\tb\n1\t二\n")
	if err != nil {
		t.Fatal(err)
	}
	dir := tree(t, map[string]string{
		"a.docx": docx, "b.xlsx": xlsx, "c.parquet": table, "d.pdf": document,
		"e.zip":      zipped(t, "in/page.html", "<p>In a zip.", "in/doc.docx", docx, "table.parquet", table, "more.tar.gz", gzipped(t, tarred(t, "t.txt", "In a tar.")), "../out.txt", "no"),
		"f.csv":      gbk,
		"g.jsonl":    big5,
		"h.tsv":      wide,
		"i.pdf":      document[:len(document)/3],
		"j.pdf":      fixture(t, "pdf/testdata/locked.pdf"),
		"k.docx":     docx[:len(docx)/2],
		"l.xlsx":     "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 encrypted",
		"m.parquet":  table[:len(table)-9],
		"n.csv.gz":   gzipped(t, strings.Repeat("a,b\n", 1000))[:30],
		"o.warc.gz":  crawl[:len(crawl)-20],
		"p.tar":      tarred(t, "x.txt", strings.Repeat("x", 5000))[:2000],
		"q.csv":      "a,a\n1,2\n",
		"r.jsonl":    `{"a":{"b":1,"b":2}}` + "\n",
		"s.csv":      "a,b\n1,\x00\n3,4\n",
		"t.markdown": "# T\n",
	})
	items, failures := walk(t, source.Options{}, dir)
	var got []string
	for _, it := range items {
		if !strings.HasPrefix(it.Path, "o.warc") && !strings.Contains(it.Path, "parquet#") || strings.HasSuffix(it.Path, "parquet#1") {
			got = append(got, brief(it))
		}
	}
	want := []string{
		"a.docx text/markdown title=On pears # On pears ...",
		"b.xlsx#Pears:2 application/json text=Pears are sweet. 梨很甜。 label=fruit day=2024-05-06 price=2.50 good=TRUE",
		"b.xlsx#Pears:3 application/json text=two\nlines label=a|b day=2024-05-06 07:08:09 price=1000000 good=FALSE",
		"b.xlsx#Pears:5 application/json text=after an empty row",
		"b.xlsx#Pears:7 application/json text=merged label= day=beside",
		"d.pdf text/markdown title=untitled # 梨树的照料 ...",
		"e.zip!in/page.html text/html <p>In a zip.",
		"e.zip!in/doc.docx text/markdown title=On pears # On pears ...",
		"e.zip!more.tar.gz!t.txt text/plain In a tar.",
		"f.csv#2 application/json 文本=梨子成熟以后很甜，可以放在阴凉的地方保存。 标签=水果",
		"g.jsonl#1 application/json text=梨子成熟以後很甜，可以放在陰涼的地方保存。",
		"h.tsv#2 application/json a=1 b=二",
		"s.csv#3 application/json a=3 b=4",
		"t.markdown text/markdown # T ...",
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("missing: %q", w)
		}
	}
	for _, p := range []string{"c.parquet#1 ", "e.zip!table.parquet#1 "} {
		if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, p) }) {
			t.Errorf("missing: %s", p)
		}
	}
	for path, why := range map[string]string{
		`e.zip!"../out.txt"`: "leads out", "i.pdf": "broken", "j.pdf": "encrypted", "k.docx": "zip", "l.xlsx": "encrypted Office",
		"m.parquet": "not a whole Parquet", "n.csv.gz": "cut off", "o.warc.gz": "", "p.tar!x.txt": "cut off", "q.csv": "comes twice",
		"r.jsonl:1": "comes twice", "s.csv:2": "NUL",
	} {
		if !slices.ContainsFunc(failures, func(s string) bool { return strings.HasPrefix(s, path) && strings.Contains(s, why) }) {
			t.Errorf("%s did not fail for %q", path, why)
		}
	}
	if t.Failed() {
		t.Logf("items\n%s\nfailures\n%s", strings.Join(got, "\n"), strings.Join(failures, "\n"))
	}
}

// A workbook as one text for each sheet.
func TestWalkSheets(t *testing.T) {
	dir := tree(t, map[string]string{"b.xlsx": fixture(t, "xlsx/testdata/pears.xlsx")})
	items, failures := walk(t, source.Options{Sheets: true}, dir)
	if len(failures) != 0 || len(items) != 2 || items[0].Path != "b.xlsx#Pears" || items[1].Path != "b.xlsx#第二页" ||
		!strings.HasPrefix(string(items[0].Body), "| text | label | day | price | good |\n| --- | --- | --- | --- | --- |\n| Pears are sweet. 梨很甜。 | fruit |") {
		t.Errorf("%s %q", paths(items), failures)
	}
}

// What expands beyond measure is given up, with the memory that it takes bounded.
func TestWalkBombs(t *testing.T) {
	zeros := strings.Repeat("\x00", 80<<20)
	dir := tree(t, map[string]string{
		"bomb.zip":    zipped(t, "a.txt", zeros, "b.txt", "after"),
		"bomb.txt.gz": gzipped(t, zeros),
		"deep.zip":    zipped(t, "a.zip", zipped(t, "b.zip", zipped(t, "c.zip", zipped(t, "d.zip", zipped(t, "e.txt", "deep"))))),
		"good.txt":    "good",
	})
	items, failures := walk(t, source.Options{}, dir)
	if paths(items) != "bomb.zip!b.txt good.txt" {
		t.Errorf("items %s", paths(items))
	}
	all := strings.Join(failures, "\n")
	for _, want := range []string{"bomb.txt.gz: more than", "bomb.zip!a.txt: more than", "deep.zip!a.zip!b.zip!c.zip!d.zip: archives nested too deeply"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not among %s", want, all)
		}
	}
	_, failures = walk(t, source.Options{Limits: source.Limits{Expand: 1 << 20}}, filepath.Join(dir, "bomb.zip"))
	if len(failures) != 1 || !strings.Contains(failures[0], "expands too far") {
		t.Errorf("with a limit on all: %q", failures)
	}
}

// A caller's engine is used again, and a file that the caller does not wait for
// leaves nothing behind.
func TestReadStops(t *testing.T) {
	dir := tree(t, map[string]string{"a.jsonl": `{"a":1}` + "\n" + `{"a":2}` + "\n", "b.pdf": fixture(t, "pdf/testdata/zh.pdf")})
	engine := pdf.New("", 1)
	n := 0
	for _, err := range source.Walk(t.Context(), []string{dir}, source.Options{PDF: engine}) {
		if n++; err != nil {
			t.Error(err)
		}
		if n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d items", n)
	}
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
}

func TestWalkUnreadable(t *testing.T) {
	dir := tree(t, map[string]string{"a.txt": "a", "b.txt": "b"})
	if err := os.Symlink(dir, filepath.Join(dir, "loop")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(filepath.Join(dir, "none"), filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "a.txt"), 0); err != nil {
		t.Fatal(err)
	}
	items, failures := walk(t, source.Options{}, dir)
	want := 3
	if f, err := os.Open(filepath.Join(dir, "a.txt")); err == nil { // the superuser reads everything
		want--
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(failures) != want || len(items) != 4-want || !slices.ContainsFunc(failures, func(s string) bool { return strings.HasPrefix(s, "loop: symbolic link") }) {
		t.Errorf("%q", failures)
	}
}

// TestWalkOpenDocument: what is packed as zip and no archive to people is told by its
// name or its media type, not taken apart.
func TestWalkOpenDocument(t *testing.T) {
	var typed bytes.Buffer
	z := zip.NewWriter(&typed)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "mimetype", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "application/vnd.oasis.opendocument.spreadsheet"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	parts := zipped(t, "content.xml", "<a/>", "notes.txt", "words")
	dir := tree(t, map[string]string{
		"bare": typed.String(), "figures.ods": typed.String(), "letter.ODT": parts, "talk.odp": parts, "box.zip": parts,
	})
	items, failures := walk(t, source.Options{}, dir)
	want := []string{
		"bare: an OpenDocument spreadsheet is not read: save it as .xlsx",
		`box.zip!content.xml: files of kind ".xml" are not read`,
		"figures.ods: an OpenDocument spreadsheet is not read: save it as .xlsx",
		"letter.ODT: an OpenDocument text is not read: save it as .docx",
		"talk.odp: an OpenDocument presentation is not read: save it as .pdf",
	}
	if !slices.Equal(failures, want) {
		t.Errorf("%q, want %q", failures, want)
	}
	if len(items) != 1 || items[0].Path != "box.zip!notes.txt" {
		t.Errorf("items %+v", items)
	}
}

// A file that changes while it is read is a failure, and its last item does not
// come.
func TestReadChanged(t *testing.T) {
	dir := tree(t, map[string]string{"a.jsonl": strings.Repeat(`{"a":1}`+"\n", 3)})
	for f, err := range source.List(t.Context(), []string{dir}, source.Options{Hash: true}) {
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		var last error
		for _, err := range source.Read(t.Context(), f, source.Options{}) {
			if n++; n == 1 {
				if err := os.WriteFile(f.Path, []byte(strings.Repeat(`{"a":2}`+"\n", 4)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			last = err
		}
		if !errors.Is(last, source.ErrChanged) || n != 3 {
			t.Errorf("%d items, then %v", n, last)
		}
	}
}
