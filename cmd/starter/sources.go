package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/troikaml/troika/refine/html"
	"github.com/troikaml/troika/text"
)

// document is a line of the corpus.
type document struct {
	ID     string `json:"id"`
	Text   string `json:"text,omitempty"`
	Source string `json:"source"`
	Lang   string `json:"lang"`
	// Place says where the document stands, for people, and Title what it is called.
	Place string `json:"-"`
	Title string `json:"-"`
	// Messages make a conversation of the document, in place of its text.
	Messages []message `json:"messages,omitempty"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// source is one package of the corpus: which of its files, and how they are read.
type source struct {
	name, licence, lang string
	place               string // of its documents; their folder is added to it
	dir, suffix         string // below the folder of the package
	every               int    // take each n-th document
	read                func(data []byte) ([]document, error)
}

var sources = []source{
	{"libreoffice-help-en-us", "MPL-2.0", "en", "libreoffice", "usr/share/libreoffice/help/en-US/text", ".html", 1, page},
	{"libreoffice-help-zh-cn", "MPL-2.0", "zh", "libreoffice", "usr/share/libreoffice/help/zh-CN/text", ".html", 1, page},
	{"debian-reference-en", "GPL-2.0-or-later", "en", "debian", "usr/share/debian-reference", ".en.html", 1, page},
	{"debian-reference-zh-cn", "GPL-2.0-or-later", "zh", "debian", "usr/share/debian-reference", ".zh-cn.html", 1, page},
	{"python3.11-doc", "PSF-2.0", "en", "python", "usr/share/doc/python3.11/html/library", ".html", 1, page},
	{"python3.11-doc", "PSF-2.0", "en", "python", "usr/share/doc/python3.11/html/tutorial", ".html", 1, page},
	{"python3.11-doc", "PSF-2.0", "en", "python", "usr/share/doc/python3.11/html/howto", ".html", 1, page},
	{"chinese-poetry", "MIT", "zh", "论语", "dist/lunyu", ".json", 1, verses},
	{"chinese-poetry", "MIT", "zh", "蒙学", "dist/mengxue", ".json", 1, verses},
	{"chinese-poetry", "MIT", "zh", "诗经", "dist/shijing", ".json", 1, verses},
	{"chinese-poetry", "MIT", "zh", "宋词", "dist/songci", ".json", 4, verses},
}

// collect reads every source below dir, each in the folder of its package, in the
// order of the table and of the paths.
func collect(dir string) ([]document, error) {
	var out []document
	for _, s := range sources {
		root := filepath.Join(dir, s.name, filepath.FromSlash(s.dir))
		n, seen := len(out), 0
		err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, s.suffix) {
				return err
			}
			data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
			if err != nil {
				return err
			}
			docs, err := s.read(data)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for i, d := range docs {
				if seen++; len(d.Text) < minText || seen%s.every != 0 {
					continue
				}
				d.ID = fmt.Sprintf("%s/%s#%d", s.name, path.Join(path.Base(s.dir), name), i)
				d.Source, d.Lang = s.name+" ("+s.licence+")", s.lang
				d.Place = placeOf(s, name)
				out = append(out, d)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", s.name, err)
		}
		fmt.Fprintf(os.Stderr, "%s %s: %d documents\n", s.name, s.dir, len(out)-n)
	}
	return out, nil
}

// placeOf names the folder of a page, or the page itself where a package keeps all
// its pages in one folder.
func placeOf(s source, name string) string {
	if s.suffix == ".json" {
		return s.place
	}
	folder := path.Dir(name)
	if folder == "." {
		folder = strings.TrimSuffix(path.Base(name), s.suffix)
	}
	return s.place + "/" + folder
}

// minText leaves out pages with hardly any text, in bytes.
const minText = 80

func page(data []byte) ([]document, error) {
	p, err := html.Parse(data)
	if err != nil {
		return nil, err
	}
	return []document{{Text: text.Normalize(p.Text), Title: p.Title}}, nil
}

// verses reads a JSON list of poems or chapters, or one of them.
func verses(data []byte) ([]document, error) {
	type poem struct {
		Title      string   `json:"title"`
		Chapter    string   `json:"chapter"`
		Rhythmic   string   `json:"rhythmic"`
		Author     string   `json:"author"`
		Paragraphs []string `json:"paragraphs"`
		Content    any      `json:"content"`
	}
	var many []poem
	if err := json.Unmarshal(data, &many); err != nil {
		var one poem
		if err := json.Unmarshal(data, &one); err != nil {
			return nil, err
		}
		many = []poem{one}
	}
	var out []document
	for _, p := range many {
		lines := p.Paragraphs
		if list, ok := p.Content.([]any); ok && len(lines) == 0 {
			for _, x := range list {
				if s, ok := x.(string); ok {
					lines = append(lines, s)
				}
			}
		}
		title := p.Title + p.Chapter + p.Rhythmic
		body := title + "\n" + p.Author + "\n" + strings.Join(lines, "\n")
		out = append(out, document{Text: text.Normalize(body), Title: title})
	}
	return out, nil
}
