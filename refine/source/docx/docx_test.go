package docx_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine/source/docx"
)

var bounds = docx.Options{MaxPart: 1 << 20, MaxText: 1 << 18}

// file wraps the body of a document.
func file(body string, more ...string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name, content string) {
		w, _ := z.Create(name)
		io.WriteString(w, content)
	}
	add("word/document.xml", `<w:document xmlns:w="w"><w:body>`+body+`</w:body></w:document>`)
	for i := 0; i < len(more); i += 2 {
		add(more[i], more[i+1])
	}
	z.Close()
	return b.Bytes()
}

func Example() {
	b := file(`<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><w:t>Pears</w:t></w:r></w:p><w:p><w:r><w:t>Pears are sweet.</w:t></w:r></w:p>`)
	doc, err := docx.Read(bytes.NewReader(b), int64(len(b)), docx.Options{MaxPart: 1 << 20, MaxText: 1 << 20})
	fmt.Println(doc.Markdown, err)
	// Output:
	// # Pears
	//
	// Pears are sweet. <nil>
}

func TestThirdParty(t *testing.T) {
	b, err := os.ReadFile("testdata/pears.docx")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := docx.Read(bytes.NewReader(b), int64(len(b)), bounds)
	if err != nil {
		t.Fatal(err)
	}
	want := `# On pears

# Kinds 种类

Pears are sweet.
梨很甜。

- green
- yellow
- like butter

## Steps

1. wash
2. cut

| kind | price \| kg | note |
| --- | --- | --- |
| Conference | 2 | long<br>second line |
| Abate<br>3 |  | longer |

After the table.`
	if doc.Markdown != want || doc.Title != "On pears" {
		t.Errorf("title %q, got\n%s\nwant\n%s", doc.Title, doc.Markdown, want)
	}
}

func TestElements(t *testing.T) {
	run := func(s string) string { return "<w:r><w:t>" + s + "</w:t></w:r>" }
	p := func(s string) string { return "<w:p>" + s + "</w:p>" }
	for _, c := range []struct {
		name, body, want string
		more             []string
	}{
		{"deleted and inserted", p("<w:del><w:r><w:delText>old</w:delText><w:t>x</w:t></w:r></w:del><w:ins>" + run("new") + "</w:ins>"), "new", nil},
		{"two renderings", p("<mc:AlternateContent><mc:Choice>" + run("one") + "</mc:Choice><mc:Fallback>" + run("one") + "</mc:Fallback></mc:AlternateContent>"), "one", nil},
		{"text box", p(run("before") + "<w:txbxContent>" + p(run("boxed")) + "</w:txbxContent>" + run(" after")), "before after\n\nboxed", nil},
		{"ruby", p("<w:ruby><w:rt>" + run("li") + "</w:rt><w:rubyBase>" + run("梨") + "</w:rubyBase></w:ruby>"), "梨", nil},
		{"field", p(`<w:r><w:instrText>PAGE</w:instrText></w:r>` + run("7")), "7", nil},
		{"content control", "<w:sdt><w:sdtContent>" + p(run("in it")) + "</w:sdtContent></w:sdt>", "in it", nil},
		{"table in a table", "<w:tbl><w:tr><w:tc><w:tbl><w:tr><w:tc>" + p(run("in")) + "</w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>", "| \\| in \\|<br>\\| --- \\| |\n| --- |", nil},
		{
			"note", p(run("text") + `<w:r><w:footnoteReference w:id="2"/></w:r>`), "text[^2]\n\n[^2]: a note",
			[]string{"word/footnotes.xml", `<x><w:footnote w:type="separator" w:id="0">` + p(run("-")) + `</w:footnote><w:footnote w:id="2">` + p(run("a note")) + `</w:footnote></x>`},
		},
		{
			"Chinese style", p(`<w:pPr><w:pStyle w:val="a1"/></w:pPr>` + run("梨")), "## 梨",
			[]string{"word/styles.xml", `<x><w:style w:styleId="a1"><w:basedOn w:val="a2"/></w:style><w:style w:styleId="a2"><w:name w:val="标题 2"/><w:basedOn w:val="a1"/></w:style></x>`},
		},
		{"nothing", "", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := file(c.body, c.more...)
			doc, err := docx.Read(bytes.NewReader(b), int64(len(b)), bounds)
			if err != nil || doc.Markdown != c.want {
				t.Errorf("got %q, %v, want %q", doc.Markdown, err, c.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	whole := file(strings.Repeat("<w:p><w:r><w:t>Pears are sweet.</w:t></w:r></w:p>", 100))
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"deep", "elements nested too deeply", file(strings.Repeat("<w:p>", 100_000))},
		{"deep and closed", "elements nested too deeply", file(strings.Repeat("<w:tbl><w:tr><w:tc>", 1000) + strings.Repeat("</w:tc></w:tr></w:tbl>", 1000))},
		{"broken XML", "word/document.xml: XML syntax error", file("<w:p><w:r>")},
		{"large part", "word/document.xml: too large: over 1048576 bytes", file(strings.Repeat("<w:p></w:p>", 200_000))},
		{"much text", "over 262144 bytes of text", file("<w:p><w:r><w:t>" + strings.Repeat("x", 300_000) + "</w:t></w:r></w:p>")},
		{"wide table", "over 262144 bytes of text", file("<w:tbl><w:tr>" + strings.Repeat("<w:tc/>", 9000) + "</w:tr>" + strings.Repeat("<w:tr><w:tc/></w:tr>", 9000) + "</w:tbl>")},
		{"cut", "not a valid zip file", whole[:len(whole)/2]},
		{"no zip file", "not a valid zip file", []byte("hello")},
		{"no document", "not a Word document", func() []byte {
			var b bytes.Buffer
			z := zip.NewWriter(&b)
			z.Create("x")
			z.Close()
			return b.Bytes()
		}()},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := docx.Read(bytes.NewReader(c.file), int64(len(c.file)), bounds)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`<w:p><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>x</w:t></w:r></w:p>`, `<x><w:style w:styleId="a"/></x>`, `<x><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="1"><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></x>`)
	f.Add(`<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="99999999"/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>`, "", "")
	f.Fuzz(func(t *testing.T, body, styles, numbering string) {
		b := file(body, "word/styles.xml", styles, "word/numbering.xml", numbering)
		doc, err := docx.Read(bytes.NewReader(b), int64(len(b)), bounds)
		if err == nil && int64(len(doc.Markdown)) > bounds.MaxText {
			t.Fatalf("%d bytes of text", len(doc.Markdown))
		}
	})
}

// FuzzFile feeds whole files.
func FuzzFile(f *testing.F) {
	f.Add(file("<w:p/>"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = docx.Read(bytes.NewReader(b), int64(len(b)), bounds)
	})
}
