package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/troikaml/troika/job"
)

// Route is an endpoint of a further API, which the server offers behind its
// keys, limits, metrics and log.
type Route struct {
	Method  string
	Pattern string // chi's, such as "/v1/files/{id}"
	// Serve answers a call. A [*Refusal] goes to the client in the shape of
	// OpenAI's errors; any other error is a fault of the server, which is logged
	// and told without its text.
	Serve func(c *Call) error
}

// Refusal is an error that a client is told.
type Refusal struct {
	Status  int
	Code    string // a short word for programs, or empty
	Param   string // the parameter at fault, or empty
	Message string
	// Details is sent beside the message where it is not nil.
	Details any
}

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// Refuse returns a [*Refusal] with this message.
func Refuse(status int, code, param, format string, args ...any) error {
	return &Refusal{Status: status, Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
}

// Call is one request to a [Route].
type Call struct {
	// Request is what was asked. Its body is read by ReadJSON or Multipart.
	Request *http.Request
	server  *Server
	w       http.ResponseWriter
}

// Context ends when the client goes away or the server stops.
func (c *Call) Context() context.Context { return c.Request.Context() }

// Key returns the name of the client's API key, empty where none is asked for.
func (c *Call) Key() string { return requestOf(c.Context()).key }

// Param returns what a name in the route's pattern stands for.
func (c *Call) Param(name string) string {
	raw := chi.URLParam(c.Request, name)
	if text, err := url.PathUnescape(raw); err == nil {
		return text
	}
	return raw
}

// ReadJSON reads a JSON body within the server's limits into v.
func (c *Call) ReadJSON(v any) error {
	b, f := c.server.readBody(c.w, c.Request)
	if f == nil {
		f = decodeJSON(b, v)
	}
	if f != nil { // a nil *failure would not be a nil error
		return f
	}
	return nil
}

// multipartRoom is what a multipart body may have beside its files, in bytes.
const multipartRoom = 1 << 20

// Multipart returns the parts of a multipart body whose files have at most limit
// bytes together. The body may take its time as long as it keeps coming.
func (c *Call) Multipart(limit int64) (*multipart.Reader, error) {
	control := http.NewResponseController(c.w)
	c.Request.Body = &patientBody{
		ReadCloser: http.MaxBytesReader(c.w, c.Request.Body, limit+multipartRoom),
		server:     c.server, control: control,
	}
	parts, err := c.Request.MultipartReader()
	if err != nil {
		return nil, newFailure(http.StatusUnsupportedMediaType, typeRequest, "unsupported_content_type", "",
			"The body must be a form with files (Content-Type: multipart/form-data), not %q.", c.Request.Header.Get("Content-Type"))
	}
	return parts, nil
}

// patientBody is a body that may be long: the client has to send something
// within the server's time for reading, again and again. Its errors are failures
// that tell the client.
type patientBody struct {
	io.ReadCloser
	server  *Server
	control *http.ResponseController
}

func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.server.readTimeout))
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF: //nolint:errorlint // bodies return io.EOF itself
		_ = b.control.SetReadDeadline(time.Time{})
		return n, err
	case err != nil:
		return n, b.server.readFailure(err)
	}
	return n, nil
}

// readFailure tells why a body could not be read.
func (s *Server) readFailure(err error) *failure {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return newFailure(http.StatusRequestEntityTooLarge, typeRequest, "request_too_large", "",
			"The body is larger than %d bytes.", large.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return newFailure(http.StatusRequestTimeout, typeRequest, "request_timeout", "",
			"The body did not arrive within %v.", s.readTimeout)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badRequest("", "The body ended early.")
	}
	return badRequest("", "The body could not be read.")
}

// WriteJSON answers with 200 and v.
func (c *Call) WriteJSON(v any) error {
	c.server.writeJSON(c.w, http.StatusOK, v)
	return nil
}

// WriteBytes answers with 200 and the size bytes of r, as a file to keep.
func (c *Call) WriteBytes(r io.Reader, size int64, header http.Header) error {
	h := c.w.Header()
	for name := range header {
		h.Set(name, header.Get(name))
	}
	h.Set("Content-Length", fmt.Sprint(size))
	c.w.WriteHeader(http.StatusOK)
	_, err := io.Copy(&patientWriter{c}, r)
	return err
}

// patientWriter gives the client the full time for each piece.
type patientWriter struct{ c *Call }

func (w *patientWriter) Write(p []byte) (int, error) {
	w.c.server.extendWrite(w.c.w)
	n, err := w.c.w.Write(p)
	if err != nil {
		err = fmt.Errorf("%w: %w", errClientGone, err)
	}
	return n, err
}

// StartEvents begins an answer of server-sent events.
func (c *Call) StartEvents() { startEvents(c.w) }

// Event sends an event of a JSON value under an ID, at once.
func (c *Call) Event(id string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return c.server.push(c.w, id+"data: "+string(b)+"\n\n")
}

// KeepAlive sends an empty comment: what stands between does not cut a stream
// that says something, and a client that is gone is noticed.
func (c *Call) KeepAlive() error { return c.server.push(c.w, ":\n\n") }

// EndEvents marks the end of the events, as OpenAI's streams do.
func (c *Call) EndEvents() error { return c.server.push(c.w, "data: [DONE]\n\n") }

// serveRoute turns a route into a handler.
func (s *Server) serveRoute(route Route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := route.Serve(&Call{Request: r, server: s, w: w})
		if err == nil {
			return
		}
		rec, _ := w.(*recorder)
		started := rec != nil && rec.status != 0
		switch {
		case errors.Is(err, errClientGone):
			noteStatus(w, statusClientGone)
			return
		case started && r.Context().Err() != nil:
			return
		}
		f := s.routeFailure(r.Context(), err)
		if f.status >= http.StatusInternalServerError {
			s.log.Error("request failed", "request", requestOf(r.Context()).id, "error", err)
		}
		if started {
			panic(http.ErrAbortHandler) // half an answer is out: cut it visibly
		}
		s.writeFailure(w, f)
	}
}

// routeFailure turns the error of a route into what the client may know.
func (s *Server) routeFailure(ctx context.Context, err error) *failure {
	var (
		refusal *Refusal
		ours    *failure
	)
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &refusal):
		kind := typeRequest
		if refusal.Status >= http.StatusInternalServerError {
			kind = typeServer
		}
		f := newFailure(refusal.Status, kind, refusal.Code, refusal.Param, "%s", refusal.Message)
		f.Details = refusal.Details
		return f
	case job.DiskFull(err):
		return newFailure(http.StatusInsufficientStorage, typeServer, "disk_full", "", "The server's disk is full.")
	case errors.Is(context.Cause(ctx), errShutdown):
		return shuttingDown()
	case ctx.Err() != nil:
		return newFailure(statusClientGone, typeRequest, "", "", "The client went away.")
	}
	return newFailure(http.StatusInternalServerError, typeServer, "", "",
		"The server failed. Its log has the reason under request %s.", requestOf(ctx).id)
}
