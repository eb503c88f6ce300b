package meter

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/uptrace/bun"

	"github.com/troikaml/troika/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrConflict is returned for an event whose ID is taken by another one.
var ErrConflict = errors.New("another event has this ID")

// Meter is the table of events. It is safe for concurrent use.
type Meter struct {
	db *store.DB
}

// Open returns the meter in db and makes its table if need be.
func Open(ctx context.Context, db *store.DB) (*Meter, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open meter: %w", err)
	}
	if err := db.Migrate(ctx, "meter", sub); err != nil {
		return nil, fmt.Errorf("open meter: %w", err)
	}
	return &Meter{db: db}, nil
}

type eventRow struct {
	bun.BaseModel `bun:"table:meter_events"`

	ID               string `bun:"id,pk"`
	EndedAt          int64  `bun:"ended_at"`
	Key              string `bun:"api_key"`
	Model            string `bun:"model"`
	PromptTokens     int64  `bun:"prompt_tokens"`
	CachedTokens     int64  `bun:"cached_tokens"`
	CompletionTokens int64  `bun:"completion_tokens"`
	Outcome          string `bun:"outcome"`
}

func newRow(e Event) eventRow {
	return eventRow{
		ID: e.ID, EndedAt: e.Time.UnixMicro(), Key: e.Key, Model: e.Model,
		PromptTokens: e.PromptTokens, CachedTokens: e.CachedTokens,
		CompletionTokens: e.CompletionTokens, Outcome: string(e.Outcome),
	}
}

func (r *eventRow) event() Event {
	return Event{
		ID: r.ID, Time: time.UnixMicro(r.EndedAt).UTC(), Key: r.Key, Model: r.Model,
		PromptTokens: r.PromptTokens, CachedTokens: r.CachedTokens,
		CompletionTokens: r.CompletionTokens, Outcome: Outcome(r.Outcome),
	}
}

// Emit records e. It joins the transaction that ctx carries, so that the event
// and the work it counts are kept or lost together. Emitting the same event
// again does nothing; the time alone may differ, and the first one holds.
// [ErrConflict] says that the ID belongs to another event.
func (m *Meter) Emit(ctx context.Context, e Event) error {
	if err := e.Check(); err != nil {
		return fmt.Errorf("emit: %w", err)
	}
	row := newRow(e)
	err := m.db.InTx(ctx, func(ctx context.Context) error {
		res, err := m.db.Query(ctx).NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		was, err := m.Event(ctx, e.ID)
		if err != nil {
			return err
		}
		was.Time = e.Time
		if was != e {
			return ErrConflict
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("emit usage event %s: %w", e.ID, err)
	}
	return nil
}

// Event returns the event with this ID, or [store.ErrNotFound].
func (m *Meter) Event(ctx context.Context, id string) (Event, error) {
	var row eventRow
	err := m.db.Query(ctx).NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if err != nil {
		return Event{}, fmt.Errorf("read usage event %s: %w", id, store.NoRows(err))
	}
	return row.event(), nil
}

// Query selects events. Zero fields select all.
type Query struct {
	From, To time.Time // From <= time < To
	Key      *string   // the name of a key; "" for requests without one
	Model    string
}

// Total is the sum of a selection of events, or of those in it with one key
// and model.
type Total struct {
	Key              string `bun:"api_key" json:"key"`
	Model            string `bun:"model" json:"model"`
	Events           int64  `bun:"events" json:"events"`
	PromptTokens     int64  `bun:"prompt_tokens" json:"prompt_tokens"`
	CachedTokens     int64  `bun:"cached_tokens" json:"cached_tokens"`
	CompletionTokens int64  `bun:"completion_tokens" json:"completion_tokens"`
}

// Sum adds up the events that q selects. Key and Model of the total are empty.
func (m *Meter) Sum(ctx context.Context, q Query) (Total, error) {
	var t Total
	if err := m.sums(ctx, q).Scan(ctx, &t); err != nil {
		return Total{}, fmt.Errorf("sum usage: %w", err)
	}
	return t, nil
}

// SumByKeyAndModel adds up the events that q selects by key and model, in the
// order of keys, then models.
func (m *Meter) SumByKeyAndModel(ctx context.Context, q Query) ([]Total, error) {
	totals := []Total{}
	err := m.sums(ctx, q).Column("api_key", "model").Group("api_key", "model").Order("api_key", "model").Scan(ctx, &totals)
	if err != nil {
		return nil, fmt.Errorf("sum usage by key and model: %w", err)
	}
	return totals, nil
}

func (m *Meter) sums(ctx context.Context, q Query) *bun.SelectQuery {
	s := m.db.Query(ctx).NewSelect().Table("meter_events").ColumnExpr("COUNT(*) AS events")
	for _, column := range []string{"prompt_tokens", "cached_tokens", "completion_tokens"} {
		// PostgreSQL sums integers to a decimal type; the cast brings back one.
		s.ColumnExpr("CAST(COALESCE(SUM(?), 0) AS BIGINT) AS ?", bun.Ident(column), bun.Ident(column))
	}
	if !q.From.IsZero() {
		s.Where("ended_at >= ?", q.From.UnixMicro())
	}
	if !q.To.IsZero() {
		s.Where("ended_at < ?", q.To.UnixMicro())
	}
	if q.Key != nil {
		s.Where("api_key = ?", *q.Key)
	}
	if q.Model != "" {
		s.Where("model = ?", q.Model)
	}
	return s
}
