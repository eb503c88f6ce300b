package hub

import (
	"sync"
	"time"
)

// Progress is how far a pull has come. Done includes what lay here already; it
// falls when a file must be fetched again.
type Progress struct {
	Done, Total      int64 // bytes
	FilesDone, Files int
}

// progressEvery bounds how often a callback is called.
const progressEvery = 100 * time.Millisecond

// meter counts, and tells a callback one call at a time.
type meter struct {
	mu   sync.Mutex
	now  Progress
	call func(Progress)
	last time.Time
}

func newMeter(files []remote, call func(Progress)) *meter {
	m := &meter{call: call}
	m.now.Files = len(files)
	for _, f := range files {
		m.now.Total += f.size
	}
	return m
}

func (m *meter) add(bytes int64, files int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Done += bytes
	m.now.FilesDone += files
	if m.call == nil {
		return
	}
	if files != 0 || time.Since(m.last) >= progressEvery {
		m.last = time.Now()
		m.call(m.now)
	}
}
