package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// ErrNeedsKeys is returned by [Listen] for an address that others can reach.
var ErrNeedsKeys = errors.New("others can reach this address and no API key is asked for")

// Listen opens a TCP address such as "127.0.0.1:8080". Where others than this
// machine could connect, it takes API keys, or open as the operator's word
// that everybody may use the server.
func Listen(ctx context.Context, address string, keys *KeySet, open bool) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	// The address is judged as it was bound, so that a name or an empty host
	// cannot hide what it stands for. Nothing has been accepted yet.
	tcp, ok := ln.Addr().(*net.TCPAddr)
	if keys.Len() == 0 && !open && (!ok || !tcp.IP.IsLoopback()) {
		err := fmt.Errorf("listen on %s: %w", address, ErrNeedsKeys)
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

// errShutdown is the cause of contexts that the server itself cancels.
var errShutdown = errors.New("server is shutting down")

// Run serves connections of ln until ctx is done, then lets requests that are
// under way finish for up to grace, cancels those that are left, and returns
// nil once all are gone. It closes ln.
func Run(ctx context.Context, ln net.Listener, handler http.Handler, grace time.Duration, log *slog.Logger) error {
	base, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(errShutdown)
	srv := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	// cutOff is how long cancelled requests get to stop; engines stop within
	// one decoding step.
	const cutOff = 5 * time.Second
	if shutdown(base, srv, grace) {
		return nil
	}
	cancel(errShutdown)
	if shutdown(base, srv, cutOff) {
		return nil
	}
	log.Warn("some requests did not stop in time")
	if err := srv.Close(); err != nil {
		return fmt.Errorf("close server: %w", err)
	}
	return nil
}

// shutdown reports whether all requests ended within the time.
func shutdown(ctx context.Context, srv *http.Server, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	return srv.Shutdown(ctx) == nil
}
