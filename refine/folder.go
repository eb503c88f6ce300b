package refine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine/html"
	"github.com/troikaml/troika/refine/markdown"
	"github.com/troikaml/troika/text"
)

// maxPage bounds the bytes of one raw page.
const maxPage = html.MaxSize

// Folder reads a folder per label with documents in it:
//
//	LABEL/page.html                 .html .htm .xhtml
//	LABEL/more/notes.md             .md .markdown, at any depth
//	LABEL/plain.txt                 .txt .text
//	LABEL/zh-CN/page.html           a language folder right below the label
//	anything.jsonl                  labelled JSONL in the top folder, see ReadLabelled
//
// A document's ID and Source are its path. In a language folder (a BCP 47 tag
// with a two-letter language and, if any, a script or region: en, zh-CN,
// zh-Hant) the group is the path without that folder and without the file
// ending, so that a page and its translations, which have the same path below
// their language folders, share a group. The label, too, is part of the group.
// Elsewhere every document is a group of its own.
//
// Files and folders whose names start with "." or "_" are ignored. A file of
// another kind, one over 16 MiB, one that is not text and one that cannot be
// read are failures, in the order of their paths, and the rest goes on. A page
// that holds nothing but its title is a document with an empty text: it is for
// the dataset's list of what was dropped. The error is for a folder that cannot
// be listed or in which nothing was found at all. Documents come in the order
// of their paths, whatever the number of processors.
func Folder(fsys fs.FS) ([]Document, Failures, error) {
	files, err := list(fsys)
	if err != nil {
		return nil, nil, err
	}
	type result struct {
		docs     []Document
		failures Failures
	}
	results := make([]result, len(files))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				results[i].docs, results[i].failures = readFile(fsys, files[i])
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	wg.Wait()
	var docs []Document
	var failures Failures
	for _, r := range results {
		docs = append(docs, r.docs...)
		failures = append(failures, r.failures...)
	}
	if len(docs) == 0 {
		return nil, failures, fmt.Errorf("read documents: none found: want a folder per label with .html, .md or .txt files in it, or .jsonl files with text and label (%d files skipped)", len(failures))
	}
	return docs, failures, nil
}

// list returns the files to read in lexical order of their paths.
func list(fsys fs.FS) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("read documents %s: %w", p, err)
		case p != "." && strings.HasPrefix(d.Name(), "."), strings.HasPrefix(d.Name(), "_"):
			if d.IsDir() {
				return fs.SkipDir
			}
		case !d.IsDir():
			files = append(files, p)
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}

// readFile turns one file into its documents.
func readFile(fsys fs.FS, name string) ([]Document, Failures) {
	fail := func(err error) ([]Document, Failures) {
		return nil, Failures{{Path: name, Err: err}}
	}
	// A pipe would block for ever: look before opening.
	if info, err := fs.Stat(fsys, name); err != nil {
		return fail(reason(err))
	} else if !info.Mode().IsRegular() {
		return fail(errors.New("not a regular file"))
	}
	f, err := fsys.Open(name)
	if err != nil {
		return fail(reason(err))
	}
	defer f.Close() //nolint:errcheck // the file is only read
	label, rest, nested := strings.Cut(name, "/")
	if !nested {
		if strings.EqualFold(path.Ext(name), ".jsonl") {
			return ReadLabelled(f, name)
		}
		return fail(errors.New("not in the folder of a label, and not a .jsonl file"))
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxPage+1))
	switch {
	case err != nil:
		return fail(reason(err))
	case len(raw) > maxPage:
		return fail(fmt.Errorf("over %d bytes", maxPage))
	}
	doc := Document{ID: name, Source: name, Label: label, Raw: troika.Sum(raw)}
	if err := parse(&doc, path.Ext(name), raw); err != nil {
		return fail(err)
	}
	if lang, below, ok := strings.Cut(rest, "/"); ok && isLanguage(lang) {
		doc.Lang = lang
		doc.Group = label + "/" + strings.TrimSuffix(below, path.Ext(below))
	}
	if doc.Lang == "" {
		doc.Lang = GuessLang(doc.Text)
	}
	return []Document{doc}, nil
}

// parse fills in what the file's format tells.
func parse(doc *Document, ext string, raw []byte) error {
	switch strings.ToLower(ext) {
	case ".html", ".htm", ".xhtml":
		page, err := html.Parse(raw)
		if err != nil {
			return err
		}
		doc.Title, doc.Text = page.Title, page.Text
		if tag, err := language.Parse(page.Lang); err == nil && page.Lang != "" {
			doc.Lang = tag.String()
		}
	case ".md", ".markdown":
		if err := checkPlain(raw); err != nil {
			return err
		}
		doc.Title, doc.Text = markdown.Parse(raw)
	case ".txt", ".text":
		if err := checkPlain(raw); err != nil {
			return err
		}
		doc.Text = text.Normalize(string(raw))
	default:
		return fmt.Errorf("files of kind %q are not read", ext)
	}
	return nil
}

// checkPlain refuses bytes that are no text in UTF-8: a NUL byte, or more than
// one broken sequence in a hundred bytes. What is left is repaired.
func checkPlain(raw []byte) error {
	broken, first := 0, -1
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRune(raw[i:])
		if r == 0 {
			return fmt.Errorf("byte %d is NUL: not a text file", i)
		}
		if r == utf8.RuneError && n == 1 {
			if first < 0 {
				first = i
			}
			broken++
		}
		i += n
	}
	if 100*broken > len(raw) {
		return fmt.Errorf("not UTF-8: the first of %d broken bytes is byte %d", broken, first)
	}
	return nil
}

// isLanguage reports folder names such as en, pt-BR and zh-Hant: two letters,
// and a script or region that exists.
func isLanguage(name string) bool {
	base, _, _ := strings.Cut(name, "-")
	if len(base) != 2 || strings.Contains(name, "_") {
		return false
	}
	_, err := language.Parse(name)
	return err == nil
}

// GuessLang tells languages by script alone: zh, ja and ko where at least
// three in ten words are theirs, a character without spaces around it being a
// word; else the empty string.
func GuessLang(s string) string {
	var words, han, kana, hangul int
	for w := range text.Words(s) {
		words++
		r, _ := utf8.DecodeRuneInString(w)
		switch {
		case unicode.Is(unicode.Han, r):
			han++
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			kana++
		case unicode.Is(unicode.Hangul, r):
			hangul++
		}
	}
	switch {
	case words == 0:
		return ""
	case 10*hangul >= 3*words:
		return "ko"
	case 10*(han+kana) >= 3*words && 20*kana >= han+kana:
		return "ja"
	case 10*han >= 3*words:
		return "zh"
	}
	return ""
}

// reason strips the path from an error that a Failure names by itself.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
