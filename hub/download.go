package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// maxDigestFailures is how often a file may arrive with the wrong content. The
// second try starts from nothing, so a bad part from an earlier pull heals.
const maxDigestFailures = 2

// errNoRanges: the server sent the whole file when asked for a piece.
var errNoRanges = errors.New("server ignores ranges")

// download fetches parts over several connections.
type download struct {
	*session
	ref      Ref
	commit   string
	dir      string // where finished files go
	parallel int
	meter    *meter
	files    []File // finished
}

// run fetches every part and returns the finished files. Parts that are not
// finished keep what they have.
func (d *download) run(ctx context.Context, parts []*part) (files []File, err error) {
	left := parts
	defer func() {
		for _, p := range left {
			err = errors.Join(err, p.close())
		}
	}()
	for len(left) > 0 {
		if err := d.fetchAll(ctx, left); err != nil {
			return nil, err
		}
		var again []*part
		for i, p := range left {
			done, err := d.settle(p)
			if err != nil {
				left = append(again, left[i:]...)
				return nil, err
			}
			if !done {
				again = append(again, p)
			}
		}
		left = again
	}
	return d.files, nil
}

// settle finishes a part, or prepares it for another round.
func (d *download) settle(p *part) (done bool, err error) {
	if p.stream && p.state.Chunk != p.size {
		before := p.state.have()
		p.toStream()
		d.meter.add(p.state.have()-before, 0)
		return false, nil
	}
	f, err := d.finish(p)
	switch {
	case err == nil:
		d.files = append(d.files, f)
		d.meter.add(0, 1)
		return true, nil
	case !errors.Is(err, ErrDigest):
		return false, fmt.Errorf("file %q: %w", p.path, err)
	}
	p.failures++
	d.meter.add(-p.state.have(), 0)
	p.reset(p.state.Chunk)
	p.location = nil
	if p.failures == maxDigestFailures {
		return false, fmt.Errorf("file %q: %w", p.path, err)
	}
	return false, nil
}

func (d *download) finish(p *part) (File, error) {
	if p.sum == nil {
		if err := p.check(); err != nil {
			return File{}, err
		}
	}
	return p.finish(d.dir)
}

// task is one chunk of one part.
type task struct {
	part  *part
	chunk int
}

// fetchAll completes the chunks of all parts, or fails with the first error. A
// part whose server knows no ranges is left with stream set.
func (d *download) fetchAll(ctx context.Context, parts []*part) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var tasks []task
	for _, p := range parts {
		missing := p.missing()
		p.left.Store(int64(len(missing)))
		for _, i := range missing {
			tasks = append(tasks, task{p, i})
		}
	}
	queue := make(chan task)
	var wg sync.WaitGroup
	for range min(d.parallel, len(tasks)) {
		wg.Go(func() {
			for t := range queue {
				if err := d.fetchChunk(ctx, t); err != nil {
					cancel(fmt.Errorf("file %q: %w", t.part.path, err))
					return
				}
			}
		})
	}
	func() {
		defer close(queue)
		for _, t := range tasks {
			select {
			case queue <- t:
			case <-ctx.Done():
				return
			}
		}
	}()
	wg.Wait()
	return context.Cause(ctx)
}

func (d *download) fetchChunk(ctx context.Context, t task) error {
	err := retry(ctx, func() (bool, error) {
		before := t.part.done(t.chunk)
		err := d.tryChunk(ctx, t)
		return t.part.done(t.chunk) > before, err
	})
	if errors.Is(err, errNoRanges) {
		t.part.setStream()
		return nil
	}
	if err == nil && t.part.left.Add(-1) == 0 {
		return t.part.check() // here, so that files are hashed side by side
	}
	return err
}

func (p *part) done(chunk int) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.Done[chunk]
}

func (p *part) setStream() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stream = true
}

