package file

import (
	"context"
	"crypto/md5" //nolint:gosec // the checksum that OpenAI's clients send
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/store"
)

// The states of an upload.
const (
	Pending   = "pending"
	Completed = "completed"
	Cancelled = "cancelled"
	Expired   = "expired" // pending for longer than an hour
)

// Upload is a file on its way in parts. Times are in UTC.
type Upload struct {
	ID        string
	Filename  string
	Purpose   string
	Bytes     int64 // of the whole file
	Status    string
	File      *File // once completed; nil again when the file was deleted
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Part is a piece of an upload.
type Part struct {
	ID        string
	UploadID  string
	Bytes     int64
	CreatedAt time.Time
}

type uploadRow struct {
	bun.BaseModel `bun:"table:file_uploads"`

	ID        string `bun:"id,pk"`
	Filename  string `bun:"filename"`
	Purpose   string `bun:"purpose"`
	Bytes     int64  `bun:"bytes"`
	Key       string `bun:"api_key"`
	Keep      int64  `bun:"keep"`
	Status    string `bun:"status"`
	FileID    string `bun:"file_id"`
	CreatedAt int64  `bun:"created_at"`
	ExpiresAt int64  `bun:"expires_at"`
}

type partRow struct {
	bun.BaseModel `bun:"table:file_parts"`

	ID        string `bun:"id,pk"`
	UploadID  string `bun:"upload_id"`
	Bytes     int64  `bun:"bytes"`
	Digest    string `bun:"digest"`
	CreatedAt int64  `bun:"created_at"`
}

func (s *Store) upload(ctx context.Context, r *uploadRow) (Upload, error) {
	u := Upload{
		ID: r.ID, Filename: r.Filename, Purpose: r.Purpose, Bytes: r.Bytes, Status: r.Status,
		CreatedAt: time.UnixMicro(r.CreatedAt).UTC(), ExpiresAt: time.UnixMicro(r.ExpiresAt).UTC(),
	}
	if u.Status == Pending && s.now().UnixMicro() >= r.ExpiresAt {
		u.Status = Expired
	}
	if r.FileID != "" {
		f, err := s.Get(ctx, r.FileID)
		if err == nil {
			u.File = &f
		} else if !errors.Is(err, store.ErrNotFound) {
			return Upload{}, err
		}
	}
	return u, nil
}

// CreateUpload begins a file of the given size. It is to be completed within an hour.
func (s *Store) CreateUpload(ctx context.Context, n New, bytes int64) (Upload, error) {
	if err := n.Check(); err != nil {
		return Upload{}, err
	}
	if bytes < 1 || bytes > MaxUpload {
		return Upload{}, serve.Refuse(http.StatusBadRequest, "", "bytes", "Invalid 'bytes': %d is not within 1 to %d.", bytes, int64(MaxUpload))
	}
	now := s.now()
	row := uploadRow{
		ID: newID("upload_"), Filename: n.Filename, Purpose: n.Purpose, Bytes: bytes, Key: n.Key,
		Keep: int64(n.Keep.Seconds()), Status: Pending,
		CreatedAt: now.UnixMicro(), ExpiresAt: now.Add(uploadTime).UnixMicro(),
	}
	if _, err := s.db.Query(ctx).NewInsert().Model(&row).Exec(ctx); err != nil {
		return Upload{}, fmt.Errorf("create upload: %w", err)
	}
	return s.upload(ctx, &row)
}

// findUpload returns the row of an upload with the upload.
func (s *Store) findUpload(ctx context.Context, id string) (uploadRow, Upload, error) {
	var row uploadRow
	err := s.db.Query(ctx).NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if err != nil {
		return row, Upload{}, fmt.Errorf("get upload %.80q: %w", id, store.NoRows(err))
	}
	u, err := s.upload(ctx, &row)
	return row, u, err
}

// pending returns a pending upload, or a refusal that says what has become of it.
func (s *Store) pending(ctx context.Context, id string) (uploadRow, error) {
	row, u, err := s.findUpload(ctx, id)
	if err == nil && u.Status != Pending {
		err = serve.Refuse(http.StatusBadRequest, "invalid_upload", "", "Upload %s is %s.", id, u.Status)
	}
	return row, err
}

// AddPart stores everything that r yields as a part of an upload.
func (s *Store) AddPart(ctx context.Context, id string, r io.Reader) (Part, error) {
	if _, err := s.pending(ctx, id); err != nil {
		return Part{}, err
	}
	c, err := s.Stage(ctx, r)
	if err != nil {
		return Part{}, err
	}
	defer c.Release(ctx)
	if c.Bytes == 0 || c.Bytes > MaxPart {
		return Part{}, serve.Refuse(http.StatusBadRequest, "", "data", "A part has 1 to %d bytes, this one has %d.", MaxPart, c.Bytes)
	}
	part := partRow{ID: newID("part_"), UploadID: id, Bytes: c.Bytes, Digest: c.Digest.String(), CreatedAt: s.now().UnixMicro()}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		up, err := s.pending(ctx, id)
		if err != nil {
			return err
		}
		var sum int64
		q := s.db.Query(ctx)
		if err := q.NewSelect().Model((*partRow)(nil)).ColumnExpr("COALESCE(SUM(bytes), 0)").Where("upload_id = ?", id).Scan(ctx, &sum); err != nil {
			return err
		}
		// A client that sends parts again after a broken connection needs room for
		// them; one that goes on and on must not fill the disk.
		if sum+part.Bytes > 2*up.Bytes+MaxPart {
			return serve.Refuse(http.StatusBadRequest, "invalid_upload", "data",
				"The parts of upload %s would come to %d bytes, the file has %d.", id, sum+part.Bytes, up.Bytes)
		}
		_, err = q.NewInsert().Model(&part).Exec(ctx)
		return err
	})
	if err != nil {
		return Part{}, fmt.Errorf("add part: %w", err)
	}
	return Part{ID: part.ID, UploadID: id, Bytes: part.Bytes, CreatedAt: time.UnixMicro(part.CreatedAt).UTC()}, nil
}

