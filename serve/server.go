package serve

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/troikaml/troika/meter"
	"github.com/troikaml/troika/publish"
)

// Options configure a [Server]. Zero values mean what each field says.
type Options struct {
	// Keys are the API keys; an empty set or nil asks for none.
	Keys *KeySet
	// AnyHost turns off the check that requests without keys name this
	// machine as their host. Set it where the server is meant to be open.
	AnyHost bool
	// Origins are web origins ("https://chat.example") whose pages may call
	// the API from a browser.
	Origins []string
	// Emit records usage; nil records none. It is called once for each
	// request that the engine worked on, with a context that outlives the
	// client's.
	Emit func(ctx context.Context, e meter.Event) error
	// Run returns the metrics of the latest training run as JSONL, and
	// Quickstart the report of the latest quickstart as JSON, for the page.
	// [fs.ErrNotExist] means that there is none; so does nil.
	Run, Quickstart func(ctx context.Context) ([]byte, error)
	// Routes are further endpoints, behind the same keys.
	Routes []Route
	// Log gets one record a request; nil discards them.
	Log *slog.Logger
	// MaxBody is the largest request body in bytes; 0 means 4 MiB. All bodies at once are
	// bounded by 64 of the largest, of which small ones count for nothing.
	MaxBody int64
	// MaxConcurrent is how many answers run or wait in the engine at once; 0 means
	// 256. The engine may take fewer, and fewer still of one key.
	MaxConcurrent int
	// ReadTimeout is how long a body may take to arrive and WriteTimeout how
	// long a client may leave one write unread; 0 means 30 s each.
	ReadTimeout, WriteTimeout time.Duration
	// Deadline is how long an answer may take, its wait for a place included; a
	// request may ask for less with the header X-Request-Timeout, in seconds. 0 means
	// no bound.
	Deadline time.Duration
	// Now and NewID are for tests; nil means the clock and random IDs.
	Now   func() time.Time
	NewID func() string
}

// Server is the HTTP interface to an engine. It is an [http.Handler] that may
// be used by several goroutines.
type Server struct {
	engine       Engine
	keys         atomic.Pointer[KeySet]
	asksKeys     atomic.Bool // once true, it stays so
	aliases      atomic.Pointer[[]publish.Alias]
	anyHost      bool
	emit         func(context.Context, meter.Event) error
	run, report  func(context.Context) ([]byte, error)
	log          *slog.Logger
	metrics      *metrics
	grammars     grammars
	slots        chan struct{}
	maxBody      int64
	bodies       bodies
	readTimeout  time.Duration
	writeTimeout time.Duration
	deadline     time.Duration
	now          func() time.Time
	newID        func() string
	origins      map[string]bool
	page         page
	handler      http.Handler
}

// New returns a server in front of engine.
func New(engine Engine, o Options) (*Server, error) {
	s := &Server{
		engine: engine, anyHost: o.AnyHost, emit: o.Emit,
		run: o.Run, report: o.Quickstart, log: o.Log, metrics: newMetrics(),
		deadline: o.Deadline, maxBody: o.MaxBody, readTimeout: o.ReadTimeout, writeTimeout: o.WriteTimeout,
		now: o.Now, newID: o.NewID, origins: make(map[string]bool),
	}
	s.SetKeys(o.Keys)
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.newID == nil {
		s.newID = randomID
	}
	if s.maxBody == 0 {
		s.maxBody = 4 << 20
	}
	if s.readTimeout == 0 {
		s.readTimeout = 30 * time.Second
	}
	if s.writeTimeout == 0 {
		s.writeTimeout = 30 * time.Second
	}
	s.bodies.limit = largeBodies * s.maxBody
	concurrent := o.MaxConcurrent
	if concurrent == 0 {
		concurrent = 256
	}
	s.slots = make(chan struct{}, concurrent)
	for _, origin := range o.Origins {
		s.origins[origin] = true
	}
	var err error
	if s.page, err = loadPage(); err != nil {
		return nil, err
	}
	s.handler, err = s.routes(o.Origins, o.Routes)
	return s, err
}

// SetKeys makes the server take these keys from now on, and no others. A server
// that had keys never falls open: with an empty set it refuses everybody.
func (s *Server) SetKeys(keys *KeySet) {
	if keys.Len() > 0 {
		s.asksKeys.Store(true)
	}
	s.keys.Store(keys)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) routes(origins []string, more []Route) (http.Handler, error) {
	// Browsers let any page send requests to a server on the user's own
	// machine. Those that come from another origin stop here.
	cross := http.NewCrossOriginProtection()
	for _, origin := range origins {
		if err := cross.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.writeFailure(w, newFailure(http.StatusForbidden, typeRequest, "cross_origin", "",
			"Pages of origin %q may not call this server.", r.Header.Get("Origin")))
	}))
	r := chi.NewRouter()
	r.Use(s.observe, s.checkHost, s.allowOrigins, cross.Handler)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		s.writeFailure(w, newFailure(http.StatusNotFound, typeRequest, "unknown_url", "",
			"Unknown request URL: %s %s.", r.Method, r.URL.Path))
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		s.writeFailure(w, newFailure(http.StatusMethodNotAllowed, typeRequest, "method_not_supported", "",
			"Not allowed to %s on %s.", r.Method, r.URL.Path))
	})
	r.Get("/", s.servePage)
	r.Get("/healthz", s.serveHealth)
	r.Group(func(r chi.Router) {
		r.Use(s.authorize)
		r.Post("/v1/chat/completions", s.serveChat)
		r.Post("/v1/completions", s.serveCompletion)
		r.Post("/v1/embeddings", s.serveEmbeddings)
		r.Get("/v1/models", s.serveModels)
		r.Get("/v1/models/*", s.serveModel)
		r.Method(http.MethodGet, "/metrics", s.metrics.handler())
		r.Get("/api/run", s.serveFile("run", "application/x-ndjson", s.run))
		r.Get("/api/quickstart", s.serveFile("quickstart", "application/json", s.report))
		for _, route := range more {
			r.Method(route.Method, route.Pattern, s.serveRoute(route))
		}
	})
	return r, nil
}

