package servetest_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"

	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/servetest"
)

// connect opens up to n connections and writes text to each. It stops where the system
// gives no more.
func connect(t *testing.T, url, text string, n int) (opened int) {
	t.Helper()
	for ; opened < n; opened++ {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if errors.Is(err, syscall.EMFILE) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := conn.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return opened
}

func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// Thousands of connections that say nothing, or half a request, or a large body that never
// ends, cost little and keep nobody out.
func TestManyConnections(t *testing.T) {
	idle, half, slow := 1500, 500, 300
	if testing.Short() {
		idle, half, slow = 200, 100, 100
	}
	const maxBody = 256 << 10
	s, err := serve.New(servetest.NewEngine(), serve.Options{MaxBody: maxBody, ReadTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	url := start(t, s)
	before := memory()
	opened := connect(t, url, "", idle)
	opened += connect(t, url, "POST /v1/chat/completions HTTP/1.1\r\nHost: loc", half)
	stalled := fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		maxBody, strings.Repeat(" ", maxBody-1))
	opened += connect(t, url, stalled, slow)
	if opened < (idle+half+slow)/4 {
		t.Fatalf("the system gave %d connections", opened)
	}
	c := newClient(t, url, "any")
	answered := make(chan error, 1)
	go func() {
		got, err := c.Chat.Completions.New(t.Context(), ask("starter", "say hi"))
		if err == nil && got.Choices[0].Message.Content != "hi" {
			err = errors.New(got.RawJSON())
		}
		answered <- err
	}()
	select {
	case err := <-answered:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("no answer beside idle connections")
	}
	// 64 of the largest bodies, twice as they grow by doubling, and some 20 kB a connection.
	if grown, most := int64(memory())-int64(before), int64(3*64*maxBody+opened*(40<<10)); grown > most {
		t.Errorf("%d connections hold %d bytes, want at most %d", opened, grown, most)
	}
	// Beyond them, large bodies are turned down: small ones are not.
	refused := false
	for deadline := time.Now().Add(time.Minute); !refused && time.Now().Before(deadline); {
		_, err = c.Chat.Completions.New(t.Context(), ask("starter", "say "+strings.Repeat(" ", maxBody/2)))
		api, ok := errors.AsType[*openai.Error](err)
		refused = ok && api.StatusCode == http.StatusTooManyRequests
	}
	if !refused {
		t.Errorf("a large body among many: %v", err)
	}
}
