package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// failure is an error in the shape of OpenAI's API.
type failure struct {
	status  int
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
	// Details is an extension: what programs may want to know beside the message.
	Details any `json:"details,omitempty"`
}

// OpenAI's error types.
const (
	typeRequest = "invalid_request_error"
	typeServer  = "server_error"
	typeLimit   = "rate_limit_error"
)

// contextExceeded is the code of a prompt that is too long.
const contextExceeded = "context_length_exceeded"

// statusClientGone is written to metrics and logs alone: there is nobody left
// to read it. The number is the one that nginx uses.
const statusClientGone = 499

func (f *failure) Error() string { return f.Message }

func (f *failure) body() any {
	return struct {
		Error *failure `json:"error"`
	}{f}
}

func newFailure(status int, kind, code, param, format string, args ...any) *failure {
	f := &failure{status: status, Type: kind, Message: fmt.Sprintf(format, args...)}
	if code != "" {
		f.Code = &code
	}
	if param != "" {
		f.Param = &param
	}
	return f
}

// badRequest is a 400 about one parameter.
func badRequest(param, format string, args ...any) *failure {
	return newFailure(http.StatusBadRequest, typeRequest, "", param, format, args...)
}

// unsupported is a 400 about a parameter that is known but not offered.
func unsupported(param, format string, args ...any) *failure {
	return newFailure(http.StatusBadRequest, typeRequest, "unsupported_parameter", param, format, args...)
}

// engineFailure turns an engine's error into what the client may know.
func engineFailure(ctx context.Context, err error, requestID string) *failure {
	var (
		length  *ContextLengthError
		request *RequestError
		ours    *failure
	)
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &length):
		return newFailure(http.StatusBadRequest, typeRequest, contextExceeded, "messages", "%s", length)
	case errors.As(err, &request):
		return badRequest(request.Param, "%s", request)
	case errors.Is(err, ErrOverloaded):
		return overloaded()
	case errors.Is(context.Cause(ctx), errShutdown):
		return shuttingDown()
	case ctx.Err() != nil:
		return newFailure(statusClientGone, typeRequest, "", "", "The client went away.")
	case errors.Is(err, context.DeadlineExceeded):
		return newFailure(http.StatusGatewayTimeout, typeServer, "deadline_exceeded", "",
			"The answer was not there in time: ask for fewer tokens, or for more time (%s).", timeoutHeader)
	}
	return newFailure(http.StatusInternalServerError, typeServer, "", "",
		"The model failed to answer. The server's log has the reason under request %s.", requestID)
}

// isRefusal reports whether an engine turned a request down before working on
// it. Such a request is not metered.
func isRefusal(err error) bool {
	var (
		length  *ContextLengthError
		request *RequestError
	)
	return errors.As(err, &length) || errors.As(err, &request) || errors.Is(err, ErrOverloaded)
}

func overloaded() *failure {
	return newFailure(http.StatusTooManyRequests, typeLimit, "overloaded", "",
		"The server is answering as many requests as it can. Try again shortly.")
}

func shuttingDown() *failure {
	return newFailure(http.StatusServiceUnavailable, typeServer, "shutting_down", "", "The server is shutting down.")
}

// writeFailure sends f as a whole response.
func (s *Server) writeFailure(w http.ResponseWriter, f *failure) {
	switch f.status {
	case statusClientGone:
		noteStatus(w, f.status)
		return
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	s.writeJSON(w, f.status, f.body())
}

// writeJSON sends v as a whole response.
func (s *Server) writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil { // only for values that this package builds
		s.log.Error("encode response", "error", err)
		status, b = http.StatusInternalServerError, []byte(`{"error":{"message":"The response could not be encoded.","type":"server_error","param":null,"code":null}}`)
	}
	s.extendWrite(w)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that went away is noticed by its request's context.
	_, _ = w.Write(append(b, '\n'))
}

// extendWrite gives the client the full time to take what is written next.
func (s *Server) extendWrite(w http.ResponseWriter) {
	// A writer without deadlines is a test's recorder.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.writeTimeout))
}