func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	s.writeJSON(w, http.StatusOK, map[string]any{"status": "ok", "models": len(s.engine.Models())})
}

// recorder notes what a handler answered.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets [http.ResponseController] reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// noteStatus records a status that is not sent.
func noteStatus(w http.ResponseWriter, status int) {
	if r, ok := w.(*recorder); ok {
		r.status = status
	}
}

// request carries what middleware learnt about a request to its handler and
// back to the log.
type request struct {
	id    string
	key   string // name of the API key
	start time.Time
	attrs []slog.Attr
	held  int64 // of its body, as bodies counts it
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

// observe is the outermost middleware: request ID, recovery, metrics, log.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := &request{id: "req-" + s.newID(), start: time.Now()}
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", info.id)
		rec.Header().Set("X-Content-Type-Options", "nosniff")
		ctx := context.WithValue(r.Context(), requestKey{}, info)
		defer func() {
			cause := recover()
			s.bodies.release(info)
			s.finish(ctx, rec, r, cause)
			if cause != nil && rec.status == http.StatusOK {
				panic(http.ErrAbortHandler) // half an answer is out: cut it visibly
			}
		}()
		next.ServeHTTP(rec, r.WithContext(ctx))
	})
}

// finish counts and logs a request whose handler returned, or panicked with
// cause.
func (s *Server) finish(ctx context.Context, rec *recorder, r *http.Request, cause any) {
	info := requestOf(ctx)
	if cause != nil {
		s.log.ErrorContext(ctx, "handler panicked", "request", info.id, "cause", cause, "stack", string(debug.Stack()))
		if rec.status == 0 {
			s.writeFailure(rec, engineFailure(ctx, errors.New("panic"), info.id))
		}
	}
	route := "other"
	if c := chi.RouteContext(ctx); c != nil && c.RoutePattern() != "" {
		route = c.RoutePattern()
	}
	elapsed := time.Since(info.start)
	s.metrics.observeRequest(knownMethod(r.Method), route, rec.status, elapsed)
	s.log.LogAttrs(ctx, slog.LevelInfo, "request", append([]slog.Attr{
		slog.String("request", info.id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", rec.status), slog.Duration("elapsed", elapsed), slog.String("key", info.key),
	}, info.attrs...)...)
}

// knownMethod keeps made-up methods out of the metrics' labels.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// checkHost refuses requests that reached this machine under a foreign name.
// Without it, a page on the web could point its own name at 127.0.0.1 and read
// the answers of a server that asks for no keys (DNS rebinding).
func (s *Server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.asksKeys.Load() && !s.anyHost && !isLocalHost(r.Host) {
			s.writeFailure(w, newFailure(http.StatusForbidden, typeRequest, "unknown_host", "",
				"This server is for this machine alone; it is not known as %q.", r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLocalHost reports whether a Host header names this machine.
func isLocalHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && ip.IsLoopback()
}

// allowOrigins answers browsers that ask whether a listed origin's page may
// call the API.
func (s *Server) allowOrigins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if !s.origins[origin] {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
		h.Set("Access-Control-Expose-Headers", "X-Request-Id")
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
		h.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	})
}

// authorize asks for a key where the server has keys.
func (s *Server) authorize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.asksKeys.Load() {
			next.ServeHTTP(w, r)
			return
		}
		scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if secret = strings.TrimSpace(secret); !strings.EqualFold(scheme, "Bearer") || secret == "" {
			s.writeFailure(w, newFailure(http.StatusUnauthorized, typeRequest, "missing_api_key", "",
				"You didn't provide an API key. Send it as a header: Authorization: Bearer YOUR_KEY."))
			return
		}
		name, ok := s.keys.Load().find(secret)
		if !ok {
			s.writeFailure(w, newFailure(http.StatusUnauthorized, typeRequest, "invalid_api_key", "",
				"Incorrect API key provided."))
			return
		}
		requestOf(r.Context()).key = name
		next.ServeHTTP(w, r)
	})
}

func randomID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails, by its contract
	return hex.EncodeToString(b[:])
}

// wildcard returns what the route's * matched, unescaped.
func wildcard(r *http.Request) string {
	raw := chi.URLParam(r, "*")
	if text, err := url.PathUnescape(raw); err == nil {
		return text
	}
	return raw
}
