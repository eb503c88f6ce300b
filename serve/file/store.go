package file

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// What files are for. Clients send the first three.
const (
	FineTune = "fine-tune"
	Batch    = "batch"
	UserData = "user_data"
	// Results is what a fine-tuning job leaves.
	Results = "fine-tune-results"
)

// Sizes, as OpenAI has them, in bytes.
const (
	MaxFile   = 512 << 20
	MaxUpload = 8 << 30
	MaxPart   = 64 << 20
)

// Times, as OpenAI has them.
const (
	uploadTime = time.Hour
	batchTime  = 30 * 24 * time.Hour
	minKeep    = time.Hour
	maxKeep    = 30 * 24 * time.Hour
)

// File is a file that is kept. Times are in UTC.
type File struct {
	ID       string
	Filename string
	Purpose  string
	Bytes    int64
	Digest   troika.Digest // of the content
	// Key is the name of the API key that sent it, empty for none.
	Key       string
	CreatedAt time.Time
	ExpiresAt time.Time // zero for never
}

// New says what a file is to be.
type New struct {
	// ID is made up where it is empty.
	ID       string
	Filename string
	Purpose  string
	Key      string
	// Keep is how long the file is kept; 0 means for good, and 30 days of a batch's.
	Keep time.Duration
}

// Options are for tests: the zero value is the clock.
type Options struct {
	Now func() time.Time
}

// Store is the files and uploads of one home, which it has to itself. It is safe for
// concurrent use. Its errors are [*serve.RefusalError] where the client is at fault, and
// wrap [store.ErrNotFound] where an ID means nothing.
type Store struct {
	db    *store.DB
	blobs store.Blobs
	now   func() time.Time

	mu      sync.Mutex
	staging int                    // contents on their way, which no row names yet
	garbage map[troika.Digest]bool // contents that may be without a name
}

// Open returns the files in db and blobs, makes the tables if need be, and removes
// content that a killed process left.
func Open(ctx context.Context, db *store.DB, blobs store.Blobs, o Options) (*Store, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open files: %w", err)
	}
	if err := db.Migrate(ctx, "file", sub); err != nil {
		return nil, fmt.Errorf("open files: %w", err)
	}
	s := &Store{db: db, blobs: blobs, now: o.Now, garbage: map[troika.Digest]bool{}}
	if s.now == nil {
		s.now = time.Now
	}
	for d, err := range blobs.List(ctx) {
		if err != nil {
			return nil, fmt.Errorf("open files: %w", err)
		}
		s.garbage[d] = true
	}
	if err := s.Sweep(ctx); err != nil {
		return nil, fmt.Errorf("open files: %w", err)
	}
	return s, nil
}

// Staged is content that was stored and that nothing names yet.
type Staged struct {
	store  *Store
	once   sync.Once
	Digest troika.Digest
	Bytes  int64
}

// Stage stores everything that r yields. The caller releases what it gets.
func (s *Store) Stage(ctx context.Context, r io.Reader) (*Staged, error) {
	s.mu.Lock()
	s.staging++
	s.mu.Unlock()
	d, n, err := s.blobs.Put(ctx, r)
	c := &Staged{store: s, Digest: d, Bytes: n}
	if err != nil {
		c.Release(ctx)
		return nil, fmt.Errorf("store file: %w", err)
	}
	return c, nil
}

// Release drops the content, unless a file names it by now. Releasing twice is
// allowed.
func (c *Staged) Release(ctx context.Context) {
	c.once.Do(func() {
		s := c.store
		s.mu.Lock()
		s.staging--
		if !c.Digest.IsZero() {
			s.garbage[c.Digest] = true
		}
		s.mu.Unlock()
		// What cannot be removed now is looked for when the store is opened next.
		_ = s.collect(context.WithoutCancel(ctx))
	})
}

// collect removes contents that nothing names. It waits for a moment in which no
// content is on its way to a name.
func (s *Store) collect(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.staging > 0 {
		return nil
	}
	for d := range s.garbage {
		used, err := s.named(ctx, d)
		if err == nil && !used {
			err = s.blobs.Delete(ctx, d)
		}
		if err != nil {
			return err
		}
		delete(s.garbage, d)
	}
	return nil
}

