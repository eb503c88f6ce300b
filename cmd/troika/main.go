package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/troikaml/troika/internal/term"

	xterm "golang.org/x/term"
)

// version is set by the linker; see the Makefile.
var version = ""

func main() {
	ignoreSizeLimit()
	a := &app{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv}
	os.Exit(run(interruptible(), a, os.Args[1:]))
}

// interruptible returns a context that the first SIGINT or SIGTERM cancels.
// The second one meets the system's default again and kills the process.
func interruptible() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// app is what a verb works with. It is filled from the global flags before a
// verb runs, and not changed after.
type app struct {
	// Threads is how many threads to compute with, at least 1.
	Threads int
	// JSON asks for results as one JSON value a line.
	JSON bool
	// In, Out and Err are the standard streams. Results alone go to Out.
	In  io.Reader
	Out io.Writer
	Err io.Writer
	// Log writes to Err, above the progress bars.
	Log *slog.Logger
	// Progress draws on Err; silent with --json. Unfinished bars are ended
	// when the verb returns.
	Progress *term.Progress
	// Getenv looks up an environment variable, "" when it is not set.
	Getenv func(string) string

	home    string
	verbose int
	started bool // a verb's own code has begun: errors are no longer usage
}

// setup checks the global flags and fills what follows from them.
func (a *app) setup() error {
	if a.Threads == 0 {
		a.Threads = runtime.GOMAXPROCS(0)
	}
	if a.Threads < 1 {
		return usagef("--threads %d: want at least 1", a.Threads)
	}
	mode, width := term.Lines, 0
	if a.JSON {
		mode = term.Silent
	} else if f, ok := a.Err.(*os.File); ok && xterm.IsTerminal(int(f.Fd())) && a.Getenv("TERM") != "dumb" {
		mode = term.Live
		if w, _, err := xterm.GetSize(int(f.Fd())); err != nil || w <= 0 {
			width = 80 // a terminal that does not know its size, such as a serial line
		}
	}
	a.Progress = term.NewProgress(a.Err, mode, width)
	a.Log = slog.New(a.logHandler())
	return nil
}

// logHandler writes warnings and errors; -v adds information, -vv debugging.
func (a *app) logHandler() slog.Handler {
	level := slog.LevelWarn
	switch {
	case a.verbose == 1:
		level = slog.LevelInfo
	case a.verbose > 1:
		level = slog.LevelDebug
	}
	if a.JSON {
		return slog.NewJSONHandler(a.Progress, &slog.HandlerOptions{Level: level})
	}
	short := func(groups []string, attr slog.Attr) slog.Attr {
		if attr.Key == slog.TimeKey && len(groups) == 0 {
			return slog.String(slog.TimeKey, attr.Value.Time().Format(time.TimeOnly))
		}
		return attr
	}
	return slog.NewTextHandler(a.Progress, &slog.HandlerOptions{Level: level, ReplaceAttr: short})
}

// buildVersion returns the version that was linked in, or the module's.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
