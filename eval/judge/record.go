package judge

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/troikaml/troika"
)

// Records are responses by their requests, kept in a file of JSON lines that grows. It is
// safe for concurrent use by one process.
type Records struct {
	mu    sync.Mutex
	file  *os.File
	known map[troika.Digest]string
}

// record is a line: the SHA-256 of a request's body, and the text of the response.
type record struct {
	Request  troika.Digest `json:"request"`
	Response string        `json:"response"`
}

// maxRecord bounds a line, in bytes.
const maxRecord = 8 << 20

// OpenRecords opens a file of records, which is made when missing. A last line that was
// cut while it was written is dropped. Close it when done.
func OpenRecords(name string) (*Records, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open judge's records: %w", err)
	}
	r := &Records{file: f, known: map[troika.Digest]string{}}
	whole, err := r.read()
	if err == nil {
		err = errors.Join(f.Truncate(whole), seek(f, whole))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open judge's records %s: %w", name, err), f.Close())
	}
	return r, nil
}

func seek(f *os.File, at int64) error {
	_, err := f.Seek(at, io.SeekStart)
	return err
}

// read takes in the lines, and returns the bytes of those that are whole.
func (r *Records) read() (whole int64, err error) {
	in := bufio.NewReaderSize(r.file, 1<<16)
	for n := 1; ; n++ {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return whole, nil // what follows the last line feed was cut
		}
		if err != nil {
			return 0, fmt.Errorf("line %d: %w", n, err)
		}
		var rec record
		if err := json.Unmarshal(line, &rec); err != nil {
			return 0, fmt.Errorf("line %d: %w", n, err)
		}
		r.known[rec.Request] = rec.Response
		whole += int64(len(line))
	}
}

// readLine returns a line with its line feed, and io.EOF for one without.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxRecord:
			return nil, fmt.Errorf("it is longer than %d bytes", maxRecord)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		default:
			return line, err
		}
	}
}

func (r *Records) get(request []byte) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, ok := r.known[troika.Sum(request)]
	return text, ok
}

func (r *Records) put(request []byte, response string) error {
	rec := record{troika.Sum(request), response}
	line, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("record a response: %w", err)
	}
	r.known[rec.Request] = response
	return nil
}

// Close makes sure that what was recorded is on disk.
func (r *Records) Close() error { return errors.Join(r.file.Sync(), r.file.Close()) }
