package pdf_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine/source/pdf"
)

func load(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func Example() {
	file, err := os.ReadFile("testdata/zh.pdf")
	if err != nil {
		fmt.Println(err)
		return
	}
	engine := pdf.New("", 1)
	defer engine.Close()
	doc, err := engine.Read(context.Background(), file, pdf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(doc.Markdown)
	// Output:
	// # 梨树的照料
	//
	// 梨树喜欢阳光充足的地方。每年冬天要剪去枯枝和病枝，让树冠通风透光。春天开花以前要浇足水，花谢以后再施一次肥。
	//
	// 梨子成熟以后要及时采收，放在阴凉的地方可以保存很久。
}

func TestRead(t *testing.T) {
	engine := pdf.New("", 2)
	defer engine.Close()
	read := func(name string, o pdf.Options) (pdf.Document, error) {
		return engine.Read(t.Context(), load(t, name), o)
	}
	const chinese = "# 梨树的照料\n\n梨树喜欢阳光充足的地方。每年冬天要剪去枯枝和病枝，让树冠通风透光。春天开花以前要浇足水，花谢以后再施一次肥。\n\n梨子成熟以后要及时采收，放在阴凉的地方可以保存很久。"
	const english = `# On pears

A pear tree wants sun and a deep soil. It is planted in autumn, while the soil is still warm, and it is pruned every winter so that light and air come to all of its branches.

## What to buy

- a spade
- two stakes

The young tree is tied to the stakes so that the wind cannot loosen it, and it is watered well in the first summer, for its roots do not yet reach far. Early kinds ripen in July, late ones in October.

Kind Month Keeps

Clara July days

Nobody needs more than three trees in one garden.`
	for name, want := range map[string]pdf.Document{
		"pears.pdf":      {Title: "On pears", Markdown: english},
		"zh.pdf":         {Title: "untitled", Markdown: chinese},
		"zh-cid.pdf":     {Title: "untitled", Markdown: chinese},
		"restricted.pdf": {Title: "untitled", Markdown: chinese},
	} {
		doc, err := read(name, pdf.Options{MaxText: 1 << 20, MaxPages: 3, Seconds: 100})
		if err != nil || doc != want {
			t.Errorf("%s: %q, %v", name, doc, err)
		}
	}
	for name, want := range map[string]error{"locked.pdf": pdf.ErrEncrypted, "drawing.pdf": pdf.ErrNoText} {
		if _, err := read(name, pdf.Options{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if _, err := read("pears.pdf", pdf.Options{MaxPages: 2}); !errors.Is(err, pdf.ErrTooLarge) {
		t.Errorf("over the pages: %v", err)
	}
	if _, err := read("pears.pdf", pdf.Options{MaxText: 100}); !errors.Is(err, pdf.ErrTooLarge) {
		t.Errorf("over the text: %v", err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := engine.Read(stopped, load(t, "zh.pdf"), pdf.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended: %v", err)
	}
}

// Files that are cut or damaged are errors or what is left of them, and the
// engine reads on.
func TestReadBroken(t *testing.T) {
	engine := pdf.New("", 1)
	defer engine.Close()
	whole := load(t, "pears.pdf")
	failed := 0
	for _, n := range []int{0, 4, 9, 300, len(whole) / 2, len(whole) - 400, len(whole) - 1} {
		if _, err := engine.Read(t.Context(), whole[:n], pdf.Options{Seconds: 60}); err != nil {
			failed++
			if !errors.Is(err, pdf.ErrBroken) && !errors.Is(err, pdf.ErrNoText) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	}
	if failed < 4 {
		t.Errorf("%d of the cut files failed", failed)
	}
	if doc, err := engine.Read(t.Context(), whole, pdf.Options{}); err != nil || !strings.Contains(doc.Markdown, "pear") {
		t.Errorf("after the broken ones: %v", err)
	}
}

// A page whose content expands without end is ended by memory, time or text.
func TestReadBomb(t *testing.T) {
	engine := pdf.New("", 1)
	defer engine.Close()
	lines := func(n int) []byte {
		var content strings.Builder
		content.WriteString("BT /F1 12 Tf 72 700 Td\n")
		for range n {
			content.WriteString("(pears and more pears and yet more pears) Tj 0 -14 Td\n")
		}
		return document(content.String() + "ET")
	}
	if _, err := engine.Read(t.Context(), lines(100), pdf.Options{MaxText: 1000}); !errors.Is(err, pdf.ErrTooLarge) {
		t.Errorf("too much text: %v", err)
	}
	if _, err := engine.Read(t.Context(), lines(100_000), pdf.Options{Seconds: 1}); !errors.Is(err, pdf.ErrTime) {
		t.Errorf("too much time: %v", err)
	}
	if doc, err := engine.Read(t.Context(), lines(2), pdf.Options{}); err != nil || strings.Count(doc.Markdown, "yet") != 2 {
		t.Errorf("after them: %q, %v", doc.Markdown, err)
	}
}

// document makes a PDF with one page of this content.
func document(content string) []byte {
	var b bytes.Buffer
	var at []int
	b.WriteString("%PDF-1.4\n")
	for i, o := range []string{
		"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(content), content),
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
	} {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.Bytes()
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"pears.pdf", "zh.pdf", "zh-cid.pdf", "locked.pdf", "drawing.pdf"} {
		f.Add(load(f, name))
	}
	f.Add(document("BT /F1 12 Tf 72 700 Td (text) Tj ET"))
	engine := pdf.New("", 4)
	f.Cleanup(func() { engine.Close() })
	f.Fuzz(func(t *testing.T, file []byte) {
		doc, err := engine.Read(t.Context(), file, pdf.Options{MaxText: 1 << 16, MaxPages: 20, Seconds: 20})
		if (doc.Markdown == "") != (err != nil) {
			t.Errorf("text %q with error %v", doc.Markdown, err)
		}
	})
}
