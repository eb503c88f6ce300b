package term

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Mode says how a [Progress] shows itself.
type Mode int

// The modes.
const (
	// Silent shows nothing: for machine-readable output.
	Silent Mode = iota
	// Lines writes a plain line when a bar ends, and every [LineInterval]
	// before that: for logs and pipes.
	Lines
	// Live redraws bars in place: for a terminal.
	Live
)

// LineInterval is the least time between two lines of one bar in mode [Lines].
const LineInterval = 5 * time.Second

// refresh is how often live bars are redrawn.
const refresh = 150 * time.Millisecond

const (
	nameCells = 32 // a longer name is cut
	barCells  = 24
)

// Unit is what a bar counts.
type Unit struct {
	name  string
	bytes bool
}

// Bytes counts bytes and shows them as KiB, MiB and so on.
var Bytes = Unit{bytes: true}

// Items counts things of a name, such as "steps" or "documents".
func Items(name string) Unit { return Unit{name: name} }

func (u Unit) format(n float64) string {
	if u.bytes {
		return formatBytes(n)
	}
	if n != float64(int64(n)) && n < 100 {
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.0f", n)
}

func (u Unit) suffix() string {
	if u.name == "" {
		return ""
	}
	return " " + u.name
}

func formatBytes(n float64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if n < 1024 {
			if unit == "B" {
				return fmt.Sprintf("%.0f B", n)
			}
			return fmt.Sprintf("%.1f %s", n, unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%.1f TiB", n)
}

// Progress shows how far several pieces of work have come, on one writer. It
// is itself a writer: what is written to it, such as a log line, appears above
// the bars and does not tear them. Safe for concurrent use.
type Progress struct {
	w     io.Writer
	mode  Mode
	width int

	mu   sync.Mutex
	live *mpb.Progress // while there are unfinished bars in mode Live
	bars map[*Bar]struct{}
}

// NewProgress returns a Progress that draws on w, usually stderr. In mode
// [Live], a width above 0 fixes the width in cells; 0 follows the terminal
// that w is, and its changes.
func NewProgress(w io.Writer, mode Mode, width int) *Progress {
	return &Progress{w: w, mode: mode, width: width, bars: map[*Bar]struct{}{}}
}

// Write writes whole lines above the bars.
func (p *Progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live != nil {
		return p.live.Write(b)
	}
	return p.w.Write(b)
}

// Close ends every unfinished bar where it stands and stops drawing. Bars may
// be made again afterwards.
func (p *Progress) Close() {
	p.mu.Lock()
	open := make([]*Bar, 0, len(p.bars))
	for b := range p.bars {
		open = append(open, b)
	}
	p.mu.Unlock()
	for _, b := range open {
		b.end(false)
	}
}

// Bar is one piece of work. Its methods are safe for concurrent use, cheap
// enough to call often, and do nothing after Done or Abort.
type Bar struct {
	p     *Progress
	name  string
	unit  Unit
	total atomic.Int64
	n     atomic.Int64
	note  atomic.Pointer[string]

	mu       sync.Mutex
	rate     rate
	started  time.Time
	lastLine time.Time
	bar      *mpb.Bar
	ended    bool
	final    string // the status of an ended bar
}

// Bar starts a bar of this name. total is how much work there is, or 0 when
// that is not known yet.
func (p *Progress) Bar(name string, total int64, unit Unit) *Bar {
	now := time.Now()
	b := &Bar{p: p, name: Clean(name), unit: unit, started: now, lastLine: now}
	b.total.Store(total)
	b.rate.observe(now, 0)
	if p.mode == Silent {
		return b
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bars[b] = struct{}{}
	if p.mode == Live {
		if p.live == nil {
			options := []mpb.ContainerOption{
				mpb.WithOutput(p.w), mpb.WithRefreshRate(refresh), mpb.ForceTTY(), mpb.WithAutoRefresh(),
			}
			if p.width > 0 {
				// Without its Fd method the file is not asked for its size.
				options = append(options, mpb.WithWidth(p.width), mpb.WithOutput(struct{ io.Writer }{p.w}))
			}
			p.live = mpb.New(options...)
		}
		// An error here means a closed container, which p.live never is.
		b.bar, _ = p.live.Add(0, mpb.BarFillerFunc(b.fill),
			mpb.PrependDecorators(decor.Name(Truncate(b.name, nameCells), decor.WC{C: decor.DindentRight | decor.DextraSpace})),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + b.status(time.Now()) })),
		)
	}
	return b
}

// Add counts n more units of work done.
func (b *Bar) Add(n int64) { b.moved(b.n.Add(n)) }

// Set says that n units of work are done in all.
func (b *Bar) Set(n int64) {
	b.n.Store(n)
	b.moved(n)
}

// SetTotal changes how much work there is; 0 means not known.
func (b *Bar) SetTotal(total int64) { b.total.Store(total) }

// Note shows a short text after the figures, such as a loss.
func (b *Bar) Note(format string, args ...any) {
	s := Clean(fmt.Sprintf(format, args...))
	b.note.Store(&s)
}

// Done ends the bar as finished: what was counted is what there was to do.
func (b *Bar) Done() { b.end(true) }

// Abort ends the bar where it stands. After Done it does nothing, so that it
// may be deferred.
func (b *Bar) Abort() { b.end(false) }

// moved writes the line that may be due. A live bar reads the counter itself
// when it is redrawn.
func (b *Bar) moved(n int64) {
	if b.p.mode != Lines {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	now := time.Now()
	b.rate.observe(now, n)
	if now.Sub(b.lastLine) >= LineInterval {
		b.lastLine = now
		b.line(b.statusLocked(now))
	}
}

// fill draws the bar itself; an unknown total leaves it empty.
func (b *Bar) fill(w io.Writer, st decor.Statistics) error {
	full := 0
	if total := b.total.Load(); total > 0 {
		full = int(barCells * min(1, max(0, float64(b.n.Load())/float64(total))))
	}
	if st.AvailableWidth < barCells {
		return nil
	}
	_, err := io.WriteString(w, strings.Repeat("█", full)+strings.Repeat("░", barCells-full))
	return err
}

func (b *Bar) end(done bool) {
	b.mu.Lock()
	if b.ended || b.p.mode == Silent {
		b.ended = true
		b.mu.Unlock()
		return
	}
	b.ended = true
	b.final = b.lastStatus(time.Now(), done)
	bar := b.bar
	if bar == nil {
		b.line(b.final)
	} else if done {
		b.total.Store(b.n.Load()) // a full bar
	}
	b.mu.Unlock()
	if bar != nil {
		if done {
			bar.SetTotal(-1, true)
		} else {
			bar.Abort(false)
		}
		bar.Wait()
	}
	b.p.forget(b)
}

// forget drops an ended bar, and with the last one the live display.
func (p *Progress) forget(b *Bar) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.bars, b)
	if len(p.bars) == 0 && p.live != nil {
		p.live.Wait()
		p.live = nil
	}
}

