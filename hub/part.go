package hub

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/internal/fsx"
)

const (
	// chunkSize is what one connection fetches of a file at a time.
	chunkSize = 8 << 20
	// stateEvery bounds how often a part's state is written: what a killed
	// process has to fetch again.
	stateEvery = time.Second
)

// partState is what survives of a part between two pulls.
type partState struct {
	OID   string  `json:"oid"`   // what the content will be
	Size  int64   `json:"size"`  // bytes
	Chunk int64   `json:"chunk"` // bytes in a chunk
	Done  []int64 `json:"done"`  // bytes that are here of each chunk, from its start
}

// valid reports whether a state that was read belongs to r and holds together.
func (s partState) valid(r remote) bool {
	if s.OID != r.oid || s.Size != r.size || s.Chunk <= 0 || int64(len(s.Done)) != chunks(s.Size, s.Chunk) {
		return false
	}
	for i, n := range s.Done {
		if n < 0 || n > s.length(i) {
			return false
		}
	}
	return true
}

func chunks(size, chunk int64) int64 {
	n := size / chunk
	if size%chunk != 0 {
		n++
	}
	return n
}

// length returns the size of chunk i.
func (s partState) length(i int) int64 { return min(s.Chunk, s.Size-int64(i)*s.Chunk) }

func (s partState) have() (n int64) {
	for _, d := range s.Done {
		n += d
	}
	return n
}

// part is a file that is being fetched. Chunks are written by several
// goroutines, each chunk by one of them.
type part struct {
	remote
	name string // of the data; the state lies beside it
	f    *os.File

	mu       sync.Mutex
	state    partState
	saved    time.Time
	location *url.URL     // where the content was last found, on a storage host
	stream   bool         // the server knows no ranges: one chunk, from the start
	failures int          // complete downloads with the wrong content
	sum      *sums        // set when complete
	left     atomic.Int64 // chunks to come in this round
}

// partName depends on content and path, so that a part is found again when a
// branch moved on but this file stayed, and two equal files do not share one.
func partName(dir string, r remote) string {
	path := troika.Sum([]byte(r.path))
	return filepath.Join(dir, r.oid+"-"+hex.EncodeToString(path[:4])+".part")
}

// openPart opens what earlier pulls left of a file, or an empty part.
func openPart(dir string, r remote) (*part, error) {
	p := &part{remote: r, name: partName(dir, r)}
	b, err := os.ReadFile(p.name + ".json")
	if err == nil {
		err = json.Unmarshal(b, &p.state)
	}
	fresh := err != nil || !p.state.valid(r)
	flags := os.O_RDWR | os.O_CREATE
	if fresh {
		flags |= os.O_TRUNC
	}
	if p.f, err = os.OpenFile(p.name, flags, 0o644); err != nil {
		return nil, err
	}
	if fresh {
		p.reset(chunkSize)
	}
	return p, nil
}

// reset forgets what is here.
func (p *part) reset(chunk int64) {
	p.sum = nil
	p.state = partState{OID: p.oid, Size: p.size, Chunk: chunk, Done: make([]int64, chunks(p.size, chunk))}
}

// toStream keeps the first chunk's bytes and turns the rest into one chunk.
func (p *part) toStream() {
	first := p.state.Done[0]
	p.stream = true
	p.reset(p.size)
	p.state.Done[0] = first
}

// missing lists the chunks that are not complete.
func (p *part) missing() []int {
	var out []int
	for i, n := range p.state.Done {
		if n < p.state.length(i) {
			out = append(out, i)
		}
	}
	return out
}

// write puts the next bytes of chunk i in place.
func (p *part) write(i int, b []byte) error {
	p.mu.Lock()
	at := int64(i)*p.state.Chunk + p.state.Done[i]
	p.mu.Unlock()
	if _, err := p.f.WriteAt(b, at); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Done[i] += int64(len(b))
	if time.Since(p.saved) < stateEvery {
		return nil
	}
	return p.save()
}

// save writes the state; the caller holds mu. It need not be durable: the
// finished file is checked as a whole.
func (p *part) save() error {
	p.saved = time.Now()
	b, err := json.Marshal(p.state)
	if err != nil {
		return err
	}
	tmp := p.name + ".json.tmp"
	if err := os.WriteFile(tmp, b, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, p.name+".json")
}

// close keeps what is here for the next pull.
func (p *part) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.f.Close()
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return errors.Join(p.save(), err)
}

// check reads a complete part again and notes its digests.
func (p *part) check() error {
	// A part whose state was lost in a crash may be too long.
	if err := errors.Join(p.f.Truncate(p.size), p.f.Sync()); err != nil {
		return err
	}
	sum, err := sumFile(p.name)
	if err != nil {
		return err
	}
	p.sum = &sum
	return nil
}

// finish moves a part that was checked to its name below dir. Wrong content is
// an error that wraps ErrDigest.
func (p *part) finish(dir string) (File, error) {
	if err := p.sum.match(p.remote); err != nil {
		return File{}, err
	}
	if err := p.f.Close(); err != nil {
		return File{}, err
	}
	if err := place(p.name, filepath.Join(dir, filepath.FromSlash(p.path))); err != nil {
		return File{}, err
	}
	if err := os.Remove(p.name + ".json"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return File{}, err
	}
	return p.sum.file(p.remote), nil
}

// place moves a file to its final name, making directories on the way.
func place(from, to string) error {
	if err := fsx.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("place %s: %w", to, err)
	}
	return fsx.Rename(from, to)
}