func (s *Store) named(ctx context.Context, d troika.Digest) (bool, error) {
	for _, model := range []any{(*fileRow)(nil), (*partRow)(nil)} {
		used, err := s.db.Query(ctx).NewSelect().Model(model).Where("digest = ?", d.String()).Exists(ctx)
		if used || err != nil {
			return used, err
		}
	}
	return false, nil
}

type fileRow struct {
	bun.BaseModel `bun:"table:file_files"`

	ID        string `bun:"id,pk"`
	Filename  string `bun:"filename"`
	Purpose   string `bun:"purpose"`
	Bytes     int64  `bun:"bytes"`
	Digest    string `bun:"digest"`
	Key       string `bun:"api_key"`
	CreatedAt int64  `bun:"created_at"`
	ExpiresAt int64  `bun:"expires_at"`
}

func (r *fileRow) file() (File, error) {
	d, err := troika.ParseDigest(r.Digest)
	f := File{
		ID: r.ID, Filename: r.Filename, Purpose: r.Purpose, Bytes: r.Bytes, Digest: d, Key: r.Key,
		CreatedAt: time.UnixMicro(r.CreatedAt).UTC(),
	}
	if r.ExpiresAt != 0 {
		f.ExpiresAt = time.UnixMicro(r.ExpiresAt).UTC()
	}
	return f, err
}

// newID returns a fresh ID.
func newID(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

// Check returns a refusal where a client may not send such a file.
func (n New) Check() error {
	switch n.Purpose {
	case FineTune, Batch, UserData:
	case "":
		return serve.Refuse(http.StatusBadRequest, "", "purpose", "'purpose' is a required property.")
	default:
		return serve.Refuse(http.StatusBadRequest, "", "purpose",
			"%.60q is not one of the purposes that are served: %q, %q, %q.", n.Purpose, FineTune, Batch, UserData)
	}
	const most = 512
	switch {
	case n.Filename == "":
		return serve.Refuse(http.StatusBadRequest, "", "filename", "The file has no name.")
	case len(n.Filename) > most || !utf8.ValidString(n.Filename) || strings.IndexFunc(n.Filename, unicode.IsControl) >= 0:
		return serve.Refuse(http.StatusBadRequest, "", "filename", "The file's name is not printable text of at most %d bytes.", most)
	case n.Keep != 0 && (n.Keep < minKeep || n.Keep > maxKeep):
		return serve.Refuse(http.StatusBadRequest, "", "expires_after.seconds",
			"A file expires %d to %d seconds after it was created.", int(minKeep.Seconds()), int(maxKeep.Seconds()))
	}
	return nil
}

// Create makes a file of staged content. It joins the transaction that ctx carries.
// A file of the same ID that is there already is left as it is and returned.
func (s *Store) Create(ctx context.Context, n New, c *Staged) (File, error) {
	row := fileRow{ID: n.ID, Filename: n.Filename, Purpose: n.Purpose, Bytes: c.Bytes, Digest: c.Digest.String(), Key: n.Key}
	if row.ID == "" {
		row.ID = newID("file-")
	}
	if n.Keep == 0 && n.Purpose == Batch {
		n.Keep = batchTime
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		// Ascending even where the clock is not: the order of lists.
		var newest int64
		err := s.db.Query(ctx).NewSelect().Model((*fileRow)(nil)).ColumnExpr("COALESCE(MAX(created_at), 0)").Scan(ctx, &newest)
		if err != nil {
			return err
		}
		row.CreatedAt = max(s.now().UnixMicro(), newest+1)
		if n.Keep != 0 {
			row.ExpiresAt = row.CreatedAt + n.Keep.Microseconds()
		}
		res, err := s.db.Query(ctx).NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx)
		if err != nil {
			return err
		}
		if made, err := res.RowsAffected(); err != nil || made == 1 {
			return err
		}
		return s.db.Query(ctx).NewSelect().Model(&row).WherePK().Scan(ctx)
	})
	if err != nil {
		return File{}, fmt.Errorf("create file: %w", err)
	}
	return row.file()
}

// living leaves out what has expired.
func (s *Store) living(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Where("expires_at = 0 OR expires_at > ?", s.now().UnixMicro())
}

