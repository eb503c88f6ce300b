package main

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestPassagesKeepEveryLineOnce(t *testing.T) {
	var lines []string
	for i := range 60 {
		lines = append(lines, strings.Repeat("word ", 3+i%20)+"end.")
	}
	whole := strings.Join(lines, "\n")
	parts := passages(whole, "id")
	if len(parts) < 5 {
		t.Fatalf("%d passages of %d words", len(parts), countWords(whole))
	}
	if got := strings.Join(parts, "\n"); got != whole {
		t.Errorf("the passages are not the text:\n%s", got)
	}
	for _, p := range parts {
		if n := countWords(p); n > limitWords {
			t.Errorf("a passage has %d words", n)
		}
	}
}

func TestLongLineIsCut(t *testing.T) {
	parts := passages(strings.Repeat("文字", 500), "id")
	if len(parts) != 1 || countWords(parts[0]) != 2*limitWords {
		t.Errorf("%d passages, the first of %d words", len(parts), countWords(parts[0]))
	}
}

func TestConversationsAskForThePlace(t *testing.T) {
	body := strings.Repeat("A cell holds a number or a formula. ", 4)
	got := conversations([]document{{ID: "a", Text: body, Lang: "en", Place: "libreoffice/scalc", Title: "Cells"}})
	if len(got) != 1 {
		t.Fatalf("%d conversations", len(got))
	}
	m := got[0].Messages
	if !strings.HasSuffix(m[0].Content, "\n\n"+strings.TrimSpace(body)) || m[1].Content != "libreoffice/scalc: Cells" {
		t.Errorf("%q is answered with %q", m[0].Content, m[1].Content)
	}
}

func TestCommentsOfPackages(t *testing.T) {
	const remark = "// Tar reads the entries of an archive one after the other, and does not keep them in memory.\n"
	got, err := comments(fstest.MapFS{
		"archive/tar/tar.go":      {Data: []byte("// Copyright of somebody, " + strings.Repeat("x", 80) + "\n\npackage tar\n\n" + remark + "func Tar() {}\n")},
		"archive/tar/tar_test.go": {Data: []byte(remark + "package tar\n")},
		"cmd/go/main.go":          {Data: []byte(remark + "package main\n")},
	})
	if err != nil || len(got) != 1 {
		t.Fatalf("%d documents, %v", len(got), err)
	}
	if d := got[0]; d.Place != "go/archive/tar" || !strings.HasPrefix(d.Text, "Tar reads") {
		t.Errorf("got %+v", d)
	}
	if _, err := comments(fstest.MapFS{"bad.go": {Data: []byte("func")}}); err == nil {
		t.Error("a broken file is not an error")
	}
}
