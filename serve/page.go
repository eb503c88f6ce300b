package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the page is part of the binary
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/troikaml/troika"
)

//go:embed page/index.html
var pageHTML []byte

// page is the embedded page with the headers that go with it.
type page struct {
	body   []byte
	etag   string
	policy string // Content-Security-Policy
}

// loadPage allows exactly the one script and the one style sheet that stand in
// the page, by their hashes, and nothing from elsewhere.
func loadPage() (page, error) {
	script, err := inline(pageHTML, "script")
	if err != nil {
		return page{}, err
	}
	style, err := inline(pageHTML, "style")
	if err != nil {
		return page{}, err
	}
	return page{
		body: pageHTML,
		etag: `"` + troika.Sum(pageHTML).Hex()[:32] + `"`,
		policy: "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; " +
			"frame-ancestors 'none'; script-src '" + cspHash(script) + "'; style-src '" + cspHash(style) + "'",
	}, nil
}

// inline returns the text of the page's only element of this name.
func inline(html []byte, element string) ([]byte, error) {
	open, end := []byte("<"+element+">"), []byte("</"+element+">")
	if bytes.Count(html, open) != 1 || bytes.Count(html, end) != 1 {
		return nil, fmt.Errorf("page must have exactly one <%s>", element)
	}
	_, rest, _ := bytes.Cut(html, open)
	text, _, _ := bytes.Cut(rest, end)
	return text, nil
}

func cspHash(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", s.page.policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", s.page.etag)
	if r.Header.Get("If-None-Match") == s.page.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s.extendWrite(w)
	_, _ = w.Write(s.page.body)
}

// serveFile answers with what read returns.
func (s *Server) serveFile(name, contentType string, read func(context.Context) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var b []byte
		err := fs.ErrNotExist
		if read != nil {
			b, err = read(r.Context())
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			s.writeFailure(w, newFailure(http.StatusNotFound, typeRequest, "not_found", "", "There is no %s yet.", name))
			return
		case err != nil:
			s.log.Error("read for the page", "what", name, "error", err)
			s.writeFailure(w, newFailure(http.StatusInternalServerError, typeServer, "", "", "The %s could not be read.", name))
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache")
		s.extendWrite(w)
		_, _ = w.Write(b)
	}
}
