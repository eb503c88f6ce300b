package source

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// kind is the format of a file.
type kind int

const (
	unknown kind = iota
	htmlPage
	markdownText
	plainText
	jsonLines
	commaTable
	tabTable
	parquetFile
	warcFile
	pdfFile
	docxFile
	xlsxFile
	zipFile
	tarFile
	gzipped
	zstdPacked
	bzipped
)

// endings maps what names end in to formats.
var endings = map[string]kind{
	".html": htmlPage, ".htm": htmlPage, ".xhtml": htmlPage, ".shtml": htmlPage,
	".md": markdownText, ".markdown": markdownText,
	".txt": plainText, ".text": plainText,
	".jsonl": jsonLines, ".ndjson": jsonLines,
	".csv": commaTable, ".tsv": tabTable, ".tab": tabTable,
	".parquet": parquetFile,
	".warc":    warcFile, ".wet": warcFile,
	".pdf": pdfFile, ".docx": docxFile, ".docm": docxFile, ".xlsx": xlsxFile, ".xlsm": xlsxFile,
	".zip": zipFile, ".tar": tarFile, ".tgz": gzipped,
	".gz": gzipped, ".zst": zstdPacked, ".zstd": zstdPacked, ".bz2": bzipped,
}

// magics maps how files begin to formats.
var magics = []struct {
	prefix string
	kind   kind
}{
	{"\x1f\x8b\x08", gzipped},
	{"\x28\xb5\x2f\xfd", zstdPacked},
	{"BZh", bzipped},
	{"PK\x03\x04", zipFile},
	{"PK\x05\x06", zipFile},
	{"%PDF-", pdfFile},
	{"PAR1", parquetFile},
	{"WARC/", warcFile},
}

// foreign are beginnings of files that are no text and not read.
var foreign = []struct{ prefix, name string }{
	{"\x89PNG", "a PNG picture"},
	{"\xff\xd8\xff", "a JPEG picture"},
	{"GIF8", "a GIF picture"},
	{"7z\xbc\xaf", "a 7z archive"},
	{"Rar!", "a RAR archive"},
	{"\xfd7zXZ", "xz-compressed"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or encrypted Office file"},
	{"\x7fELF", "a program"},
	{"MZ", "a program"},
	{"{\\rtf", "RTF"},
}

// kindOf tells a file's format by the ending of its name, else by its head. A
// file without any ending that begins as UTF-8 text is one.
func kindOf(name string, head []byte) kind {
	if k := endings[strings.ToLower(path.Ext(name))]; k != unknown {
		return k
	}
	k := sniff(head)
	if k == zipFile && openDocument(name, head) != "" {
		return unknown // its parts are nothing to a reader
	}
	if k != unknown || path.Ext(name) != "" {
		return k
	}
	if len(head) > 0 && utf8.Valid(trimRune(head)) && bytes.IndexByte(head, 0) < 0 && foreignName(head) == "" {
		return plainText
	}
	return unknown
}

// sniff tells a format by the first bytes of a file.
func sniff(head []byte) kind {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.prefix)) {
			return m.kind
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return tarFile
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.prefix)) {
			return unknown
		}
	}
	text := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
	for _, begin := range []string{"<!doctype html", "<html", "<head", "<body"} {
		if bytes.HasPrefix(text, []byte(begin)) {
			return htmlPage
		}
	}
	return unknown
}

// foreignName says what a head that is not read looks like, or "".
func foreignName(head []byte) string {
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.prefix)) {
			return f.name
		}
	}
	return ""
}

// openDocuments are the files of OpenDocument, which is packed as zip, by the endings
// of their names and of their media types.
var openDocuments = []struct{ ext, media, advice string }{
	{".ods", "spreadsheet", "an OpenDocument spreadsheet is not read: save it as .xlsx"},
	{".odt", "text", "an OpenDocument text is not read: save it as .docx"},
	{".odp", "presentation", "an OpenDocument presentation is not read: save it as .pdf"},
	{".odg", "graphics", "an OpenDocument drawing is not read"},
}

// openDocument says that a zip file is one of OpenDocument and what to do with it, or
// nothing. Such files begin with their media type, unpacked (OpenDocument 1.3, part 2,
// section 3.3); not every program keeps to that.
func openDocument(name string, head []byte) string {
	const at = 30 // behind the header of the first member
	_, media, _ := strings.Cut(string(head[min(at, len(head)):]), "mimetypeapplication/vnd.oasis.opendocument.")
	for _, d := range openDocuments {
		if strings.EqualFold(path.Ext(name), d.ext) || strings.HasPrefix(media, d.media) {
			return d.advice
		}
	}
	return ""
}

// innerName strips the ending of a compressed file from its name.
func innerName(name string) string {
	ext := path.Ext(name)
	if strings.EqualFold(ext, ".tgz") {
		return strings.TrimSuffix(name, ext) + ".tar"
	}
	switch endings[strings.ToLower(ext)] {
	case gzipped, zstdPacked, bzipped:
		return strings.TrimSuffix(name, ext)
	default:
		return name
	}
}

// unreadable says why a file of no known kind is not read.
func unreadable(b blob, head []byte) error {
	ext := pathExt(b.name)
	if what := foreignName(head); what != "" {
		return fmt.Errorf("%s is not read", what)
	}
	if sniff(head) == zipFile {
		return errors.New(openDocument(b.name, head))
	}
	if ext == "" {
		return errors.New("neither its name nor its first bytes tell its format")
	}
	return fmt.Errorf("files of kind %q are not read", ext)
}
