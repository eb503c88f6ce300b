package publish

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math"
	"regexp"
	"time"

	"github.com/uptrace/bun"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNoAlias says that nothing was ever published under a name.
var ErrNoAlias = errors.New("nothing is published under this name")

// Release is a model that was put behind an alias.
type Release struct {
	Alias    string        `json:"alias"`
	Number   int64         `json:"number"`
	Model    string        `json:"model"`
	Digest   troika.Digest `json:"digest"`
	Replaced int64         `json:"replaced,omitempty"` // the release that answered before; 0 for none
	Verdict  Verdict       `json:"verdict"`
	Created  time.Time     `json:"created"`
}

// Alias is what stands behind a name at one moment.
type Alias struct {
	Name    string    `json:"name"`
	Current *Release  `json:"current"`          // nil while there is a canary alone
	Canary  *Release  `json:"canary,omitempty"` // nil for none
	Share   float64   `json:"share,omitempty"`  // of the requests that the canary gets
	Updated time.Time `json:"updated"`
}

// Pick returns the release that answers the request with this id: the same for the
// same id, as long as the alias stays. It is nil where there is no current release and
// the canary is not meant.
func (a *Alias) Pick(id string) *Release {
	if a.Canary != nil {
		h := fnv.New64a()
		_, _ = h.Write([]byte(a.Name + "\x00" + id)) // never fails
		if mix(h.Sum64()) < a.Share {
			return a.Canary
		}
	}
	return a.Current
}

// mix maps a hash to [0, 1). FNV's low bits are the good ones, and its high ones alike
// for ids that differ at the end alone: one more multiplication spreads them.
func mix(h uint64) float64 {
	h ^= h >> 32
	h *= 0xD6E8FEB86659FD93
	h ^= h >> 32
	return float64(h>>11) / (1 << 53)
}

// Aliases is the record of what is published. It is safe for concurrent use, by several
// processes where the database is.
type Aliases struct{ db *store.DB }

// Open returns the aliases in db and makes their tables if need be.
func Open(ctx context.Context, db *store.DB) (*Aliases, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err == nil {
		err = db.Migrate(ctx, "publish", sub)
	}
	if err != nil {
		return nil, fmt.Errorf("open aliases: %w", err)
	}
	return &Aliases{db: db}, nil
}

type aliasRow struct {
	bun.BaseModel `bun:"table:publish_aliases"`

	Name      string `bun:"name,pk"`
	Current   int64  `bun:"current"`
	Canary    int64  `bun:"canary"`
	Share     int64  `bun:"share"`
	UpdatedAt int64  `bun:"updated_at"`
}

type releaseRow struct {
	bun.BaseModel `bun:"table:publish_releases"`

	Alias     string `bun:"alias,pk"`
	Number    int64  `bun:"number,pk"`
	Model     string `bun:"model"`
	Digest    string `bun:"digest"`
	Replaced  int64  `bun:"replaced"`
	Verdict   string `bun:"verdict"`
	CreatedAt int64  `bun:"created_at"`
}

const millionths = 1e6

// Publish records a release and makes it the current one; a trial under the alias
// ends. Number, Replaced and Created are set here.
func (a *Aliases) Publish(ctx context.Context, r Release) (Release, error) {
	out, err := a.release(ctx, r, func(row *aliasRow, number int64) {
		row.Current, row.Canary, row.Share = number, 0, 0
	})
	if err != nil {
		return Release{}, fmt.Errorf("publish %s as %s: %w", r.Model, r.Alias, err)
	}
	return out, nil
}

// Try records a release and gives it a share of the requests, above 0 and below 1. A
// trial that was under way ends.
func (a *Aliases) Try(ctx context.Context, r Release, share float64) (Release, error) {
	if !(share > 0 && share < 1) {
		return Release{}, fmt.Errorf("try %s as %s: a share of %g, want one between 0 and 1", r.Model, r.Alias, share)
	}
	out, err := a.release(ctx, r, func(row *aliasRow, number int64) {
		row.Canary, row.Share = number, max(1, int64(math.Round(share*millionths)))
	})
	if err != nil {
		return Release{}, fmt.Errorf("try %s as %s: %w", r.Model, r.Alias, err)
	}
	return out, nil
}

var nameRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func (a *Aliases) release(ctx context.Context, r Release, place func(row *aliasRow, number int64)) (Release, error) {
	if !nameRule.MatchString(r.Alias) {
		return Release{}, fmt.Errorf("name %.80q: want letters, digits, dots, dashes and underscores, at most 63", r.Alias)
	}
	if r.Model == "" || r.Digest.IsZero() {
		return Release{}, errors.New("a release needs a model and its digest")
	}
	verdict, err := json.Marshal(r.Verdict)
	if err != nil {
		return Release{}, err
	}
	now := time.Now()
	err = a.db.InTx(ctx, func(ctx context.Context) error {
		q := a.db.Query(ctx)
		row := aliasRow{Name: r.Alias}
		if _, err := q.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
			return err
		}
		if err := q.NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
			return err
		}
		var last int64
		if err := q.NewSelect().Model((*releaseRow)(nil)).ColumnExpr("COALESCE(MAX(number), 0)").
			Where("alias = ?", r.Alias).Scan(ctx, &last); err != nil {
			return err
		}
		r.Number, r.Replaced, r.Created = last+1, row.Current, moment(now.UnixMicro())
		if _, err := q.NewInsert().Model(&releaseRow{
			Alias: r.Alias, Number: r.Number, Model: r.Model, Digest: r.Digest.String(), Replaced: r.Replaced,
			Verdict: string(verdict), CreatedAt: now.UnixMicro(),
		}).Exec(ctx); err != nil {
			return err
		}
		place(&row, r.Number)
		return a.update(ctx, &row, now)
	})
	return r, err
}

