package recipe

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/text"
	"github.com/troikaml/troika/text/lang"
	"github.com/troikaml/troika/text/script"
)

// languageSettings are those of the step that names the language.
type languageSettings struct {
	// Keep are the languages of which documents stay, all where there are none:
	// zh stands for zh-Hans and zh-Hant too.
	Keep []string
	// MinScore is the least probability of the language, from 0 to 1.
	MinScore float64
	// Model is a supervised fastText model; empty stands for the built-in one.
	Model string
	// Digest of the model is recorded; one that is given must be the file's.
	Digest string
}

// languageStep names the language of a document by its text.
type languageStep struct {
	languageSettings

	model *lang.FastText
}

func newLanguage(s languageSettings, at place) (Part, languageSettings, error) {
	if s.MinScore < 0 || s.MinScore > 1 {
		return Part{}, s, fmt.Errorf("min_score %g: want 0 to 1", s.MinScore)
	}
	if s.Model == "" {
		return Part{Step: languageStep{languageSettings: s}}, s, nil
	}
	digest, model, err := readModel(s.Model, at)
	if err != nil {
		return Part{}, s, err
	}
	if err := pin(&s.Digest, digest, s.Model); err != nil {
		return Part{}, s, err
	}
	return Part{Step: languageStep{s, model}}, s, nil
}

func readModel(name string, at place) (troika.Digest, *lang.FastText, error) {
	folder, err := at.folder(name)
	if err != nil {
		return troika.Digest{}, nil, fmt.Errorf("open model: %w", err)
	}
	one, ok := folder.(only)
	if !ok {
		return troika.Digest{}, nil, fmt.Errorf("open model %s: it is a folder", name)
	}
	b, err := fs.ReadFile(one.FS, one.name)
	if err != nil {
		return troika.Digest{}, nil, fmt.Errorf("open model: %w", err)
	}
	model, err := lang.ReadFastText(strings.NewReader(string(b)))
	if err != nil {
		return troika.Digest{}, nil, fmt.Errorf("open model %s: %w", name, err)
	}
	return troika.Sum(b), model, nil
}

// pin records the digest of a file, or refuses one that is not the recipe's.
func pin(want *string, is troika.Digest, name string) error {
	if *want != "" && *want != is.String() {
		return fmt.Errorf("%s is %s, the recipe wants %s", name, is, *want)
	}
	*want = is.String()
	return nil
}

func (languageStep) Name() string { return "language" }

// Apply implements refine.Step. The reason of a drop names the language.
func (s languageStep) Apply(_ context.Context, d *refine.Document) (refine.Verdict, error) {
	g := s.identify(d.Text)
	if g.Lang != lang.Undetermined {
		d.Lang = g.Lang
	}
	v := refine.Verdict{Scores: map[string]float64{"language": g.Score}}
	switch {
	case len(s.Keep) > 0 && !slices.ContainsFunc(s.Keep, func(k string) bool { return within(g.Lang, k) }):
		v.Drop = &refine.Reason{Rule: "language:" + g.Lang, Value: g.Score, Threshold: s.MinScore}
	case g.Score < s.MinScore:
		v.Drop = &refine.Reason{Rule: "language-score", Value: g.Score, Threshold: s.MinScore}
	}
	return v, nil
}

func (s languageStep) identify(t string) lang.Guess {
	if s.model == nil {
		return lang.Identify(t)
	}
	g := lang.Guess{Lang: lang.Undetermined}
	if best := s.model.Predict(t, 1); len(best) > 0 {
		g = best[0]
	}
	// Models spell zho_Hans or cmn_Hani where BCP 47 has zh-Hans.
	if tag, err := language.Parse(g.Lang); err == nil {
		g.Lang = tag.String()
	}
	g.Score = min(g.Score, 1) // the sum of fastText's goes over it by rounding
	return g
}

// within reports whether a language is another one or one of its kinds.
func within(tag, of string) bool {
	rest, ok := strings.CutPrefix(tag, of)
	return ok && (rest == "" || rest[0] == '-')
}

// scriptSettings are those of the step that tells Simplified from Traditional
// Chinese.
type scriptSettings struct {
	// To converts to simplified or traditional; empty converts nothing.
	To string
	// Only drops documents of the other script: simplified or traditional.
	Only string
	// MaxOther is the share of markers of the other script up to which a
	// document counts as of one.
	MaxOther float64
}

// scriptStep tells the script of Chinese documents, and may convert it.
type scriptStep struct {
	scriptSettings

	convert *script.Converter // nil where nothing is converted
}

const (
	simplified  = "simplified"
	traditional = "traditional"
)

func newScript(s scriptSettings) (refine.Step, error) {
	for _, v := range []string{s.To, s.Only} {
		if v != "" && v != simplified && v != traditional {
			return nil, fmt.Errorf("%q: want %s or %s", v, simplified, traditional)
		}
	}
	if s.To == "" {
		return scriptStep{scriptSettings: s}, nil
	}
	convert, err := script.Load()
	return scriptStep{s, convert}, err
}

func (scriptStep) Name() string { return "chinese-script" }

// Apply implements refine.Step.
func (s scriptStep) Apply(_ context.Context, d *refine.Document) (refine.Verdict, error) {
	hans, hant := script.Count(d.Text)
	if hans+hant == 0 || d.Lang != "" && !within(d.Lang, "zh") {
		return refine.Verdict{}, nil
	}
	share := float64(hant) / float64(hans+hant)
	v := refine.Verdict{Scores: map[string]float64{traditional: share}}
	other := share
	if s.Only == traditional {
		other = 1 - share
	}
	if s.Only != "" && other > s.MaxOther {
		v.Drop = &refine.Reason{Rule: "other-script", Value: other, Threshold: s.MaxOther}
		return v, nil
	}
	d.Lang = "zh-Hans"
	if s.To == traditional || s.To == "" && hant > hans {
		d.Lang = "zh-Hant"
	}
	switch s.To {
	case simplified:
		d.Text, d.Title = s.convert.ToSimplified(d.Text), s.convert.ToSimplified(d.Title)
	case traditional:
		d.Text, d.Title = s.convert.ToTraditional(d.Text), s.convert.ToTraditional(d.Title)
	}
	return v, nil
}

// normalSettings are those of the step that normalises Unicode.
type normalSettings struct {
	// Form is nfc, in which texts come, or nfkc, which makes full-width letters
	// and digits plain.
	Form string
}

type normalStep struct{ normalSettings }

func newNormal(s normalSettings) (refine.Step, error) {
	if s.Form != "nfc" && s.Form != "nfkc" {
		return nil, fmt.Errorf("form %q: want nfc or nfkc", s.Form)
	}
	return normalStep{s}, nil
}

func (normalStep) Name() string { return "normalize" }

// Apply implements refine.Step.
func (s normalStep) Apply(_ context.Context, d *refine.Document) (refine.Verdict, error) {
	if s.Form == "nfkc" {
		d.Text, d.Title = norm.NFKC.String(d.Text), norm.NFKC.String(d.Title)
	}
	d.Text, d.Title = text.Normalize(d.Text), text.Normalize(d.Title)
	return refine.Verdict{}, nil
}
