package term

import (
	"bytes"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWidth(t *testing.T) {
	for _, c := range []struct {
		s    string
		want int
	}{
		{"", 0},
		{"abc", 3},
		{"中文", 4},
		{"ｆｕｌｌ", 8},
		{"한글", 4},
		{"e\u0301", 1},
		{"👍", 2},
		{"👨‍👩‍👧", 2},
		{"①", 1}, // ambiguous: always one
		{"…", 1},
		{"a\tb", 3},
	} {
		if got := Width(c.s); got != c.want {
			t.Errorf("Width(%q) = %d, want %d", c.s, got, c.want)
		}
	}
}

func TestTruncatePad(t *testing.T) {
	for _, c := range []struct {
		s    string
		w    int
		want string
	}{
		{"abcdef", 6, "abcdef"},
		{"abcdef", 4, "abc…"},
		{"中文字符", 8, "中文字符"},
		{"中文字符", 6, "中文…"},
		{"中文字符", 4, "中…"},
		{"abc", 0, ""},
		{"abc", -3, ""},
	} {
		got := Truncate(c.s, c.w)
		if got != c.want || Width(got) > max(0, c.w) {
			t.Errorf("Truncate(%q, %d) = %q, want %q", c.s, c.w, got, c.want)
		}
	}
	if got := Pad("中", 4, Right) + "|" + Pad("中", 4, Left) + "|" + Pad("long", 2, Left); got != "  中|中  |long" {
		t.Errorf("Pad: %q", got)
	}
}

func TestCleanHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"a\x1b[31mred\x07":  "a\uFFFD[31mred\uFFFD",
		"line\r\n\tbreak":   "line break",
		"two  spaces":       "two spaces",
		"bad \xff\xfe utf8": "bad \uFFFD\uFFFD utf8",
		"user\u202Egnp.exe": "user\uFFFDgnp.exe",
		"c1 \u009b31m":      "c1 \uFFFD31m",
		"家 👍":               "家 👍",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[31m\u202e\xff")
	f.Add("中文  \t\n👨‍👩‍👧")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if Clean(got) != got {
			t.Errorf("Clean is not idempotent on %q", s)
		}
		if strings.ContainsAny(got, "\x1b\n\r\t\x00\u009b\u202e") {
			t.Errorf("Clean(%q) = %q", s, got)
		}
		for w := range 8 {
			if cut := Truncate(s, w); Width(cut) > w {
				t.Errorf("Truncate(%q, %d) = %q: %d cells", s, w, cut, Width(cut))
			}
		}
	})
}

func TestTable(t *testing.T) {
	table := NewTable(Column{Title: "MODEL"}, Column{Title: "准确率", Align: Right}, Column{Title: "NOTE", Max: 8})
	table.Row("base", "0.160", "x")
	table.Row("微调模型", "0.9125", "a very long note", "dropped")
	table.Row("short")
	want := "" +
		"MODEL     准确率  NOTE\n" +
		"────────  ──────  ────────\n" +
		"base       0.160  x\n" +
		"微调模型  0.9125  a very …\n" +
		"short\n"
	if got := table.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	bare := NewTable(Column{}, Column{Align: Right})
	bare.Row("a\nb", "1")
	if got := bare.String(); got != "a b  1\n" {
		t.Errorf("without titles: %q", got)
	}
}

func TestSparkline(t *testing.T) {
	for _, c := range []struct {
		values []float64
		width  int
		want   string
	}{
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, 8, "▁▂▃▄▅▆▇█"},
		{[]float64{7, 7, 0, 0}, 2, "█▁"},
		{[]float64{1, 1, 1}, 10, "▁▁▁"},
		{[]float64{0, math.NaN(), 7, math.Inf(1)}, 4, "▁ █ "},
		{nil, 5, ""},
		{[]float64{1, 2}, 0, ""},
		{[]float64{-math.MaxFloat64, math.MaxFloat64}, 2, "▁█"},
	} {
		if got := Sparkline(c.values, c.width); got != c.want {
			t.Errorf("Sparkline(%v, %d) = %q, want %q", c.values, c.width, got, c.want)
		}
	}
}