func (a *Aliases) update(ctx context.Context, row *aliasRow, now time.Time) error {
	row.UpdatedAt = now.UnixMicro()
	_, err := a.db.Query(ctx).NewUpdate().Model(row).WherePK().Exec(ctx)
	return err
}

// Rollback makes the release current that answered before the current one, and ends a
// trial. Doing it again goes further back. It fails where there is nothing before.
func (a *Aliases) Rollback(ctx context.Context, name string) (Alias, error) {
	return a.change(ctx, "roll back", name, func(ctx context.Context, row *aliasRow) error {
		if row.Current == 0 {
			return errors.New("no release is current")
		}
		now, err := a.one(ctx, name, row.Current)
		if err != nil {
			return err
		}
		if now.Replaced == 0 {
			return fmt.Errorf("release %d, %s, is the first: there is nothing to go back to", now.Number, now.Model)
		}
		row.Current, row.Canary, row.Share = now.Replaced, 0, 0
		return nil
	})
}

// EndTrial takes the canary away. It fails where there is none.
func (a *Aliases) EndTrial(ctx context.Context, name string) (Alias, error) {
	return a.change(ctx, "end trial", name, func(_ context.Context, row *aliasRow) error {
		if row.Canary == 0 {
			return errors.New("no trial is under way")
		}
		row.Canary, row.Share = 0, 0
		return nil
	})
}

func (a *Aliases) change(ctx context.Context, what, name string, fn func(context.Context, *aliasRow) error) (Alias, error) {
	err := a.db.InTx(ctx, func(ctx context.Context) error {
		row := aliasRow{Name: name}
		if err := a.db.Query(ctx).NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
			return noAlias(err)
		}
		if err := fn(ctx, &row); err != nil {
			return err
		}
		return a.update(ctx, &row, time.Now())
	})
	if err != nil {
		return Alias{}, fmt.Errorf("%s %s: %w", what, name, err)
	}
	return a.Get(ctx, name)
}

func noAlias(err error) error {
	if errors.Is(store.NoRows(err), store.ErrNotFound) {
		return ErrNoAlias
	}
	return err
}

// Get returns what stands behind a name.
func (a *Aliases) Get(ctx context.Context, name string) (Alias, error) {
	row := aliasRow{Name: name}
	if err := a.db.Query(ctx).NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
		return Alias{}, fmt.Errorf("alias %s: %w", name, noAlias(err))
	}
	return a.alias(ctx, &row)
}

// List returns every alias by name.
func (a *Aliases) List(ctx context.Context) ([]Alias, error) {
	var rows []aliasRow
	if err := a.db.Query(ctx).NewSelect().Model(&rows).Order("name").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list aliases: %w", err)
	}
	out := make([]Alias, len(rows))
	for i := range rows {
		var err error
		if out[i], err = a.alias(ctx, &rows[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *Aliases) alias(ctx context.Context, row *aliasRow) (Alias, error) {
	out := Alias{Name: row.Name, Share: float64(row.Share) / millionths, Updated: moment(row.UpdatedAt)}
	for _, r := range []struct {
		number int64
		to     **Release
	}{{row.Current, &out.Current}, {row.Canary, &out.Canary}} {
		if r.number == 0 {
			continue
		}
		one, err := a.one(ctx, row.Name, r.number)
		if err != nil {
			return Alias{}, fmt.Errorf("alias %s: %w", row.Name, err)
		}
		*r.to = &one
	}
	return out, nil
}

func (a *Aliases) one(ctx context.Context, alias string, number int64) (Release, error) {
	row := releaseRow{Alias: alias, Number: number}
	if err := a.db.Query(ctx).NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
		return Release{}, fmt.Errorf("release %d: %w", number, store.NoRows(err))
	}
	return row.release()
}

// Releases returns the releases of an alias, the newest first.
func (a *Aliases) Releases(ctx context.Context, name string) ([]Release, error) {
	var rows []releaseRow
	if err := a.db.Query(ctx).NewSelect().Model(&rows).Where("alias = ?", name).Order("number DESC").Scan(ctx); err != nil {
		return nil, fmt.Errorf("releases of %s: %w", name, err)
	}
	out := make([]Release, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].release(); err != nil {
			return nil, fmt.Errorf("releases of %s: %w", name, err)
		}
	}
	return out, nil
}

func (r *releaseRow) release() (Release, error) {
	out := Release{Alias: r.Alias, Number: r.Number, Model: r.Model, Replaced: r.Replaced, Created: moment(r.CreatedAt)}
	var err error
	if out.Digest, err = troika.ParseDigest(r.Digest); err != nil {
		return Release{}, fmt.Errorf("release %d: %w", r.Number, err)
	}
	if err := json.Unmarshal([]byte(r.Verdict), &out.Verdict); err != nil {
		return Release{}, fmt.Errorf("release %d: verdict: %w", r.Number, err)
	}
	return out, nil
}

func moment(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
