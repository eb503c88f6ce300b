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
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/troikaml/troika/job"
)

// Route is an endpoint of a further API, which the server offers behind its
// keys, limits, metrics and log.
type Route struct {
	Method  string
	Pattern string // chi's, such as "/v1/files/{id}"
	// Serve answers a call. A [*RefusalError] goes to the client in the shape of
	// OpenAI's errors; any other error is a fault of the server, which is logged
	// and told without its text.
	Serve func(c *Call) error
}

// RefusalError is an error that a client is told.
type RefusalError struct {
	Status  int
	Code    string // a short word for programs, or empty
	Param   string // the parameter at fault, or empty
	Message string
	// Details is sent beside the message where it is not nil.
	Details any
}

// Error returns the message.
func (r *RefusalError) Error() string { return r.Message }

// Refuse returns a [*RefusalError] with this message.
func Refuse(status int, code, param, format string, args ...any) error {
	return &RefusalError{Status: status, Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
}

// Call is one request to a [Route].
type Call struct {
	// Request is what was asked. Its body is read by ReadJSON or EachPart.
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

// Int returns a number of the query, or another where it is not given. One that is
// no number from low to high is an error for the client.
func (c *Call) Int(name string, other, low, high int) (int, error) {
	text := c.Request.URL.Query().Get(name)
	if text == "" {
		return other, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, badRequest(name, "Invalid '%s': %.40q is no number from %d to %d.", name, text, low, high)
	}
	return n, nil
}

// WriteList answers with a page of a list in OpenAI's shape. id names an item: what a
// client sends as the parameter "after" to get the page behind it.
func WriteList[T any](c *Call, items []T, more bool, id func(T) string) error {
	body := struct {
		Object  string  `json:"object"`
		Data    []T     `json:"data"`
		FirstID *string `json:"first_id"`
		LastID  *string `json:"last_id"`
		HasMore bool    `json:"has_more"`
	}{Object: "list", Data: items, HasMore: more}
	if items == nil {
		body.Data = []T{}
	} else if n := len(items); n > 0 {
		first, last := id(items[0]), id(items[n-1])
		body.FirstID, body.LastID = &first, &last
	}
	return c.WriteJSON(body)
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

// EachPart calls do with the parts of a multipart body whose files have at most limit
// bytes together. The body may take its time as long as it keeps coming. Errors of
// reading a part are for the client where the body is at fault.
func (c *Call) EachPart(limit int64, do func(*multipart.Part) error) error {
	control := http.NewResponseController(c.w)
	c.Request.Body = &patientBody{
		ReadCloser: http.MaxBytesReader(c.w, c.Request.Body, limit+multipartRoom),
		server:     c.server, control: control,
	}
	parts, err := c.Request.MultipartReader()
	if err != nil {
		return newFailure(http.StatusUnsupportedMediaType, typeRequest, "unsupported_content_type", "",
			"The body must be a form with files (Content-Type: multipart/form-data), not %q.", c.Request.Header.Get("Content-Type"))
	}
	const most = 100 // fields that nobody knows are passed over, but not for ever
	for range most {
		part, err := parts.NextPart()
		if err == io.EOF { //nolint:errorlint // io.EOF itself is the end
			return nil
		}
		_, told := errors.AsType[*failure](err)
		if err != nil && !told && !errors.Is(err, io.ErrUnexpectedEOF) {
			return badRequest("", "The form could not be read: %v.", err)
		}
		if err == nil {
			err = do(part)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return badRequest("", "The form ended early.")
		}
		if err != nil {
			return err
		}
	}
	return badRequest("", "The form has more than %d fields.", most)
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
	case err == io.EOF:
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
	case errors.Is(err, errBodies):
		return overloaded()
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
		refusal *RefusalError
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