func (b *Bar) line(status string) {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	// A progress line that cannot be written is not worth failing the work for.
	_, _ = fmt.Fprintf(b.p.w, "%s: %s\n", b.name, status)
}

func (b *Bar) status(now time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return b.final
	}
	b.rate.observe(now, b.n.Load())
	return b.statusLocked(now)
}

// statusLocked describes an unfinished bar: "120/400 steps (30 %), 12 steps/s,
// ETA 23s, loss 2.31".
func (b *Bar) statusLocked(now time.Time) string {
	n, total := b.n.Load(), b.total.Load()
	s := b.unit.format(float64(n))
	if total > 0 {
		s += "/" + b.unit.format(float64(total)) + b.unit.suffix() +
			fmt.Sprintf(" (%d %%)", int(100*float64(n)/float64(total)))
	} else {
		s += b.unit.suffix()
	}
	if speed := b.rate.perSecond(now); speed > 0 {
		s += ", " + b.unit.format(speed) + b.unit.suffix() + "/s"
		if left := total - n; left > 0 {
			s += ", ETA " + formatSeconds(float64(left)/speed)
		}
	}
	return s + b.noteSuffix()
}

// lastStatus describes an ended bar: "400 steps in 33s (12 steps/s), loss 1.9".
func (b *Bar) lastStatus(now time.Time, done bool) string {
	n, total := b.n.Load(), b.total.Load()
	s := b.unit.format(float64(n))
	if !done && total > 0 {
		s = "stopped at " + s + "/" + b.unit.format(float64(total))
	}
	s += b.unit.suffix()
	if seconds := now.Sub(b.started).Seconds(); seconds > 0 {
		s += " in " + formatSeconds(seconds) + " (" + b.unit.format(float64(n)/seconds) + b.unit.suffix() + "/s)"
	}
	return s + b.noteSuffix()
}

func (b *Bar) noteSuffix() string {
	if note := b.note.Load(); note != nil && *note != "" {
		return ", " + *note
	}
	return ""
}

func formatSeconds(s float64) string {
	switch {
	case s < 10:
		return fmt.Sprintf("%.1fs", s)
	case s < 100*365*24*3600:
		return time.Duration(s * float64(time.Second)).Round(time.Second).String()
	default:
		return "over 100 years"
	}
}
