package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/servetest"
)

// shop is a further API of a few endpoints.
func shop() []serve.Route {
	return []serve.Route{
		{Method: http.MethodPost, Pattern: "/v1/echo/{name}", Serve: func(c *serve.Call) error {
			var body map[string]any
			if err := c.ReadJSON(&body); err != nil {
				return err
			}
			return c.WriteJSON(map[string]any{"name": c.Param("name"), "key": c.Key(), "body": body})
		}},
		{Method: http.MethodGet, Pattern: "/v1/fail/{how}", Serve: func(c *serve.Call) error {
			switch c.Param("how") {
			case "refuse":
				return fmt.Errorf("wrapped: %w", serve.Refuse(http.StatusNotFound, "no_such", "id", "No %s.", "such"))
			case "details":
				return &serve.RefusalError{Status: http.StatusBadRequest, Message: "Bad.", Details: []int{3, 5}}
			case "full":
				return fmt.Errorf("write x: %w", syscall.ENOSPC)
			}
			return errors.New("secret of the server")
		}},
		{Method: http.MethodGet, Pattern: "/v1/events", Serve: func(c *serve.Call) error {
			c.StartEvents()
			return errors.Join(c.Event("7", map[string]int{"n": 1}), c.KeepAlive(), c.Event("", "x"), c.EndEvents())
		}},
		{Method: http.MethodGet, Pattern: "/v1/bytes/{size}", Serve: func(c *serve.Call) error {
			err := c.WriteBytes(strings.NewReader("abc"), 3, http.Header{"Content-Type": {"text/x"}})
			if c.Param("size") == "cut" {
				return errors.Join(err, io.ErrUnexpectedEOF)
			}
			return err
		}},
		{Method: http.MethodPost, Pattern: "/v1/parts", Serve: func(c *serve.Call) error {
			sizes := []int64{}
			err := c.EachPart(1<<20, func(part *multipart.Part) error {
				n, err := io.Copy(io.Discard, part)
				sizes = append(sizes, n)
				return err
			})
			if err != nil {
				return err
			}
			return c.WriteJSON(sizes)
		}},
	}
}

func shopServer(t *testing.T, change func(*serve.Options)) *serve.Server {
	t.Helper()
	o := testOptions(nil)
	o.Routes = shop()
	if change != nil {
		change(&o)
	}
	return newTestServer(t, servetest.NewEngine(), o)
}

func TestRoutes(t *testing.T) {
	s := shopServer(t, nil)
	for ask, want := range map[string]string{
		"POST /v1/echo/a%2Fb\n\n" + `{"x":1}`: `{"body":{"x":1},"key":"","name":"a/b"}`,
		"POST /v1/echo/a\n\n" + `{`:           "400\nContent-Type: application/json",
		"GET /v1/echo/a":                      `"code":"method_not_supported"`,
		"GET /v1/fail/refuse":                 "404\n",
		"GET /v1/fail/details":                `"code":null,"details":[3,5]}`,
		"GET /v1/fail/full":                   "507\n",
		"GET /v1/fail/x":                      `"type":"server_error"`,
		"GET /v1/events":                      "id: 7\ndata: {\"n\":1}\n\n:\n\ndata: \"x\"\n\ndata: [DONE]\n\n",
		"GET /v1/bytes/all":                   "200\nContent-Type: text/x",
		"POST /v1/parts\n\n{}":                "415\n",
	} {
		got := replay(t, s, ask)
		if !strings.Contains(got, want) {
			t.Errorf("%s\ngave %s\nwant %s", ask, got, want)
		}
		if strings.Contains(got, "secret") {
			t.Error("the text of an error of the server got out")
		}
	}
	if m := replay(t, s, "GET /metrics"); !strings.Contains(m, `route="/v1/fail/{how}",status="404"} 1`) {
		t.Error("a route is not counted under its pattern")
	}
}

func TestRoutesAskForKeys(t *testing.T) {
	s := shopServer(t, func(o *serve.Options) { o.Keys = testKeys(t) })
	if got := replay(t, s, "GET /v1/fail/refuse"); !strings.HasPrefix(got, "401\n") {
		t.Errorf("without a key: %s", got)
	}
	got := replay(t, s, "POST /v1/echo/a\nAuthorization: Bearer "+testSecret+"\n\n{}")
	if !strings.Contains(got, `"key":"shop"`) {
		t.Errorf("with a key: %s", got)
	}
}

// listen serves s on a port until the test ends.
func listen(t *testing.T, s *serve.Server) string {
	t.Helper()
	ln, err := serve.Listen(t.Context(), "127.0.0.1:0", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- serve.Run(ctx, ln, s, time.Second, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// What cannot be answered whole is cut, so that nobody takes a part for all.
func TestCutAnswer(t *testing.T) {
	address := listen(t, shopServer(t, nil))
	res, err := http.Get("http://" + address + "/v1/bytes/cut")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	if err == nil {
		t.Error("the client took a broken answer for a whole one")
	}
}

// form returns a body with one file of n bytes.
func form(t *testing.T, n int) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	f, err := w.CreateFormFile("file", "x")
	if err == nil {
		_, err = f.Write(make([]byte, n))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

func TestMultipart(t *testing.T) {
	s := shopServer(t, nil)
	for n, want := range map[int]int{0: 200, 1 << 20: 200, 3 << 20: 413} {
		body, kind := form(t, n)
		for _, cut := range []bool{false, true} {
			want := want
			if cut {
				body = body[:len(body)-10]
				if want == 200 {
					want = 400 // a form without its end
				}
			}
			r := httptest.NewRequest(http.MethodPost, "http://localhost/v1/parts", bytes.NewReader(body))
			r.Header.Set("Content-Type", kind)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%d bytes, cut %v: status %d, want %d: %s", n, cut, w.Code, want, w.Body)
			}
		}
	}
}

// A body that stops coming is given up, one that comes slowly is not.
func TestSlowMultipart(t *testing.T) {
	address := listen(t, shopServer(t, func(o *serve.Options) { o.ReadTimeout = 200 * time.Millisecond }))
	body, kind := form(t, 1000)
	for pieces, want := range map[int]string{8: " 200 ", 1: " 408 "} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /v1/parts HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", kind, len(body))
		at := 0
		for i := range pieces {
			end := min(len(body), (i+1)*len(body)/8+1)
			if _, err := conn.Write(body[at:end]); err != nil {
				t.Fatal(err)
			}
			at = end
			<-time.After(50 * time.Millisecond)
		}
		status, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(status, want) {
			t.Errorf("%d pieces: %q, %v; want%s", pieces, status, err, want)
		}
		conn.Close()
	}
}
