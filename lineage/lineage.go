package lineage

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/uptrace/bun"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Input is an artefact that something was made from.
type Input struct {
	// Role says what it was used as, such as "base" or "dataset".
	Role   string        `json:"role"`
	Digest troika.Digest `json:"digest"`
}

// Record tells how an artefact was made.
type Record struct {
	// Output is what was made.
	Output troika.Digest `json:"output"`
	// Kind is what sort of artefact it is, such as "dataset" or "adapter".
	Kind string `json:"kind"`
	// Inputs are what it was made from, in an order that the maker fixes.
	Inputs []Input `json:"inputs"`
	// Details is a JSON object with the recipe, or empty.
	Details json.RawMessage `json:"details,omitempty"`
	// At is when; Append fills in the present where it is zero. It is no part
	// of what makes two records the same.
	At time.Time `json:"-"`
}

// id is the digest of the record's JSON: of everything but its time.
func (r Record) id() (troika.Digest, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return troika.Digest{}, err
	}
	return troika.Sum(b), nil
}

// Log is the table of records. It is safe for concurrent use.
type Log struct {
	db *store.DB
}

// Open returns the log in db and makes its tables if need be.
func Open(ctx context.Context, db *store.DB) (*Log, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open lineage: %w", err)
	}
	if err := db.Migrate(ctx, "lineage", sub); err != nil {
		return nil, fmt.Errorf("open lineage: %w", err)
	}
	return &Log{db: db}, nil
}

type recordRow struct {
	bun.BaseModel `bun:"table:lineage_records"`

	ID      string `bun:"id,pk"`
	Output  string `bun:"output"`
	Kind    string `bun:"kind"`
	Details string `bun:"details"`
	MadeAt  int64  `bun:"made_at"`
}

type inputRow struct {
	bun.BaseModel `bun:"table:lineage_inputs"`

	RecordID string `bun:"record_id,pk"`
	Position int    `bun:"position,pk"`
	Role     string `bun:"role"`
	Input    string `bun:"input"`
}

// Append adds a record; one that is there already is left as it is. It joins
// the transaction that ctx carries. Errors are an unknown output or kind, an
// input that is the output, and details that are no JSON object.
func (l *Log) Append(ctx context.Context, r Record) error {
	if err := check(r); err != nil {
		return fmt.Errorf("append lineage: %w", err)
	}
	if len(r.Details) == 0 {
		r.Details = json.RawMessage("{}")
	}
	if r.At.IsZero() {
		r.At = time.Now()
	}
	id, err := r.id()
	if err != nil {
		return fmt.Errorf("append lineage: %w", err)
	}
	row := recordRow{ID: id.String(), Output: r.Output.String(), Kind: r.Kind, Details: string(r.Details), MadeAt: r.At.UnixMicro()}
	inputs := make([]inputRow, len(r.Inputs))
	for i, in := range r.Inputs {
		inputs[i] = inputRow{RecordID: row.ID, Position: i, Role: in.Role, Input: in.Digest.String()}
	}
	err = l.db.InTx(ctx, func(ctx context.Context) error {
		res, err := l.db.Query(ctx).NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 || len(inputs) == 0 {
			return err
		}
		_, err = l.db.Query(ctx).NewInsert().Model(&inputs).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("append lineage of %s: %w", r.Output, err)
	}
	return nil
}

func check(r Record) error {
	switch {
	case r.Output.IsZero():
		return errors.New("the output is not known")
	case r.Kind == "":
		return fmt.Errorf("the kind of %s is not given", r.Output)
	}
	for _, in := range r.Inputs {
		switch {
		case in.Digest.IsZero():
			return fmt.Errorf("input %q of %s is not known", in.Role, r.Output)
		case in.Digest == r.Output:
			return fmt.Errorf("%s is its own input %q", r.Output, in.Role)
		}
	}
	if len(r.Details) > 0 {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(r.Details, &object); err != nil || object == nil {
			return fmt.Errorf("the details of %s are no JSON object", r.Output)
		}
	}
	return nil
}

// Of returns the records of an artefact, oldest first: none where nothing is
// known, several where the same bytes were made in several ways.
func (l *Log) Of(ctx context.Context, output troika.Digest) ([]Record, error) {
	records, err := l.find(ctx, "output = ?", output.String())
	if err != nil {
		return nil, fmt.Errorf("lineage of %s: %w", output, err)
	}
	return records, nil
}

// MadeFrom returns the records that have an artefact among their inputs,
// oldest first.
func (l *Log) MadeFrom(ctx context.Context, input troika.Digest) ([]Record, error) {
	records, err := l.find(ctx, "id IN (SELECT record_id FROM lineage_inputs WHERE input = ?)", input.String())
	if err != nil {
		return nil, fmt.Errorf("lineage from %s: %w", input, err)
	}
	return records, nil
}

// Ancestry returns the records of an artefact and of everything it was made
// from, nearest first, each once.
func (l *Log) Ancestry(ctx context.Context, output troika.Digest) ([]Record, error) {
	var all []Record
	seen := map[troika.Digest]bool{output: true}
	for queue := []troika.Digest{output}; len(queue) > 0; queue = queue[1:] {
		records, err := l.Of(ctx, queue[0])
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			all = append(all, r)
			for _, in := range r.Inputs {
				if !seen[in.Digest] {
					seen[in.Digest] = true
					queue = append(queue, in.Digest)
				}
			}
		}
	}
	return all, nil
}

// find returns the records that a condition selects, with their inputs.
func (l *Log) find(ctx context.Context, where string, arg string) ([]Record, error) {
	var rows []recordRow
	if err := l.db.Query(ctx).NewSelect().Model(&rows).Where(where, arg).Order("made_at", "id").Scan(ctx); err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]string, len(rows))
	at := make(map[string]int, len(rows))
	records := make([]Record, len(rows))
	for i, row := range rows {
		output, err := troika.ParseDigest(row.Output)
		if err != nil {
			return nil, err
		}
		ids[i], at[row.ID] = row.ID, i
		records[i] = Record{Output: output, Kind: row.Kind, Details: json.RawMessage(row.Details), At: time.UnixMicro(row.MadeAt).UTC()}
	}
	var inputs []inputRow
	err := l.db.Query(ctx).NewSelect().Model(&inputs).Where("record_id IN ?", bun.Tuple(ids)).Order("record_id", "position").Scan(ctx)
	if err != nil {
		return nil, err
	}
	for _, in := range inputs {
		d, err := troika.ParseDigest(in.Input)
		if err != nil {
			return nil, err
		}
		r := &records[at[in.RecordID]]
		r.Inputs = append(r.Inputs, Input{Role: in.Role, Digest: d})
	}
	return records, nil
}
