package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/train"
)

// plainText is text as a model sees it.
type plainText struct {
	documents, tokens int // tokens that are predicted
	pieces            []train.Sequence
	of                []int // the document of each piece
}

// readText reads JSON lines of text for a session's model, cut to its context.
func readText(s *session, name string) (*plainText, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	docs, err := train.ReadText(f, name, nil)
	if err != nil {
		return nil, err
	}
	return s.text(docs, name)
}

// text cuts texts to the context of a session's model. Those of fewer than two tokens,
// which predict nothing, are left out.
func (s *session) text(docs []train.Text, name string) (*plainText, error) {
	t := &plainText{}
	for _, d := range docs {
		pieces := train.Labelled(s.bundle.Tokenizer.EncodeOrdinary(d.Text), d.Name).Pieces(min(s.bundle.Facts.MaxPositions, lossTokens))
		for _, p := range pieces {
			t.tokens += len(p.Tokens) - 1
			t.of = append(t.of, t.documents)
		}
		if len(pieces) > 0 {
			t.documents++
		}
		t.pieces = append(t.pieces, pieces...)
	}
	if t.tokens == 0 {
		return nil, fmt.Errorf("%s: no text of two tokens or more", name)
	}
	return t, nil
}

// evalText measures the perplexity of the texts in a file.
func (a *app) evalText(s *session, name string) error {
	text, err := readText(s, name)
	if err != nil {
		return err
	}
	return a.showText(s, text, name)
}

// showText measures the perplexity of text, of a tuned model beside its base.
func (a *app) showText(s *session, text *plainText, name string) error {
	base, err := s.textLosses(text, nn.NoAdapter)
	if err != nil {
		return err
	}
	var tuned []eval.TextLoss
	shown := base
	if s.lora != nil {
		if tuned, err = s.textLosses(text, 0); err != nil {
			return err
		}
		shown = tuned
	}
	sheet, err := eval.CompareTexts(base, tuned, resampling)
	if err != nil {
		return err
	}
	var loss float64
	for _, one := range shown {
		loss += one.Loss
	}
	loss /= float64(text.tokens)
	if a.JSON {
		return a.WriteJSON(map[string]any{
			"perplexity": math.Exp(loss), "loss": loss, "tokens": text.tokens, "documents": text.documents, "comparison": sheet,
		})
	}
	if _, err := fmt.Fprintf(a.Out, "perplexity %.3f over %d tokens of %s\n", math.Exp(loss), text.tokens, filepath.Base(name)); err != nil {
		return err
	}
	if tuned == nil {
		return nil
	}
	if _, err := fmt.Fprintln(a.Out); err != nil {
		return err
	}
	return sheet.WriteTable(a.Out)
}

// textLosses returns what the model in a slot makes of each document.
func (s *session) textLosses(text *plainText, slot int32) ([]eval.TextLoss, error) {
	defer s.put(slot)()
	found, err := train.Likelihoods(s.dev, s.model, text.pieces, lossTokens)
	if err != nil {
		return nil, err
	}
	out := make([]eval.TextLoss, text.documents)
	for i, one := range found {
		out[text.of[i]].Loss += one.Loss
		out[text.of[i]].Tokens += float64(len(text.pieces[i].Tokens) - 1)
	}
	return out, nil
}

// evalGiven measures what a model makes of texts and preferences.
func (a *app) evalGiven(s *session, data *testData, o evalOptions) error {
	what := "preferences"
	if data.text != nil {
		what = "texts without a question"
	}
	for name, set := range map[string]bool{
		"by": o.by != "", "confusion": o.confusion, "general": o.general != "", "html": o.html != "",
		"translation": o.translation != "", "max-tokens": o.maxTokens != 0, "labels": o.labels,
		"calibration": o.calibration, "judge-model": o.judge.model != "",
	} {
		if set {
			return usagef("--%s: %s has %s, of which nothing is answered", name, o.data, what)
		}
	}
	if data.text != nil {
		text, err := s.text(data.text, o.data)
		if err != nil {
			return err
		}
		return a.showText(s, text, o.data)
	}
	var pairs []train.Sequence
	for _, e := range data.examples {
		pair, err := train.FromPreference(s.bundle, e)
		if err != nil {
			return err
		}
		pairs = append(pairs, pair...)
	}
	if err := s.fits(pairs); err != nil {
		return err
	}
	base, err := a.margins(s, s.ref.Base, pairs, nn.NoAdapter)
	if err != nil {
		return err
	}
	var tuned []float64
	if s.lora != nil {
		if tuned, err = a.margins(s, s.ref.Name, pairs, 0); err != nil {
			return err
		}
	}
	sheet, err := eval.ComparePreferences(base, tuned, resampling)
	if err != nil {
		return err
	}
	sheet.Dataset = data.digest.String()
	if a.JSON {
		return a.WriteJSON(sheet)
	}
	return sheet.WriteTable(a.Out)
}

// margins asks the model in a slot about pairs of answers.
func (a *app) margins(s *session, name string, pairs []train.Sequence, slot int32) ([]float64, error) {
	defer s.put(slot)()
	bar := a.Progress.Bar("evaluate "+name, int64(len(pairs)/2), term.Items("preferences"))
	defer bar.Abort()
	out, err := train.Margins(s.dev, s.model, pairs, lossTokens, func(done int) { bar.Set(int64(done)) })
	if err == nil {
		bar.Done()
	}
	return out, err
}
