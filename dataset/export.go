package dataset

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/internal/fsx"
)

// The files of an exported version beside those of its splits and manifest.json.
const (
	lineageFile = "lineage.jsonl"
	inputsFile  = "inputs.jsonl"
)

// UnfinishedFile stands in a folder that an export is being written into, and stays
// where it was stopped: such a folder is not read, and the next export replaces it.
const UnfinishedFile = ".unfinished-export"

const unfinishedText = "An export into this folder was stopped before it was whole: export again.\n"

// tableBytes is the size at which a table of an export is full, counted as JSON lines.
const tableBytes = 256 << 20

// ExportOptions say how [Version.Export] writes.
type ExportOptions struct {
	// Tables begins Parquet files for the splits; nil writes JSON lines.
	Tables *Tables
	// Cards make files that describe the files of the splits, by name. They are
	// written with the version, so that none is there without them.
	Cards map[string]func(splits []File) ([]byte, error)
}

// Tables begins Parquet files. dataset knows no format of tables: whoever exports
// brings it along.
type Tables struct {
	Texts func(io.Writer) Table[TextRow]
	Chats func(io.Writer) Table[ChatRow]
}

// Table is a file of rows that is being written.
type Table[T any] interface {
	// Write adds a row that takes about size bytes.
	Write(row T, size int) error
	// Close ends the table; what it was begun on stays open.
	Close() error
}

// File is a file of an export that holds records.
type File struct {
	Name   string
	Split  string
	Bytes  int64
	Digest troika.Digest
}

// Export writes a version into the folder dir, which must exist: for each split a
// JSONL file or, of those that are not empty, tables; lineage.jsonl, inputs.jsonl
// where the raw files are known, the cards that are asked for and, last, manifest.json,
// which is taken away first. Each file is there whole or not at all, and what an earlier export left beside them
// is removed. Until the folder is whole it holds [UnfinishedFile]. [Read] makes the
// same version of the folder. The files of the splits are returned in their order.
func (v *Version) Export(dir string, o ExportOptions) ([]File, error) {
	files, err := v.export(dir, o)
	if err != nil {
		return nil, fmt.Errorf("export dataset: %w", err)
	}
	return files, nil
}

func (v *Version) export(dir string, o ExportOptions) ([]File, error) {
	unfinished := filepath.Join(dir, UnfinishedFile)
	if err := fsx.WriteFile(unfinished, []byte(unfinishedText), 0o644); err != nil {
		return nil, err
	}
	if err := remove(filepath.Join(dir, manifestName)); err != nil {
		return nil, err
	}
	fsx.Sweep(dir) // what a killed export was writing
	var files []File
	for _, split := range v.manifest.Splits {
		some, err := v.exportSplit(dir, split, o)
		if err != nil {
			return nil, err
		}
		files = append(files, some...)
	}
	if _, err := exportLines(dir, lineageFile, v.outcomes, v.manifest.Lineage); err != nil {
		return nil, err
	}
	var inputs []Input
	var list []Shard
	for i, s := range v.manifest.Sources {
		inputs, list = append(inputs, v.inputs[i]...), append(list, s.Inputs...)
	}
	if len(list) > 0 {
		if _, err := exportLines(dir, inputsFile, inputs, list); err != nil {
			return nil, err
		}
	} else if err := remove(filepath.Join(dir, inputsFile)); err != nil {
		return nil, err
	}
	if err := removeOthers(dir, files); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(o.Cards)) {
		text, err := o.Cards[name](files)
		if err != nil {
			return nil, err
		}
		if err := fsx.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return nil, err
		}
	}
	if err := fsx.WriteFile(filepath.Join(dir, manifestName), v.encoded, 0o644); err != nil {
		return nil, err
	}
	return files, remove(unfinished)
}

