package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	utf16 "golang.org/x/text/encoding/unicode"

	"github.com/troikaml/troika/text/charset"
)

// corpus is openly licensed text of one language, read from files that were
// not counted for the lists of characters.
type corpus struct {
	name, folder, suffix string
	half                 bool // half of the files was counted
	encodings            []charset.Encoding
}

const referenceFolder = "debian-reference-zh-cn/usr/share/debian-reference"

var corpora = []corpus{
	{"help zh-CN", "libreoffice-help-zh-cn/usr/share/libreoffice/help", ".html", true, zhHans},
	{"manpages zh_CN", "manpages-zh/usr/share/man/zh_CN", ".gz", true, zhHans},
	{"debian-reference zh-CN", referenceFolder, ".txt.gz", false, zhHans},
	{"debian-faq zh-CN", "debian-faq-zh-cn/usr/share/doc/debian/FAQ", ".txt.gz", false, zhHans},
	{"debian-reference zh-TW", "debian-reference-zh-tw/usr/share/debian-reference", ".txt.gz", false, zhHant},
	{"help zh-TW", "libreoffice-help-zh-tw/usr/share/libreoffice/help", ".html", true, zhHant},
	{"manpages zh_TW", "manpages-zh/usr/share/man/zh_TW", ".gz", true, zhHant},
	{"help ja", "libreoffice-help-ja/usr/share/libreoffice/help", ".html", true, []charset.Encoding{charset.UTF8, charset.ShiftJIS, charset.EUCJP}},
	{"help ko", "libreoffice-help-ko/usr/share/libreoffice/help", ".html", true, []charset.Encoding{charset.UTF8, charset.EUCKR}},
}

var (
	zhHans = []charset.Encoding{charset.UTF8, charset.GB18030, charset.UTF16LE}
	zhHant = []charset.Encoding{charset.UTF8, charset.Big5, charset.GB18030, charset.UTF16BE}
)

var encoders = map[charset.Encoding]encoding.Encoding{
	charset.UTF8:        encoding.Nop,
	charset.GB18030:     simplifiedchinese.GBK,
	charset.Big5:        traditionalchinese.Big5,
	charset.ShiftJIS:    japanese.ShiftJIS,
	charset.EUCJP:       japanese.EUCJP,
	charset.EUCKR:       korean.EUCKR,
	charset.UTF16LE:     utf16.UTF16(utf16.LittleEndian, utf16.IgnoreBOM),
	charset.UTF16BE:     utf16.UTF16(utf16.BigEndian, utf16.IgnoreBOM),
	charset.Windows1252: charmap.Windows1252,
}

// encodings measures how often undeclared snippets of 20 characters are decoded
// to the text that they were made from.
func encodings(dir string) error {
	const runes, least, most = 20, 8, 20000
	fmt.Printf("%-24s %-12s %8s %9s\n", "text", "encoding", "snippets", "correct")
	for _, c := range corpora {
		snippets, err := c.snippets(dir, runes, least, most)
		if err != nil {
			return err
		}
		for _, enc := range c.encodings {
			n, right := 0, 0
			var wrong []string
			for _, s := range snippets {
				b, err := encoders[enc].NewEncoder().Bytes([]byte(s))
				if err != nil {
					continue
				}
				n++
				got, as, err := charset.Decode(b, "")
				if err == nil && got == s {
					right++
				} else if len(wrong) < 3 {
					wrong = append(wrong, fmt.Sprintf("%q as %s", s, as))
				}
			}
			fmt.Printf("%-24s %-12s %8d %9.4f\n", c.name, enc, n, float64(right)/float64(max(n, 1)))
			for _, w := range wrong {
				fmt.Println("    ", w)
			}
		}
	}
	return decodeSpeed(dir)
}

var tags = regexp.MustCompile(`(?s)<(script|style).*?</(script|style)>|<[^>]*>|\n[.'][^\n]*`)

// snippets cuts one piece of so many characters, with at least so many beyond
// ASCII, out of each line that has one.
func (c *corpus) snippets(dir string, runes, least, most int) ([]string, error) {
	var list []string
	root := filepath.Join(dir, c.folder)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.HasSuffix(path, c.suffix) || len(list) >= most {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(filepath.ToSlash(rel)))
		if c.half && h.Sum32()&1 == 0 {
			return nil
		}
		b, err := readFile(path)
		if err != nil || !utf8.Valid(b) {
			return err
		}
		for line := range strings.SplitSeq(tags.ReplaceAllString(string(b), " "), "\n") {
			line = strings.Join(strings.Fields(line), " ")
			if s := cut(line, runes, least); s != "" && len(list) < most {
				list = append(list, s)
			}
		}
		return nil
	})
	return list, err
}

// cut returns the first piece of a line from its middle on.
func cut(line string, runes, least int) string {
	r := []rune(line)
	for at := len(r) / 3; at+runes <= len(r); at += runes {
		n := 0
		for _, c := range r[at : at+runes] {
			if c >= 0x80 && unicode.IsLetter(c) {
				n++
			}
		}
		if n >= least {
			return string(r[at : at+runes])
		}
	}
	return ""
}

func readFile(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil || filepath.Ext(path) != ".gz" {
		return b, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// decodeSpeed times whole documents.
func decodeSpeed(dir string) error {
	b, err := readFile(filepath.Join(dir, referenceFolder, "debian-reference.zh-cn.txt.gz"))
	if err != nil {
		return err
	}
	for _, enc := range zhHans {
		in, err := encoders[enc].NewEncoder().Bytes(b)
		if err != nil {
			in, err = encoding.ReplaceUnsupported(encoders[enc].NewEncoder()).Bytes(b)
		}
		if err != nil {
			return err
		}
		start, n := cpuTime(), 0
		for cpuTime()-start < time.Second {
			if _, _, err := charset.Decode(in, ""); err != nil {
				return err
			}
			n += len(in)
		}
		fmt.Printf("decode %-12s %8.1f MB/s\n", enc, float64(n)/1e6/(cpuTime()-start).Seconds())
	}
	return nil
}
