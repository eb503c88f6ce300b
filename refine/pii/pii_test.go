package pii_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/pii"
)

// TestLines holds Scan to lines whose numbers another library made and checked
// (testdata/generate.py): precision 0.99, recall 0.98.
func TestLines(t *testing.T) {
	raw, err := os.ReadFile("testdata/lines.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	found, right, there := 0, 0, 0
	for line := range bytes.Lines(raw) {
		var in struct {
			Text  string
			Spans [][3]any
		}
		if err := json.Unmarshal(line, &in); err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		runes := []rune(in.Text)
		for _, s := range in.Spans {
			start, end := int(s[0].(float64)), int(s[1].(float64))
			at := len(string(runes[:start]))
			want[fmt.Sprint(at, " ", at+len(string(runes[start:end])), " ", s[2])] = true
		}
		there += len(want)
		for _, m := range pii.Scan(nil, in.Text) {
			found++
			key := fmt.Sprint(m.Start, " ", m.End, " ", m.Kind)
			if want[key] {
				right++
				delete(want, key)
			} else {
				t.Logf("false: %s %q in %q", m.Kind, in.Text[m.Start:m.End], in.Text)
			}
		}
		for key := range want {
			t.Logf("missed: %s in %q", key, in.Text)
		}
	}
	if there < 300 {
		t.Fatalf("only %d spans: the test proves nothing", there)
	}
	precision, recall := float64(right)/float64(found), float64(right)/float64(there)
	if precision < 0.99 || recall < 0.98 {
		t.Errorf("precision %.4f, recall %.4f of %d spans", precision, recall, there)
	}
}

func TestKinds(t *testing.T) {
	const key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n  IBAAKCAQ \n-----END RSA PRIVATE KEY-----"
	for in, want := range map[string]string{
		"":                             "",
		"nothing here, 12345 and 3.14": "nothing here, 12345 and 3.14",
		"身份证11010519491231002X，请核对":                      "身份证<CN_ID>，请核对",
		"身份证110105 19491231 002x。":                       "身份证<CN_ID>。",
		"11010519491231002Xa":                            "11010519491231002Xa",
		"卡号6222021234567890129":                          "卡号6222021234567890129",
		"card 4111 1111 1111 1111.":                      "card <BANK_CARD>.",
		"card 4111-1111-1111-1111-1":                     "card 4111-1111-1111-1111-1",
		"tel +86 13812345678":                            "tel +<MOBILE>",
		"13812345678、13912345678":                        "<MOBILE>、<MOBILE>",
		"13812345678 13912345678":                        "<MOBILE> <MOBILE>",
		"车牌京A·12345停":                                    "车牌<PLATE>停",
		"粤B1234警":                                        "<PLATE>",
		"沪AD12345":                                       "<PLATE>",
		"京A座12345":                                       "京A座12345",
		"统一代码91350100M000100Y43。":                        "统一代码<USCC>。",
		"mail bo.li+x@mail.example.cn, ok":               "mail <EMAIL>, ok",
		"13812345678@139.com":                            "<EMAIL>",
		"发到a@b.com.":                                     "发到<EMAIL>.",
		"logo@2x.png @decorator a@b x@1.2.":              "logo@2x.png @decorator a@b x@1.2.",
		"at 8.8.4.41:53":                                 "at <IP>:53",
		"at 10.0.0.12 and 192.168.1.20":                  "at 10.0.0.12 and 192.168.1.20",
		"[2400:3200::1]:80":                              "[<IP>]:80",
		"a::b c::d fe80::1 2001:db8::1":                  "a::b c::d fe80::1 2001:db8::1",
		"key=ghp_0123456789abcdefghijABCDEFGHIJ012345;":  "key=<API_KEY>;",
		"sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx": "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		key:                                "-----BEGIN RSA PRIVATE KEY-----\n<PRIVATE_KEY>\n  <PRIVATE_KEY> \n-----END RSA PRIVATE KEY-----",
		"-----BEGIN PRIVATE KEY-----\nabc": "-----BEGIN PRIVATE KEY-----\nabc",
		"\xff13812345678\xe4":              "\xff<MOBILE>\xe4",
		"1.13812345678 2.13812345678":      "1.13812345678 2.13812345678",
		"１3812345678":                      "１3812345678",
		"12345678901234567890123456789":    "12345678901234567890123456789",
		"13812345678-1":                    "13812345678-1",
	} {
		if got := pii.Redact(in, pii.Scan(nil, in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestApply(t *testing.T) {
	r, err := pii.New("mobile", "email")
	if err != nil {
		t.Fatal(err)
	}
	d := refine.Document{Title: "13812345678", Text: "13912345678 a@b.org 8.8.4.41"}
	v, err := r.Apply(t.Context(), &d)
	if err != nil || v.Drop != nil {
		t.Fatal(v, err)
	}
	if d.Title != "<MOBILE>" || d.Text != "<MOBILE> <EMAIL> 8.8.4.41" || v.Counts["mobile"] != 2 || v.Counts["email"] != 1 || len(v.Counts) != 2 {
		t.Errorf("%+v, counts %v", d, v.Counts)
	}
	if _, err := pii.New("shoe-size"); err == nil || !strings.Contains(err.Error(), "bank-card") {
		t.Errorf("an unknown kind: %v", err)
	}
	for _, k := range pii.Kinds() {
		if _, err := pii.New(k.String()); err != nil || k.Placeholder() == "" {
			t.Errorf("kind %v: %v", k, err)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{
		"11010519491231002X 6222 0212 3456 7890 128 +86-138-1234-5678 京A·12345", "91350100M000100Y43 a@b.cn 8.8.4.41 2400:3200::1",
		"-----BEGIN PRIVATE KEY-----\nx\n-----END ", "sk-0123456789abcdefghijklmnopqrstuv eyJ0.1.2", "a@b.c@d.ef 1-2-3-4-5-6-7-8 ::::",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at := 0
		for _, m := range pii.Scan(nil, s) {
			if m.Start < at || m.End <= m.Start || m.End > len(s) {
				t.Fatalf("match %v after %d in %q", m, at, s)
			}
			if strings.Contains(s[m.Start:m.End], "\n") {
				t.Fatalf("match %v of %q holds a line end", m, s)
			}
			at = m.End
		}
		once := pii.Redact(s, pii.Scan(nil, s))
		if strings.Count(once, "\n") != strings.Count(s, "\n") {
			t.Errorf("lines of %q moved", s)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	for name, s := range map[string]string{
		"english": strings.Repeat("The horses pull the carriage over the hill in 1998, and don't stop before the rain: see page 12 for more. ", 64),
		"chinese": strings.Repeat("三匹马拉着一辆车翻过山坡，在2008年以前一直没有停下来，电话13812345678。", 64),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			var m []pii.Match
			for b.Loop() {
				m = pii.Scan(m[:0], s)
			}
		})
	}
}

func Example() {
	r, err := pii.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	d := refine.Document{Text: "请联系13812345678或 li@example.cn，身份证11010519491231002X。"}
	v, err := r.Apply(context.Background(), &d)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Text)
	fmt.Println(v.Counts)
	// Output:
	// 请联系<MOBILE>或 <EMAIL>，身份证<CN_ID>。
	// map[cn-id:1 email:1 mobile:1]
}