// Complete makes the file of an upload from parts in the given order. sum is the MD5
// of the whole in hexadecimal, or empty. An upload that is completed already is
// returned: a client whose connection broke asks again.
func (s *Store) Complete(ctx context.Context, id string, partIDs []string, sum string) (Upload, error) {
	_, u, err := s.findUpload(ctx, id)
	if err != nil || u.Status == Completed {
		return u, err
	}
	row, err := s.pending(ctx, id)
	if err != nil {
		return Upload{}, err
	}
	parts, err := s.ordered(ctx, row, partIDs)
	if err != nil {
		return Upload{}, err
	}
	whole := &joined{ctx: ctx, blobs: s.blobs, parts: parts, sum: md5.New()} //nolint:gosec // as above
	c, err := s.Stage(ctx, whole)
	if err != nil {
		return Upload{}, errors.Join(err, whole.Close())
	}
	defer c.Release(ctx)
	if got := hex.EncodeToString(whole.sum.Sum(nil)); sum != "" && !strings.EqualFold(sum, got) {
		return Upload{}, serve.Refuse(http.StatusBadRequest, "checksum_mismatch", "md5",
			"The parts have MD5 %s in this order, not %.64s. The upload is still pending.", got, sum)
	}
	var lost []string
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		row, err := s.pending(ctx, id)
		if err != nil {
			return err
		}
		f, err := s.Create(ctx, New{
			Filename: row.Filename, Purpose: row.Purpose, Key: row.Key, Keep: time.Duration(row.Keep) * time.Second,
		}, c)
		if err != nil {
			return err
		}
		row.Status, row.FileID = Completed, f.ID
		lost, err = s.close(ctx, &row)
		return err
	})
	if err != nil {
		return Upload{}, fmt.Errorf("complete upload %s: %w", id, err)
	}
	return s.closed(ctx, id, lost)
}

