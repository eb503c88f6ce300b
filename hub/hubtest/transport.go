package hubtest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
)

// Hosts of the in-process hub.
const (
	Endpoint    = "http://hub.test"
	StorageBase = "http://storage.test"
)

// Client returns a client that reaches the hub at Endpoint and its storage at
// StorageBase without a network, so that time can be simulated. It calls
// SetStorage.
func (h *Hub) Client() *http.Client {
	h.SetStorage(StorageBase)
	return &http.Client{Transport: transport{"hub.test": h, "storage.test": h.StorageHandler()}}
}

// transport maps hosts to handlers.
type transport map[string]http.Handler

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, ok := t[r.URL.Host]
	if !ok {
		return nil, fmt.Errorf("no such host: %s", r.URL.Host)
	}
	in := r.Clone(r.Context())
	in.Host = r.URL.Host
	rec := httptest.NewRecorder()
	aborted := make(chan bool, 1)
	go func() {
		defer func() {
			switch v := recover(); v {
			case nil:
				aborted <- false
			case http.ErrAbortHandler:
				aborted <- true
			default:
				panic(v)
			}
		}()
		handler.ServeHTTP(rec, in)
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case cut := <-aborted:
		if cut && rec.Body.Len() == 0 {
			return nil, errors.New("connection reset")
		}
		resp := rec.Result()
		resp.Request = r
		if cut {
			resp.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(resp.Body, cutBody{}), resp.Body}
		}
		return resp, nil
	}
}

// cutBody fails where the rest of a body should be.
type cutBody struct{}

// Read implements [io.Reader].
func (cutBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
