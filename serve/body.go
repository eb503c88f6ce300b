package serve

import (
	"errors"
	"io"
	"sync/atomic"
)

const (
	// freeBody is what every request may hold of its body, in bytes: most chats fit, so
	// that large bodies that come slowly keep nobody else out.
	freeBody = 16 << 10
	// largeBodies is how many of the largest bodies all requests may hold together beyond
	// what is free.
	largeBodies = 64
)

// errBodies is returned where all bodies together have become too large.
var errBodies = errors.New("too many large bodies at once")

// bodies counts what requests hold of their bodies beyond what is free.
type bodies struct {
	held  atomic.Int64
	limit int64
}

// reader returns a reader of one body, which adds what it holds to the request.
func (b *bodies) reader(r io.Reader, request *request) io.Reader {
	return &countedBody{r: r, all: b, request: request}
}

// release gives back what a request held.
func (b *bodies) release(request *request) {
	b.held.Add(-request.held)
	request.held = 0
}

type countedBody struct {
	r       io.Reader
	all     *bodies
	request *request
	read    int64
}

// Read implements [io.Reader].
func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	before := max(c.read, freeBody)
	c.read += int64(n)
	if more := c.read - before; more > 0 {
		c.request.held += more
		if c.all.held.Add(more) > c.all.limit {
			return n, errBodies
		}
	}
	return n, err
}
