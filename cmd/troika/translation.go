package main

import (
	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/eval/translation"
)

// translations are the answers of several models, first to last, under each measure.
type translations struct {
	names   []string
	corpora [][]*translation.Corpus // by measure, then by model
}

// measure adds the scores of a model's answers to its result. What is counted for labels
// says nothing of translations and is taken off.
func (t *translations) measure(res *eval.Result, words translation.Tokenizer, answers []string, gold []eval.Example) error {
	references := make([]string, len(gold))
	for i, e := range gold {
		references[i] = e.Label
	}
	bleu, err := translation.BLEU(words, answers, references)
	if err != nil {
		return err
	}
	chrf, err := translation.ChrF(answers, references)
	if err != nil {
		return err
	}
	if t.names == nil {
		t.names, t.corpora = []string{"BLEU", "chrF++"}, make([][]*translation.Corpus, 2)
	}
	for i, c := range []*translation.Corpus{bleu, chrf} {
		t.corpora[i] = append(t.corpora[i], c)
		e, err := eval.Bootstrap(c.Len(), c.Statistic(), resampling)
		if err != nil {
			return err
		}
		res.Scores = append(res.Scores, eval.Scored{Name: t.names[i], Value: e.Value, CI: e.Interval})
	}
	res.Labels, res.Confusion, res.NotALabel = nil, nil, 0
	return nil
}

// gains compares the last model with the first by each measure.
func (t *translations) gains() ([]eval.Gain, error) {
	var out []eval.Gain
	for i, c := range t.corpora {
		d, err := eval.Paired(c[0].Len(), c[0].Statistic(), c[len(c)-1].Statistic(), resampling)
		if err != nil {
			return nil, err
		}
		out = append(out, eval.Gain{Name: t.names[i], Difference: d})
	}
	return out, nil
}