// remove removes a file if it is there.
func remove(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// removeOthers removes the files of splits that an earlier export left.
func removeOthers(dir string, files []File) error {
	written := map[string]bool{}
	for _, f := range files {
		written[f.Name] = true
	}
	for _, split := range Splits() {
		if name := linesName(split); !written[name] {
			if err := remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
		for i := 0; ; i++ {
			name := tableName(split, i)
			if written[name] {
				continue
			}
			if err := os.Remove(filepath.Join(dir, name)); errors.Is(err, os.ErrNotExist) {
				break
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

func linesName(split string) string        { return split + ".jsonl" }
func tableName(split string, i int) string { return fmt.Sprintf("%s-%05d.parquet", split, i) }

func (v *Version) exportSplit(dir string, s SplitInfo, o ExportOptions) ([]File, error) {
	records := v.records[s.Name]
	if o.Tables == nil {
		f, err := exportLines(dir, linesName(s.Name), records, s.Shards)
		f.Split = s.Name
		return []File{f}, err
	}
	var files []File
	for len(records) > 0 {
		f := File{Name: tableName(s.Name, len(files)), Split: s.Name}
		n := 0
		err := f.write(dir, func(w io.Writer) (err error) {
			if records[0].Messages == nil {
				n, err = fillTable(o.Tables.Texts(w), records, textRow)
			} else {
				n, err = fillTable(o.Tables.Chats(w), records, chatRow)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		files, records = append(files, f), records[n:]
	}
	return files, nil
}

// fillTable writes rows until the table is full, and returns how many.
func fillTable[T any](t Table[T], records []Record, row func(*Record) (T, error)) (int, error) {
	size, n := 0, 0
	var line []byte
	for n < len(records) && size < tableBytes {
		one, err := row(&records[n])
		if err != nil {
			return 0, err
		}
		if line, err = appendLine(line[:0], records[n]); err != nil {
			return 0, err
		}
		if err := t.Write(one, len(line)); err != nil {
			return 0, err
		}
		size += len(line)
		n++
	}
	return n, t.Close()
}

func exportLines[T any](dir, name string, lines []T, list []Shard) (File, error) {
	f := File{Name: name}
	return f, f.write(dir, func(w io.Writer) error {
		return encodeShards(lines, list, func(_ Shard, b []byte) error {
			_, err := w.Write(b)
			return err
		})
	})
}

// write writes the file, whole or not at all, and notes what it is.
func (f *File) write(dir string, content func(io.Writer) error) error {
	sum := sha256.New()
	err := fsx.Write(filepath.Join(dir, f.Name), 0o644, func(w io.Writer) error {
		out := bufio.NewWriterSize(io.MultiWriter(w, sum, (*size)(&f.Bytes)), 256<<10)
		if err := content(out); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		return out.Flush()
	})
	f.Digest = troika.DigestOf(sum)
	return err
}

// size counts the bytes that are written to it.
type size int64

// Write implements [io.Writer].
func (s *size) Write(b []byte) (int, error) {
	*s += size(len(b))
	return len(b), nil
}

// TextRow is the record of a text as a row of a table; what is empty is null.
type TextRow struct {
	ID      string `parquet:"id"`
	Text    string `parquet:"text"`
	Label   string `parquet:"label,optional"`
	Source  string `parquet:"source,optional"`
	Licence string `parquet:"licence,optional"`
	Lang    string `parquet:"lang,optional"`
	Group   string `parquet:"group,optional"`
	Cluster string `parquet:"cluster"`
	Raw     string `parquet:"raw,optional"`
	Cut     bool   `parquet:"cut,optional"`
}

// ChatRow is the record of a conversation as a row of a table; what is empty is null.
type ChatRow struct {
	ID       string `parquet:"id"`
	Messages []Turn `parquet:"messages,list"`
	// Rejected is, of a preference, the worse end of the conversation.
	Rejected []Turn `parquet:"rejected,list"`
	// Exact has the record's messages, rejected and tools as JSON where they are more
	// than roles and contents.
	Exact   string `parquet:"exact,optional"`
	Label   string `parquet:"label,optional"`
	Source  string `parquet:"source,optional"`
	Licence string `parquet:"licence,optional"`
	Lang    string `parquet:"lang,optional"`
	Group   string `parquet:"group,optional"`
	Cluster string `parquet:"cluster"`
	Raw     string `parquet:"raw,optional"`
}

// Turn is what a message says.
type Turn struct {
	Role    string `json:"role"    parquet:"role"`
	Content string `json:"content" parquet:"content"`
}

// exactChat is the JSON of [ChatRow].Exact.
type exactChat struct {
	Messages []json.RawMessage `json:"messages"`
	Tools    json.RawMessage   `json:"tools,omitempty"`
	Rejected []json.RawMessage `json:"rejected,omitempty"`
}

func rawText(d troika.Digest) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func textRow(r *Record) (TextRow, error) {
	return TextRow{
		ID: r.ID, Text: r.Text, Label: r.Label, Source: r.Source, Licence: r.Licence, Lang: r.Lang, Group: r.Group,
		Cluster: r.Cluster, Raw: rawText(r.Raw), Cut: r.Cut,
	}, nil
}

func chatRow(r *Record) (ChatRow, error) {
	row := ChatRow{
		ID: r.ID, Label: r.Label, Source: r.Source, Licence: r.Licence, Lang: r.Lang, Group: r.Group, Cluster: r.Cluster,
		Raw: rawText(r.Raw),
	}
	var plain, also bool
	var err error
	if row.Messages, plain, err = turns(r.Messages); err != nil {
		return row, err
	}
	if row.Rejected, also, err = turns(r.Rejected); err != nil {
		return row, err
	}
	if plain && also && r.Tools == nil {
		return row, nil
	}
	exact, err := appendLine(nil, exactChat{r.Messages, r.Tools, r.Rejected})
	row.Exact = string(bytes.TrimSpace(exact))
	return row, err
}

// turns returns what messages say, and whether that is all that they have, to the
// byte.
func turns(messages []json.RawMessage) (out []Turn, plain bool, err error) {
	plain = true
	for _, raw := range messages {
		var m struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			return nil, false, err
		}
		t := Turn{m.Role, contentText(m.Content)}
		again, err := t.message()
		if err != nil {
			return nil, false, err
		}
		plain = plain && bytes.Equal(again, raw)
		out = append(out, t)
	}
	return out, plain, nil
}

// message returns a turn as a message.
func (t Turn) message() (json.RawMessage, error) {
	b, err := appendLine(nil, t)
	return bytes.TrimSpace(b), err
}

// tables returns the lines that stand as tables in the place of an exported file; nil
// where there are none.
func (r *reader) tables(file string) ([]byte, error) {
	var lines []byte
	split := strings.TrimSuffix(file, ".jsonl")
	for i := 0; ; i++ {
		name := tableName(split, i)
		in, size, err := r.open(name)
		if errors.Is(err, os.ErrNotExist) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		r.total += size
		lines, err = r.tableLines(lines, in, size)
		if err := errors.Join(err, in.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// tableLines appends the rows of a table as the lines that they were made from.
func (r *reader) tableLines(lines []byte, in *counted, size int64) ([]byte, error) {
	at, ok := in.File.(io.ReaderAt)
	if !ok {
		return nil, errNoParquet
	}
	number := 0
	for row, err := range r.o.Parquet(at, size) {
		number++
		if err == nil {
			err = r.ctx.Err()
		}
		var record Record
		if err == nil {
			record, err = recordOf(row)
		}
		if err == nil {
			lines, err = appendLine(lines, record)
		}
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", number, err)
		}
	}
	r.done += size
	return lines, nil
}

// recordOf returns the record that a row was made from.
func recordOf(row json.RawMessage) (Record, error) {
	var in struct {
		Record

		Messages []Turn `json:"messages"`
		Rejected []Turn `json:"rejected"`
		Exact    string `json:"exact"`
	}
	if err := json.Unmarshal(row, &in); err != nil {
		return Record{}, err
	}
	if in.Exact != "" {
		var exact exactChat
		if err := json.Unmarshal([]byte(in.Exact), &exact); err != nil {
			return Record{}, fmt.Errorf("exact: %w", err)
		}
		in.Record.Messages, in.Tools, in.Record.Rejected = exact.Messages, exact.Tools, exact.Rejected
		return in.Record, nil
	}
	var err error
	if in.Record.Messages, err = messages(in.Messages); err != nil {
		return Record{}, err
	}
	in.Record.Rejected, err = messages(in.Rejected)
	return in.Record, err
}

func messages(turns []Turn) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for _, t := range turns {
		m, err := t.message()
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}