// Get returns a file.
func (s *Store) Get(ctx context.Context, id string) (File, error) {
	var row fileRow
	err := s.living(s.db.Query(ctx).NewSelect().Model(&row).Where("id = ?", id)).Scan(ctx)
	if err != nil {
		return File{}, fmt.Errorf("get file %.80q: %w", id, store.NoRows(err))
	}
	return row.file()
}

// Open returns a file with its content, which the caller closes. A file that is
// deleted meanwhile is read to its end.
func (s *Store) Open(ctx context.Context, id string) (File, io.ReadCloser, error) {
	f, err := s.Get(ctx, id)
	if err != nil {
		return File{}, nil, err
	}
	r, err := s.blobs.Open(ctx, f.Digest)
	if err != nil {
		return File{}, nil, fmt.Errorf("open file %s: %w", id, err)
	}
	return f, r, nil
}

// Query selects a page of files.
type Query struct {
	Purpose string // empty for all
	After   string // the ID of the last file of the page before
	Oldest  bool   // oldest first, not newest
	Limit   int
}

// List returns a page of files and whether there are more.
func (s *Store) List(ctx context.Context, q Query) ([]File, bool, error) {
	var rows []fileRow
	order, beyond := "created_at DESC", "created_at < ?"
	if q.Oldest {
		order, beyond = "created_at", "created_at > ?"
	}
	sel := s.living(s.db.Query(ctx).NewSelect().Model(&rows)).Order(order).Limit(int64(q.Limit) + 1)
	if q.Purpose != "" {
		sel.Where("purpose = ?", q.Purpose)
	}
	if q.After != "" {
		after, err := s.Get(ctx, q.After)
		if err != nil {
			return nil, false, fmt.Errorf("list files: %w", err)
		}
		sel.Where(beyond, after.CreatedAt.UnixMicro())
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, false, fmt.Errorf("list files: %w", err)
	}
	more := len(rows) > q.Limit
	rows = rows[:min(len(rows), q.Limit)]
	files := make([]File, len(rows))
	for i := range rows {
		var err error
		if files[i], err = rows[i].file(); err != nil {
			return nil, false, fmt.Errorf("list files: %w", err)
		}
	}
	return files, more, nil
}

// Delete removes a file.
func (s *Store) Delete(ctx context.Context, id string) error {
	f, err := s.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	lost, err := remove(ctx, s.db.Query(ctx).NewDelete().Model((*fileRow)(nil)).Where("id = ?", f.ID))
	if err != nil {
		return fmt.Errorf("delete file %s: %w", id, err)
	}
	return s.drop(ctx, lost)
}

// remove runs a deletion and returns the contents that lost a name by it.
func remove(ctx context.Context, q *bun.DeleteQuery) ([]string, error) {
	var lost []string
	err := q.Returning("digest").Scan(ctx, &lost)
	if errors.Is(store.NoRows(err), store.ErrNotFound) {
		err = nil
	}
	return lost, err
}

// drop removes contents that have lost a name, where it was the last one.
func (s *Store) drop(ctx context.Context, lost []string) error {
	s.mu.Lock()
	for _, text := range lost {
		if d, err := troika.ParseDigest(text); err == nil { // as we wrote it
			s.garbage[d] = true
		}
	}
	s.mu.Unlock()
	return s.collect(ctx)
}

// Sweep removes what has expired: files, and the parts of uploads.
func (s *Store) Sweep(ctx context.Context) error {
	now := s.now().UnixMicro()
	var lost []string
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		q := s.db.Query(ctx)
		files, err := remove(ctx, q.NewDelete().Model((*fileRow)(nil)).Where("expires_at <> 0 AND expires_at <= ?", now))
		if err != nil {
			return err
		}
		over := q.NewSelect().Model((*uploadRow)(nil)).Column("id").Where("expires_at <= ?", now)
		parts, err := remove(ctx, q.NewDelete().Model((*partRow)(nil)).Where("upload_id IN (?)", over))
		lost = append(files, parts...)
		return err
	})
	if err == nil {
		err = s.drop(ctx, lost)
	}
	if err != nil {
		return fmt.Errorf("sweep files: %w", err)
	}
	return nil
}
