package file

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"

	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/store"
)

// Routes returns the endpoints of files and uploads.
func (s *Store) Routes() []serve.Route {
	return []serve.Route{
		{Method: http.MethodPost, Pattern: "/v1/files", Serve: s.serveCreate},
		{Method: http.MethodGet, Pattern: "/v1/files", Serve: s.serveList},
		{Method: http.MethodGet, Pattern: "/v1/files/{id}", Serve: s.serveGet},
		{Method: http.MethodGet, Pattern: "/v1/files/{id}/content", Serve: s.serveContent},
		{Method: http.MethodDelete, Pattern: "/v1/files/{id}", Serve: s.serveDelete},
		{Method: http.MethodPost, Pattern: "/v1/uploads", Serve: s.serveCreateUpload},
		{Method: http.MethodPost, Pattern: "/v1/uploads/{id}/parts", Serve: s.serveAddPart},
		{Method: http.MethodPost, Pattern: "/v1/uploads/{id}/complete", Serve: s.serveComplete},
		{Method: http.MethodPost, Pattern: "/v1/uploads/{id}/cancel", Serve: s.serveCancel},
	}
}

// fileBody is a file on the wire.
type fileBody struct {
	ID            string  `json:"id"`
	Object        string  `json:"object"`
	Bytes         int64   `json:"bytes"`
	CreatedAt     int64   `json:"created_at"`
	ExpiresAt     *int64  `json:"expires_at"`
	Filename      string  `json:"filename"`
	Purpose       string  `json:"purpose"`
	Status        string  `json:"status"`
	StatusDetails *string `json:"status_details"`
}

func newBody(f File) fileBody {
	b := fileBody{
		ID: f.ID, Object: "file", Bytes: f.Bytes, CreatedAt: f.CreatedAt.Unix(), Filename: f.Filename,
		Purpose: f.Purpose, Status: "processed",
	}
	if !f.ExpiresAt.IsZero() {
		at := f.ExpiresAt.Unix()
		b.ExpiresAt = &at
	}
	return b
}

// uploadBody is an upload on the wire.
type uploadBody struct {
	ID        string    `json:"id"`
	Object    string    `json:"object"`
	Bytes     int64     `json:"bytes"`
	CreatedAt int64     `json:"created_at"`
	ExpiresAt int64     `json:"expires_at"`
	Filename  string    `json:"filename"`
	Purpose   string    `json:"purpose"`
	Status    string    `json:"status"`
	File      *fileBody `json:"file"`
}

func newUploadBody(u Upload) uploadBody {
	b := uploadBody{
		ID: u.ID, Object: "upload", Bytes: u.Bytes, CreatedAt: u.CreatedAt.Unix(), ExpiresAt: u.ExpiresAt.Unix(),
		Filename: u.Filename, Purpose: u.Purpose, Status: u.Status,
	}
	if u.File != nil {
		f := newBody(*u.File)
		b.File = &f
	}
	return b
}

// missing tells the client that there is no such object.
func missing(err error, object, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return serve.Refuse(http.StatusNotFound, "", "id", "No such %s object: %.80s", object, id)
	}
	return err
}

// maxField bounds a field of a form that is no file, in bytes.
const maxField = 4 << 10

// serveCreate reads a form, whose fields stand before or after the file.
func (s *Store) serveCreate(c *serve.Call) error {
	n := New{Key: c.Key()}
	var content *Staged
	defer func() {
		if content != nil {
			content.Release(c.Context())
		}
	}()
	err := c.EachPart(MaxFile, func(part *multipart.Part) (err error) {
		if part.FormName() != "file" {
			return n.field(part)
		}
		if content != nil {
			return serve.Refuse(http.StatusBadRequest, "", "file", "The form has two files.")
		}
		// What is refused anyway need not be sent to the end.
		n.Filename = part.FileName() // its last element alone
		if n.Purpose != "" {
			if err := n.Check(); err != nil {
				return err
			}
		}
		content, err = s.Stage(c.Context(), part)
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case content == nil:
		return serve.Refuse(http.StatusBadRequest, "", "file", "'file' is a required property.")
	case content.Bytes == 0:
		return serve.Refuse(http.StatusBadRequest, "empty_file", "file", "File is empty.")
	case content.Bytes > MaxFile:
		return serve.Refuse(http.StatusRequestEntityTooLarge, "request_too_large", "file",
			"The file has %d bytes, at most %d are taken. Larger ones come in parts: POST /v1/uploads.", content.Bytes, MaxFile)
	}
	if err := n.Check(); err != nil {
		return err
	}
	if err := s.Sweep(c.Context()); err != nil {
		return err
	}
	f, err := s.Create(c.Context(), n, content)
	if err != nil {
		return err
	}
	return c.WriteJSON(newBody(f))
}

// field reads one that is no file.
func (n *New) field(part *multipart.Part) error {
	name := part.FormName()
	b, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return err
	}
	if len(b) > maxField {
		return serve.Refuse(http.StatusBadRequest, "", name, "The field %.60q has more than %d bytes.", name, maxField)
	}
	switch name {
	case "purpose":
		n.Purpose = string(b)
	case "expires_after[anchor]":
		return checkAnchor(string(b))
	case "expires_after[seconds]":
		seconds, err := strconv.Atoi(string(b))
		if err != nil {
			return serve.Refuse(http.StatusBadRequest, "", "expires_after.seconds", "%.40q is no number.", b)
		}
		return n.keep(int64(seconds))
	}
	return nil
}

