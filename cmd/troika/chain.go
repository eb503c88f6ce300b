package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/eval/page"
	"github.com/troikaml/troika/meter"
	"github.com/troikaml/troika/publish"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/sqlite"
)

// shownRows bounds the rows of a list on a page.
const shownRows = 200

// facts are added to one after another; what is empty is left out.
type facts []page.Fact

func (f *facts) add(name string, value any) {
	if text := fmt.Sprint(value); text != "" {
		*f = append(*f, page.Fact{Name: name, Value: text})
	}
}

// chain tells how a model's answers came about, from the raw sources of the data that
// it was tuned on to the names that it answers under.
func (a *app) chain(ctx context.Context, ref modelRef, report *eval.Report, against string) ([]page.Stage, error) {
	digest, err := ref.digest()
	if err != nil {
		return nil, err
	}
	var stages []page.Stage
	tuned := page.Stage{Name: page.StageAdapter}
	made, err := provenanceOf(ref)
	switch {
	case err != nil:
		return nil, err
	case made == nil:
		tuned.Note = page.NoteUnknown
	default:
		if stages, err = a.dataStages(ctx, made.Dataset); err != nil {
			return nil, err
		}
	}
	if tuned.Facts, err = modelFacts(ref, digest, made); err != nil {
		return nil, err
	}
	measured := facts{}
	measured.add("test examples", report.Dataset)
	measured.add("examples", cmp.Or(report.Tuned, report.Base).Examples)
	measured.add("compared with", against)
	for _, row := range report.Rows() {
		measured.add(row.Name, "accuracy "+row.Accuracy+", macro-F1 "+row.MacroF1)
	}
	measured.add("measured by", "troika "+buildVersion())
	stages = append(stages, tuned, page.Stage{Name: page.StageEvaluation, Facts: measured})
	served, err := a.servedStages(ctx, ref.Name, digest)
	return append(stages, served...), err
}

// provenanceOf returns what a model says that it was made from; nil where it says nothing.
func provenanceOf(ref modelRef) (*provenance, error) {
	if ref.Adapter == "" {
		return nil, nil //nolint:nilnil // nothing is said, which is no mistake
	}
	made, err := readProvenance(ref.Adapter)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // made elsewhere
	}
	return made, err
}

// modelFacts tell what a model is and how it was trained.
func modelFacts(ref modelRef, digest troika.Digest, made *provenance) ([]page.Fact, error) {
	f := facts{}
	f.add("model", ref.Name)
	if ref.Adapter == "" {
		f.add("base digest", digest)
		return f, nil
	}
	f.add("adapter", digest)
	f.add("base", ref.Base)
	if made == nil {
		return f, nil
	}
	recipe, err := json.Marshal(struct {
		Adapter any     `json:"adapter"`
		Train   any     `json:"train"`
		Beta    float64 `json:"beta,omitempty"`
	}{made.Adapter, made.Train, made.Beta})
	if err != nil {
		return nil, err
	}
	f.add("base digest", made.BaseSHA)
	f.add("training data", made.Dataset)
	f.add("instruction", made.Instruction)
	f.add("recipe", string(recipe))
	f.add("seed", made.Train.Seed)
	f.add("job", made.Job)
	if made.Step > 0 {
		f.add("checkpoint of step", made.Step)
	}
	f.add("trained by", "troika "+made.Version)
	return f, nil
}

// dataStages tell how a dataset version came about.
func (a *app) dataStages(ctx context.Context, digest troika.Digest) ([]page.Stage, error) {
	version := page.Stage{Name: page.StageDataset}
	about := facts{}
	var v *dataset.Version
	err := a.withDatasets(ctx, func(datasets *dataset.Store) error {
		e, err := datasets.Find(ctx, digest.String())
		if err != nil {
			return err
		}
		about.add("name", e.Ref())
		v, err = datasets.Open(ctx, digest.String())
		return err
	})
	about.add("digest", digest)
	if errors.Is(err, store.ErrNotFound) {
		version.Facts, version.Note = about, page.NoteAway
		return []page.Stage{version}, nil
	}
	if err != nil {
		return nil, err
	}
	m := v.Manifest()
	if c := m.Card; c != nil {
		about.add("title", c.Title)
		about.add("licence", c.Licence)
		about.add("languages", strings.Join(c.Languages, ", "))
		about.add("personal data", strings.TrimSpace(c.PII+" "+counted(c.PIICounts)))
	}
	var records []string
	for _, s := range m.Splits {
		records = append(records, fmt.Sprintf("%s %d", s.Name, s.Records))
	}
	about.add("records", strings.Join(records, ", "))
	about.add("dropped", counted(m.Dropped))
	about.add("labels", strings.Join(m.Labels, ", "))
	about.add("clusters", m.Clusters)
	var all []dataset.Record
	for _, split := range dataset.Splits() {
		all = append(all, v.Split(split)...)
	}
	card := dataset.Card{}
	if m.Card != nil {
		card = *m.Card
	}
	version.Facts, version.Lists = about, append(tally(card, all), documents(v.Outcomes(), card, all))
	steps := page.Stage{Name: page.StageSteps}
	for _, s := range m.Recipe {
		params, err := json.Marshal(s.Params)
		if err != nil {
			return nil, err
		}
		steps.Facts = append(steps.Facts, page.Fact{Name: s.Name, Value: strings.TrimPrefix(string(params), "null")})
	}
	return []page.Stage{sources(v), steps, version}, nil
}