func TestPlot(t *testing.T) {
	values := make([]float64, 400)
	for i := range values {
		values[i] = 3*math.Exp(-float64(i)/100) + 0.5
	}
	got := Plot(values, 30, 5)
	want := "" +
		"  3.5 ┤⠱⡀\n" +
		"      │ ⠘⢄\n" +
		"      │   ⠑⢄\n" +
		"      │     ⠉⠢⢄⣀\n" +
		"0.555 ┤         ⠉⠑⠒⠢⠤⠤⢄⣀⣀⣀⣀⣀⣀⣀\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for line := range strings.Lines(got) {
		if Width(strings.TrimSuffix(line, "\n")) > 30 {
			t.Errorf("line over 30 cells: %q", line)
		}
	}
	// Two points are joined from corner to corner.
	if got := Plot([]float64{0, 1}, 13, 2); !strings.HasPrefix(got, "1 ┤") || !strings.Contains(got, "0 ┤⣀") {
		t.Errorf("two points:\n%s", got)
	}
	for _, empty := range [][]float64{nil, {math.NaN()}} {
		if got := Plot(empty, 40, 5); got != "" {
			t.Errorf("Plot(%v) = %q", empty, got)
		}
	}
	if got := Plot([]float64{5}, 40, 3); strings.Count(got, "\n") != 3 {
		t.Errorf("one value:\n%s", got)
	}
}

func TestProgressLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress(&out, Lines, 0)
		b := p.Bar("tune", 400, Items("steps"))
		for range 100 {
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // the bubble's clock, not the wall's
			b.Note("loss %.2f", 2.5)
			b.Add(1)
		}
		b.Set(400)
		b.Done()
		b.Add(5)
		b.Abort()
		want := "" +
			"tune: 50/400 steps (12 %), 10 steps/s, ETA 35s, loss 2.50\n" +
			"tune: 100/400 steps (25 %), 10 steps/s, ETA 30s, loss 2.50\n" +
			"tune: 400 steps in 10s (40 steps/s), loss 2.50\n"
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", out.String(), want)
		}
	})
}

func TestProgressLinesBytesUnknownTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress(&out, Lines, 0)
		b := p.Bar("pull\x1b[2J", 0, Bytes)
		time.Sleep(6 * time.Second) //nolint:forbidigo // the bubble's clock, not the wall's
		b.Add(12 << 20)
		b.SetTotal(100 << 20)
		time.Sleep(6 * time.Second) //nolint:forbidigo // the bubble's clock, not the wall's
		b.Add(12 << 20)
		p.Close()
		want := "" +
			"pull\uFFFD[2J: 12.0 MiB, 2.0 MiB/s\n" +
			"pull\uFFFD[2J: 24.0 MiB/100.0 MiB (24 %), 2.0 MiB/s, ETA 38s\n" +
			"pull\uFFFD[2J: stopped at 24.0 MiB/100.0 MiB in 12s (2.0 MiB/s)\n"
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", out.String(), want)
		}
	})
}

func TestProgressSilent(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, Silent, 0)
	b := p.Bar("x", 10, Bytes)
	b.Add(10)
	b.Note("n")
	b.Done()
	p.Close()
	if _, err := p.Write([]byte("log\n")); err != nil || out.String() != "log\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

// TestProgressLive checks that bars are drawn, that lines written beside them
// stay whole, and that nothing is drawn once the last bar has ended.
func TestProgressLive(t *testing.T) {
	out := &lockedBuffer{}
	p := NewProgress(out, Live, 100)
	for round := range 2 {
		var work sync.WaitGroup
		for _, name := range []string{"weights", "tokenizer"} {
			b := p.Bar(name, 1000, Items("tensors"))
			work.Go(func() {
				for range 1000 {
					b.Add(1)
				}
				b.Note("ok")
				b.Done()
			})
		}
		if _, err := p.Write([]byte("a log line\n")); err != nil {
			t.Fatal(err)
		}
		work.Wait()
		n := out.Len()
		if _, err := p.Write([]byte("after\n")); err != nil {
			t.Fatal(err)
		}
		if tail := out.String()[n:]; tail != "after\n" {
			t.Errorf("round %d: drew after the end: %q", round, tail)
		}
	}
	unfinished := p.Bar("stopped", 10, Bytes)
	unfinished.Add(3)
	p.Close()
	for _, want := range []string{"a log line\n", "weights", "████████████████████████", "1000 tensors in", ", ok", "stopped at 3 B/10 B"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %q", want, out.String())
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) Len() int { return len(l.String()) }