// tryChunk fetches what is missing of a chunk with one request.
func (d *download) tryChunk(ctx context.Context, t task) error {
	p := t.part
	p.mu.Lock()
	from := int64(t.chunk)*p.state.Chunk + p.state.Done[t.chunk]
	end := int64(t.chunk)*p.state.Chunk + p.state.length(t.chunk)
	known, streaming, whole := p.location, p.stream, len(p.state.Done) == 1
	p.mu.Unlock()
	if streaming && !whole {
		return errNoRanges // another chunk found out
	}
	header := http.Header{}
	if from > 0 || !whole {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, end-1))
	}
	u := known
	if u == nil {
		u = d.fileURL(d.ref, d.commit, p.path)
	}
	err := d.fetch(ctx, http.MethodGet, u, header, func(resp *response, body io.Reader) error {
		if err := d.checkAnswer(p, resp); err != nil {
			return err
		}
		skip, err := rangeStart(resp, header, from, p.size)
		switch {
		case err != nil:
			return err
		case skip > 0 && !whole, skip == 0 && resp.StatusCode == http.StatusOK && !whole:
			return errNoRanges
		}
		p.remember(d.session, resp.location)
		if _, err := io.CopyN(io.Discard, body, skip); err != nil {
			return d.networkError(ctx, u, noEOF(err))
		}
		return d.copyChunk(ctx, t, u, io.LimitReader(body, end-from), end-from)
	})
	if known != nil && (errors.Is(err, ErrAccess) || errors.Is(err, ErrNotFound)) {
		// The storage host's signed address has expired: ask the hub again.
		p.remember(d.session, nil)
		return &temporaryError{err: err}
	}
	return err
}

// remember keeps a storage host's address, to spare the hub a question for
// each chunk.
func (p *part) remember(s *session, u *url.URL) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.location = nil
	if u != nil && !s.home(u) {
		p.location = u
	}
}

// checkAnswer compares what the hub says it is about to send with what was
// announced. Only ids that look like object ids count: a mirror may have ETags
// of its own, and the content is checked in the end anyway.
func (d *download) checkAnswer(p *part, resp *response) error {
	if err := checkCommit(resp, d.commit); err != nil {
		return err
	}
	if id := identity(resp); len(id) == len(p.oid) && strings.Trim(id, "0123456789abcdef") == "" && id != p.oid {
		return fmt.Errorf("%w: %s: it serves object %s, announced was %s", ErrDigest, show(resp.location), id, p.oid)
	}
	return nil
}

// rangeStart checks which bytes an answer holds and returns how many of them
// come before from.
func rangeStart(resp *response, asked http.Header, from, size int64) (skip int64, err error) {
	wrong := func(what string) error {
		return fmt.Errorf("%w: %s: %s for a file of %d bytes", ErrProtocol, show(resp.location), what, size)
	}
	switch {
	case resp.StatusCode == http.StatusOK && resp.ContentLength >= 0 && resp.ContentLength != size:
		return 0, wrong(fmt.Sprintf("Content-Length %d", resp.ContentLength))
	case resp.StatusCode == http.StatusOK:
		return from, nil
	case resp.StatusCode != http.StatusPartialContent || asked.Get("Range") == "":
		return 0, wrong(fmt.Sprintf("status %d", resp.StatusCode))
	}
	var first, last, total int64
	text := resp.Header.Get("Content-Range")
	if n, err := fmt.Sscanf(text, "bytes %d-%d/%d", &first, &last, &total); n != 3 || err != nil || first != from || total != size {
		return 0, wrong("Content-Range " + cleanMessage(text))
	}
	return 0, nil
}

// copyChunk writes the n bytes that body must hold.
func (d *download) copyChunk(ctx context.Context, t task, u *url.URL, body io.Reader, n int64) error {
	buf := make([]byte, min(n, 256<<10))
	for n > 0 {
		k, err := body.Read(buf)
		if k > 0 {
			if err := t.part.write(t.chunk, buf[:k]); err != nil {
				return err
			}
			d.meter.add(int64(k), 0)
			n -= int64(k)
		}
		if err != nil && n > 0 {
			return d.networkError(ctx, u, noEOF(err))
		}
	}
	return nil
}

// noEOF names the end of a body that came too early.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