// keep sets how long the file is kept, as the client asks for it.
func (n *New) keep(seconds int64) error {
	n.Keep = time.Duration(min(max(seconds, 1), 1<<32)) * time.Second // 0 would mean for good
	return nil
}

func checkAnchor(anchor string) error {
	if anchor != "created_at" {
		return serve.Refuse(http.StatusBadRequest, "", "expires_after.anchor", "%.40q is no anchor: \"created_at\" is.", anchor)
	}
	return nil
}

func (s *Store) serveList(c *serve.Call) error {
	const most = 10_000 // as OpenAI has it
	query := c.Request.URL.Query()
	limit, err := c.Int("limit", most, 1, most)
	if err != nil {
		return err
	}
	q := Query{Purpose: query.Get("purpose"), After: query.Get("after"), Limit: limit}
	switch order := query.Get("order"); order {
	case "", "desc":
	case "asc":
		q.Oldest = true
	default:
		return serve.Refuse(http.StatusBadRequest, "", "order", "Invalid 'order': %.40q is neither asc nor desc.", order)
	}
	files, more, err := s.List(c.Context(), q)
	if err != nil {
		return missing(err, "File", q.After)
	}
	bodies := make([]fileBody, len(files))
	for i, f := range files {
		bodies[i] = newBody(f)
	}
	return serve.WriteList(c, bodies, more, func(b fileBody) string { return b.ID })
}

func (s *Store) serveGet(c *serve.Call) error {
	f, err := s.Get(c.Context(), c.Param("id"))
	if err != nil {
		return missing(err, "File", c.Param("id"))
	}
	return c.WriteJSON(newBody(f))
}

func (s *Store) serveContent(c *serve.Call) error {
	f, content, err := s.Open(c.Context(), c.Param("id"))
	if err != nil {
		return missing(err, "File", c.Param("id"))
	}
	defer content.Close() //nolint:errcheck // only read
	return c.WriteBytes(content, f.Bytes, http.Header{
		"Content-Type":        {"application/octet-stream"},
		"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": f.Filename})},
	})
}

func (s *Store) serveDelete(c *serve.Call) error {
	id := c.Param("id")
	if err := s.Delete(c.Context(), id); err != nil {
		return missing(err, "File", id)
	}
	return c.WriteJSON(struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Deleted bool   `json:"deleted"`
	}{id, "file", true})
}

func (s *Store) serveCreateUpload(c *serve.Call) error {
	var body struct {
		Bytes        int64  `json:"bytes"`
		Filename     string `json:"filename"`
		MIMEType     string `json:"mime_type"`
		Purpose      string `json:"purpose"`
		ExpiresAfter *struct {
			Anchor  string `json:"anchor"`
			Seconds int64  `json:"seconds"`
		} `json:"expires_after"`
	}
	if err := c.ReadJSON(&body); err != nil {
		return err
	}
	n := New{Filename: body.Filename, Purpose: body.Purpose, Key: c.Key()}
	if e := body.ExpiresAfter; e != nil {
		if err := errors.Join(checkAnchor(e.Anchor), n.keep(e.Seconds)); err != nil {
			return err
		}
	}
	if err := s.Sweep(c.Context()); err != nil {
		return err
	}
	return answer(c)(s.CreateUpload(c.Context(), n, body.Bytes))
}

// answer sends an upload, or what is wrong with it.
func answer(c *serve.Call) func(Upload, error) error {
	return func(u Upload, err error) error {
		if err != nil {
			return missing(err, "Upload", c.Param("id"))
		}
		return c.WriteJSON(newUploadBody(u))
	}
}

func (s *Store) serveAddPart(c *serve.Call) error {
	var made *Part
	err := c.EachPart(MaxPart, func(part *multipart.Part) error {
		if part.FormName() != "data" || made != nil {
			return nil
		}
		p, err := s.AddPart(c.Context(), c.Param("id"), part)
		made = &p
		return err
	})
	switch {
	case err != nil:
		return missing(err, "Upload", c.Param("id"))
	case made == nil:
		return serve.Refuse(http.StatusBadRequest, "", "data", "'data' is a required property.")
	}
	return c.WriteJSON(struct {
		ID        string `json:"id"`
		Object    string `json:"object"`
		CreatedAt int64  `json:"created_at"`
		UploadID  string `json:"upload_id"`
	}{made.ID, "upload.part", made.CreatedAt.Unix(), made.UploadID})
}

func (s *Store) serveComplete(c *serve.Call) error {
	var body struct {
		PartIDs []string `json:"part_ids"`
		MD5     string   `json:"md5"`
	}
	if err := c.ReadJSON(&body); err != nil {
		return err
	}
	return answer(c)(s.Complete(c.Context(), c.Param("id"), body.PartIDs, body.MD5))
}

func (s *Store) serveCancel(c *serve.Call) error {
	return answer(c)(s.Cancel(c.Context(), c.Param("id")))
}