// Cancel ends a pending upload. Cancelling again does nothing.
func (s *Store) Cancel(ctx context.Context, id string) (Upload, error) {
	var lost []string
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		row, u, err := s.findUpload(ctx, id)
		if err != nil || u.Status == Cancelled {
			return err
		}
		if row, err = s.pending(ctx, id); err != nil {
			return err
		}
		row.Status = Cancelled
		lost, err = s.close(ctx, &row)
		return err
	})
	if err != nil {
		return Upload{}, fmt.Errorf("cancel upload %.80q: %w", id, err)
	}
	return s.closed(ctx, id, lost)
}

// close records the end of an upload, whose parts are of no more use. It returns the
// contents of the parts.
func (s *Store) close(ctx context.Context, row *uploadRow) ([]string, error) {
	q := s.db.Query(ctx)
	if _, err := q.NewUpdate().Model(row).WherePK().Exec(ctx); err != nil {
		return nil, err
	}
	return remove(ctx, q.NewDelete().Model((*partRow)(nil)).Where("upload_id = ?", row.ID))
}

// closed drops the contents of an upload that has ended, and returns it.
func (s *Store) closed(ctx context.Context, id string, lost []string) (Upload, error) {
	if err := s.drop(ctx, lost); err != nil {
		return Upload{}, err
	}
	_, u, err := s.findUpload(ctx, id)
	return u, err
}

// ordered returns the parts of an upload in the order of their IDs, which must come
// to the whole file.
func (s *Store) ordered(ctx context.Context, up uploadRow, ids []string) ([]partRow, error) {
	if len(ids) == 0 {
		return nil, serve.Refuse(http.StatusBadRequest, "", "part_ids", "'part_ids' names no parts.")
	}
	var all []partRow
	if err := s.db.Query(ctx).NewSelect().Model(&all).Where("upload_id = ?", up.ID).Scan(ctx); err != nil {
		return nil, fmt.Errorf("list parts: %w", err)
	}
	byID := map[string]partRow{}
	for _, p := range all {
		byID[p.ID] = p
	}
	var parts []partRow
	var bytes int64
	for i, id := range ids {
		p, ok := byID[id]
		if !ok {
			return nil, serve.Refuse(http.StatusBadRequest, "", "part_ids",
				"part_ids[%d] %.80q is no part of upload %s, or is named twice.", i, id, up.ID)
		}
		delete(byID, id)
		bytes += p.Bytes
		parts = append(parts, p)
	}
	if bytes != up.Bytes {
		return nil, serve.Refuse(http.StatusBadRequest, "invalid_upload", "part_ids",
			"The parts come to %d bytes, the upload was created for %d.", bytes, up.Bytes)
	}
	return parts, nil
}

// joined reads parts one after another.
type joined struct {
	ctx   context.Context //nolint:containedctx // a reader is for one call
	blobs store.Blobs
	parts []partRow
	open  io.ReadCloser
	sum   hash.Hash
}

func (j *joined) Read(p []byte) (int, error) {
	for {
		if j.open == nil {
			if len(j.parts) == 0 {
				return 0, io.EOF
			}
			d, err := troika.ParseDigest(j.parts[0].Digest)
			if err == nil {
				j.open, err = j.blobs.Open(j.ctx, d)
			}
			if err != nil {
				return 0, err
			}
			j.parts = j.parts[1:]
		}
		n, err := j.open.Read(p)
		j.sum.Write(p[:n])
		if err == io.EOF { //nolint:errorlint // readers return io.EOF itself
			err = j.Close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Close closes the part that is being read.
func (j *joined) Close() error {
	if j.open == nil {
		return nil
	}
	open := j.open
	j.open = nil
	return open.Close()
}