// sources tells what the documents of a version were read from.
func sources(v *dataset.Version) page.Stage {
	m := v.Manifest()
	stage := page.Stage{Name: page.StageSources}
	f := facts{}
	for i, s := range m.Sources {
		f.add("source", s.Name+" ("+s.Kind+")")
		f.add("digest", s.Digest)
		if s.Recipe != "" {
			f.add("recipe", strings.TrimSpace(s.Recipe+" "+s.RecipeVersion))
			f.add("recipe digest", s.RecipeDigest)
		}
		f.add("counts", counted(s.Counts))
		inputs := v.Inputs(i)
		if len(inputs) == 0 {
			continue
		}
		l := page.List{Name: "raw files", Columns: []string{"name", "digest", "bytes", "documents", "failed"}, All: len(inputs)}
		for _, in := range inputs[:min(len(inputs), shownRows)] {
			row := []string{in.Name, "", "", fmt.Sprint(in.Documents), ""}
			if !in.Digest.IsZero() {
				row[1] = in.Digest.String()
			}
			if in.Bytes > 0 {
				row[2] = fmt.Sprint(in.Bytes)
			}
			if in.Failed > 0 {
				row[4] = fmt.Sprint(in.Failed)
			}
			l.Rows = append(l.Rows, row)
		}
		stage.Lists = append(stage.Lists, l)
	}
	if c := m.Card; c != nil {
		f.add("licence", c.Licence)
		f.add("creator", c.Creator)
		f.add("provenance", c.Provenance)
		f.add("address", c.URL)
	}
	stage.Facts = f
	return stage
}

// noLicence stands where neither a record nor the card names one, as in SPDX.
const noLicence = "NOASSERTION"

// licenceOf returns the licence of a record, which is the card's where the record does
// not say, and whether it is.
func licenceOf(card dataset.Card, r *dataset.Record) (licence string, fromCard bool) {
	if r.Licence != "" {
		return r.Licence, false
	}
	return cmp.Or(card.Licence, noLicence), card.Licence != ""
}

// tally lists under which licences records are, of all and by the files that they come
// from; those of the most records first.
func tally(card dataset.Card, records []dataset.Record) []page.List {
	type origin struct{ file, licence string }
	type sum struct{ files, records, fromCard int }
	all, files := map[origin]sum{}, map[origin]sum{} // in all the file is empty
	for i := range records {
		licence, fromCard := licenceOf(card, &records[i])
		of := origin{fileOf(records[i].Source), licence}
		file, total := files[of], all[origin{licence: licence}]
		if file.records == 0 {
			total.files++
		}
		file.records++
		total.records++
		if fromCard {
			file.fromCard++
			total.fromCard++
		}
		files[of], all[origin{licence: licence}] = file, total
	}
	sorted := func(sums map[origin]sum) []origin {
		return slices.SortedFunc(maps.Keys(sums), func(a, b origin) int {
			return cmp.Or(sums[b].records-sums[a].records, strings.Compare(a.licence, b.licence), strings.Compare(a.file, b.file))
		})
	}
	total := page.List{Name: "licences", Columns: []string{"licence", "source files", "records", "by the card"}, All: len(all)}
	for _, of := range sorted(all)[:min(len(all), shownRows)] {
		s := all[of]
		total.Rows = append(total.Rows, []string{of.licence, fmt.Sprint(s.files), fmt.Sprint(s.records), fmt.Sprint(s.fromCard)})
	}
	each := page.List{Name: "licences by source file", Columns: []string{"source", "licence", "records", "by the card"}, All: len(files)}
	for _, of := range sorted(files)[:min(len(files), shownRows)] {
		s := files[of]
		each.Rows = append(each.Rows, []string{of.file, of.licence, fmt.Sprint(s.records), fmt.Sprint(s.fromCard)})
	}
	return []page.List{total, each}
}

