package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// DefaultEndpoint is the public hub.
const DefaultEndpoint = "https://huggingface.co"

const (
	userAgent    = "troika"
	maxRedirects = 10
	// stall is how long a connection may stay silent before it is given up.
	stall = 60 * time.Second
)

// The errors of talking to a hub; a message never holds the token.
var (
	// ErrAccess: the hub wants a token, or the token does not open the model.
	ErrAccess = errors.New("access denied")
	// ErrProtocol: an answer that does not follow the protocol.
	ErrProtocol = errors.New("unexpected answer from the hub")
	// ErrUnavailable: the hub could not be reached, or kept failing.
	ErrUnavailable = errors.New("hub is unavailable")
)

// Client pulls models from a hub. Its fields must not change once it is in use;
// then it is safe for concurrent use.
type Client struct {
	// Endpoint is the hub's base URL; empty means DefaultEndpoint.
	Endpoint string
	// Token, if any, is sent as a bearer token to Endpoint's host only.
	Token string
	// HTTP sends the requests; nil means a client with Go's default transport.
	// Its redirect policy is not used: redirects are followed here.
	HTTP *http.Client
	// Parallel is the number of connections for downloads; 0 means 4.
	Parallel int
}

// session is a Client that has been checked.
type session struct {
	base  *url.URL
	token string
	http  *http.Client
}

func (c *Client) session() (*session, error) {
	endpoint := c.Endpoint
	if endpoint == "" {
		endpoint = DefaultEndpoint
	}
	base, err := url.Parse(strings.TrimRight(endpoint, "/"))
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, errors.New("hub endpoint: want http://host or https://host without user, password and query")
	}
	client := &http.Client{}
	if c.HTTP != nil {
		*client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &session{base: base, token: c.Token, http: client}, nil
}

// url joins path elements, which it escapes, to the endpoint.
func (s *session) url(elements ...string) *url.URL {
	u := *s.base
	escaped := []string{strings.TrimRight(u.EscapedPath(), "/")}
	for _, e := range elements {
		escaped = append(escaped, url.PathEscape(e))
	}
	raw := strings.Join(escaped, "/")
	u.RawPath = raw
	u.Path, _ = url.PathUnescape(raw) // what PathEscape made always parses
	return &u
}

// home reports whether u lies on the endpoint's own host and scheme: the only
// place the token may go.
func (s *session) home(u *url.URL) bool {
	return u.Scheme == s.base.Scheme && strings.EqualFold(u.Host, s.base.Host)
}

// response is an answer after redirects.
type response struct {
	*http.Response
	// linked are the headers of the hub's own last answer. After a redirect to
	// a storage host they are the only ones that tell the file's identity.
	linked http.Header
	// location is where the answer came from.
	location *url.URL
}

// send makes one request and follows redirects. A status that is not a success
// is an error; where another try may help, a *temporaryError.
func (s *session) send(ctx context.Context, method string, u *url.URL, header http.Header) (*response, error) {
	out := &response{}
	for range maxRedirects {
		req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: bad URL", ErrProtocol, show(u))
		}
		maps.Copy(req.Header, header)
		req.Header.Set("User-Agent", userAgent)
		// Compression would hide sizes and make ranges mean something else.
		req.Header.Set("Accept-Encoding", "identity")
		home := s.home(u)
		if home && s.token != "" {
			req.Header.Set("Authorization", "Bearer "+s.token)
		}
		resp, err := s.http.Do(req)
		if err != nil {
			return nil, s.networkError(ctx, u, err)
		}
		if home {
			out.linked = resp.Header
		}
		if resp.StatusCode < 300 || resp.StatusCode > 399 || resp.StatusCode == http.StatusNotModified {
			out.Response, out.location = resp, u
			if err := statusError(resp, u); err != nil {
				_ = resp.Body.Close()
				return nil, err
			}
			return out, nil
		}
		_ = resp.Body.Close()
		if u, err = s.redirect(u, resp); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %s: more than %d redirects", ErrProtocol, show(u), maxRedirects)
}

func (s *session) redirect(from *url.URL, resp *http.Response) (*url.URL, error) {
	to, err := from.Parse(resp.Header.Get("Location"))
	switch {
	case err != nil || to.Host == "" || resp.Header.Get("Location") == "":
		return nil, fmt.Errorf("%w: %s: status %d without a usable Location", ErrProtocol, show(from), resp.StatusCode)
	case to.Scheme != "https" && to.Scheme != "http", from.Scheme == "https" && to.Scheme != "https":
		return nil, fmt.Errorf("%w: %s: redirect from %s to %s", ErrProtocol, show(from), from.Scheme, to.Scheme)
	}
	return to, nil
}

// networkError strips the query from the message: it may hold a signature.
func (s *session) networkError(ctx context.Context, u *url.URL, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return &temporaryError{err: fmt.Errorf("%s: %w", show(u), err)}
}

// show is a URL for messages: without user, query and fragment.
func show(u *url.URL) string {
	v := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return v.String()
}

// statusError turns a status that is not a success into an error.
func statusError(resp *http.Response, u *url.URL) error {
	code := resp.StatusCode
	if code >= 200 && code < 300 {
		return nil
	}
	detail := fmt.Sprintf("%s: status %d", show(u), code)
	if msg := cleanMessage(resp.Header.Get("X-Error-Message")); msg != "" {
		detail += " (" + msg + ")"
	}
	switch reason := resp.Header.Get("X-Error-Code"); {
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= 500 && code != http.StatusNotImplemented:
		return &temporaryError{err: errors.New(detail), after: retryAfter(resp.Header, time.Now())}
	case code == http.StatusNotFound || code == http.StatusGone:
		return fmt.Errorf("%s: %w", detail, ErrNotFound)
	case code == http.StatusUnauthorized && reason == "RepoNotFound":
		// The hub does not tell the unauthorised whether a model exists.
		return fmt.Errorf("%s: %w, or private and no valid token was given", detail, ErrNotFound)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Errorf("%s: %w: the model may be private or gated; accept its terms and give a token", detail, ErrAccess)
	}
	return fmt.Errorf("%s: %w", detail, ErrProtocol)
}

// cleanMessage makes a hub's own words safe for a terminal.
func cleanMessage(s string) string {
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, s)
	const limit = 200
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "..."
	}
	return s
}

// watch cancels a request whose body stays silent for longer than stall.
type watch struct {
	io.Reader
	timer *time.Timer
}

func (w *watch) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.timer.Reset(stall)
	}
	return n, err
}

// errStalled is the cause of a request that watch cancelled.
var errStalled = fmt.Errorf("no data for %s", stall)

// fetch sends a request and hands the answer's body to read. The whole exchange
// is given up, as a temporary failure, when it stalls.
func (s *session) fetch(ctx context.Context, method string, u *url.URL, header http.Header, read func(*response, io.Reader) error) error {
	watched, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer timer.Stop()
	resp, err := s.send(watched, method, u, header)
	if err == nil {
		err = read(resp, &watch{Reader: resp.Body, timer: timer})
		_ = resp.Body.Close()
	}
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(watched), errStalled) {
		return &temporaryError{err: fmt.Errorf("%s: %w", show(u), errStalled)}
	}
	return err
}
