package xlsx_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/troikaml/troika/refine/source/xlsx"
)

var bounds = xlsx.Options{MaxParts: 4 << 20, MaxFile: 16 << 20, MaxRow: 1 << 16}

func read(b []byte, o xlsx.Options) string {
	var out strings.Builder
	for row, err := range xlsx.Rows(bytes.NewReader(b), int64(len(b)), o) {
		if err != nil {
			fmt.Fprintf(&out, "!%v\n", err)
			continue
		}
		fmt.Fprintf(&out, "%s %d %q\n", row.Sheet, row.Number, row.Cells)
	}
	return out.String()
}

// book makes a workbook with one sheet from the rows in XML.
func book(rows string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range map[string]string{
		"[Content_Types].xml":        `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"_rels/.rels":                `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>` + rows + `</sheetData></worksheet>`,
	} {
		w, _ := z.Create(name)
		io.WriteString(w, content)
	}
	z.Close()
	return b.Bytes()
}

func Example() {
	f := excelize.NewFile()
	defer f.Close()
	if err := f.SetSheetRow("Sheet1", "A1", &[]any{"pear", 2.5}); err != nil {
		fmt.Println(err)
		return
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		fmt.Println(err)
		return
	}
	for row, err := range xlsx.Rows(bytes.NewReader(b.Bytes()), int64(b.Len()), xlsx.Options{MaxParts: 1 << 20, MaxFile: 1 << 20, MaxRow: 1 << 10}) {
		fmt.Println(row.Sheet, row.Number, row.Cells, err)
	}
	// Output: Sheet1 1 [pear 2.5] <nil>
}

func TestThirdParty(t *testing.T) {
	b, err := os.ReadFile("testdata/pears.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	want := `Pears 1 ["text" "label" "day" "price" "good"]
Pears 2 ["Pears are sweet. 梨很甜。" "fruit" "2024-05-06" "2.50" "TRUE"]
Pears 3 ["two\nlines" "a|b" "2024-05-06 07:08:09" "1000000" "FALSE"]
Pears 5 ["after an empty row"]
Pears 7 ["merged" "" "beside"]
第二页 1 ["梨" "1"]
`
	if got := read(b, bounds); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestLargeSheet has a sheet that is unpacked to a file, which is gone after.
func TestLargeSheet(t *testing.T) {
	var rows strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&rows, `<row r="%d"><c t="inlineStr"><is><t>pear number %d is sweet</t></is></c></row>`, i+1, i)
	}
	b, o := book(rows.String()), bounds
	o.Temp = t.TempDir()
	n := 0
	for row, err := range xlsx.Rows(bytes.NewReader(b), int64(len(b)), o) {
		if n++; err != nil || row.Number != n || row.Cells[0] != fmt.Sprintf("pear number %d is sweet", n-1) {
			t.Fatal(row, err)
		}
		if left, _ := os.ReadDir(o.Temp); n == 1 && len(left) == 0 {
			t.Error("nothing was unpacked to a file")
		}
	}
	if left, _ := os.ReadDir(o.Temp); n != 60_000 || len(left) > 0 {
		t.Errorf("%d rows, left %v", n, left)
	}
}

func TestRefused(t *testing.T) {
	row := func(r int, s string) string {
		return fmt.Sprintf(`<row r="%d"><c r="A%d" t="inlineStr"><is><t>%s</t></is></c></row>`, r, r, s)
	}
	whole := book(row(1, "x"))
	for _, c := range []struct {
		name string
		file []byte
		o    xlsx.Options
		want string
	}{
		{"cut", whole[:len(whole)-30], bounds, "!read zip: zip: not a valid zip file"},
		{"nothing", nil, bounds, "!read zip: zip: not a valid zip file"},
		{"row too large", book(row(1, strings.Repeat("x", 1<<17)) + row(2, "y")), bounds, "!sheet \"S\", row 1: too large: 131072 bytes in 1 cells\nS 2 [\"y\"]\n"},
		{"row out of bounds", book(row(1, "x") + row(2_000_000_000, "y")), bounds, "!sheet \"S\", row 1: row number exceeds"},
		{"expands", book(strings.Repeat(" ", 17<<20)), bounds, "!too large: expands to more than 16777216 bytes"},
		{"broken XML", book(`<row r="1"><c><v>1`), bounds, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := read(c.file, c.o); !strings.HasPrefix(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestErrors unwraps what a row's error says.
func TestErrors(t *testing.T) {
	err := error(&xlsx.Error{Sheet: "S", Err: xlsx.ErrTooLarge})
	if !errors.Is(err, xlsx.ErrTooLarge) || err.Error() != `sheet "S": too large` {
		t.Error(err)
	}
}

func FuzzRows(f *testing.F) {
	f.Add(`<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>`)
	f.Add(`<row r="1048576"><c r="XFD1" t="s"><v>99999999</v></c><c s="77"><v>1e300</v></c></row>`)
	f.Add(`<row r="-1"><c r="A0" t="d"><v>x</v></c></row><row/>`)
	f.Fuzz(func(t *testing.T, rows string) {
		b := book(rows)
		n := 0
		for range xlsx.Rows(bytes.NewReader(b), int64(len(b)), bounds) {
			if n++; n > len(rows)+1 {
				t.Fatal("more rows than there can be")
			}
		}
	})
}