// fileOf returns the raw file of a source, which names a member or row of it behind a #,
// or a line behind a colon.
func fileOf(source string) string {
	file, _, _ := strings.Cut(source, "#")
	if at := strings.LastIndexByte(file, ':'); at > 0 && at < len(file)-1 && strings.Trim(file[at+1:], "0123456789") == "" {
		file = file[:at]
	}
	return file
}

// documents lists the raw documents of a version, what became of each and under which
// licence those are that became records.
func documents(outcomes []dataset.Outcome, card dataset.Card, records []dataset.Record) page.List {
	l := page.List{Name: "documents", Columns: []string{"name", "source", "raw digest", "became", "licence"}, All: len(outcomes)}
	under := map[string]string{}
	for _, o := range outcomes[:min(len(outcomes), shownRows)] {
		under[o.ID] = ""
	}
	for i := range records {
		if _, shown := under[records[i].ID]; shown {
			under[records[i].ID], _ = licenceOf(card, &records[i])
		}
	}
	for _, o := range outcomes[:min(len(outcomes), shownRows)] {
		row := []string{o.ID, o.Source, "", o.Split, under[o.ID]}
		if !o.Raw.IsZero() {
			row[2] = o.Raw.String()
		}
		if o.Dropped != "" {
			row[3] = strings.TrimSpace(o.Dropped + " " + o.Of)
		}
		l.Rows = append(l.Rows, row)
	}
	return l
}

// counted writes counts by name.
func counted[N int | int64](counts map[string]N) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(parts, ", ")
}

// servedStages tell under which names a model was put, and how its answers lead back to it.
func (a *app) servedStages(ctx context.Context, name string, digest troika.Digest) ([]page.Stage, error) {
	published, answers := page.Stage{Name: page.StagePublished}, page.Stage{Name: page.StageAnswers, Note: page.NoteAnswers}
	home, err := a.Home()
	if err != nil {
		return nil, err
	}
	f := facts{}
	f.add("model", name)
	if exists(filepath.Join(home, databaseFile)) { // looking makes no record
		db, err := sqlite.Open(ctx, filepath.Join(home, databaseFile))
		if err != nil {
			return nil, err
		}
		defer db.Close() //nolint:errcheck // only read
		if published.Facts, err = releaseFacts(ctx, db, digest); err != nil {
			return nil, err
		}
		uses, err := meter.Open(ctx, db)
		if err != nil {
			return nil, err
		}
		sum, err := uses.Sum(ctx, meter.Query{Model: name})
		if err != nil {
			return nil, err
		}
		if len(published.Facts) > 0 {
			f.add("fingerprint", serve.ReleaseFingerprint(digest))
		}
		f.add("requests metered", sum.Events)
		f.add("prompt tokens", sum.PromptTokens)
		f.add("completion tokens", sum.CompletionTokens)
	}
	answers.Facts = f
	if len(published.Facts) == 0 {
		published.Note = page.NoteUnpublished
	}
	return []page.Stage{published, answers}, nil
}

// releaseFacts tell of the releases that a model has, by its digest.
func releaseFacts(ctx context.Context, db *store.DB, digest troika.Digest) ([]page.Fact, error) {
	aliases, err := publish.Open(ctx, db)
	if err != nil {
		return nil, err
	}
	all, err := aliases.List(ctx)
	if err != nil {
		return nil, err
	}
	f := facts{}
	for _, alias := range all {
		releases, err := aliases.Releases(ctx, alias.Name)
		if err != nil {
			return nil, err
		}
		for i := range releases {
			r := &releases[i]
			if r.Digest != digest {
				continue
			}
			state := "replaced"
			switch {
			case alias.Current != nil && alias.Current.Number == r.Number:
				state = "answers"
			case alias.Canary != nil && alias.Canary.Number == r.Number:
				state = "on trial"
			}
			text := fmt.Sprintf("%s, release %d of %s; %s", alias.Name, r.Number, r.Created.Format(time.RFC3339), r.Verdict.Reason())
			if r.Verdict.Forced {
				text += "; forced"
			}
			if r.Verdict.Proof != nil {
				text += "; " + r.Verdict.Proof.String()
			}
			f.add(state, text)
		}
	}
	return f, nil
}
