package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/eval/translation"
	"github.com/troikaml/troika/grammar"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/serve/local"
	"github.com/troikaml/troika/train"
)

type evalOptions struct {
	testSource

	model, text       string
	maxTokens         int
	confusion, labels bool
	calibration       bool
	translation       string
	by, general, html string
	judge             judgeOptions
	kv                kvType
}

func newEvalCmd(a *app) *cobra.Command {
	var o evalOptions
	cmd := &cobra.Command{
		Use:   "eval --model MODEL --data DATA",
		Short: "Measure a model, and a tuned model beside its base",
		Long: `Measure a model, and a tuned model beside its base.

DATA is a file, a folder or a dataset of troika data list, such as faq or faq@2, whose
test split is taken, or --split. It has conversations, or texts with labels, as for
tune; the last assistant message is the right answer. The model answers greedily and an
answer is right when it is equal, but for white space around it; calls of tools are right
when their names and arguments are, in any order of the keys. Accuracy, macro-F1 and
the perplexity of the right answers are shown with 95 % bootstrap intervals; --confusion
adds the confusion matrix. With --labels the models can answer with nothing but the right
answers of the data, as when they are served with a choice of labels.

With --calibration, the answers are labels: the model's probability of each label is
compared with how often it is right, by the expected calibration error, the Brier score
and the log loss.

With --translation, answers are translations and are measured by BLEU and chrF++ as
sacreBLEU does; it names how BLEU cuts words: 13a, zh for Chinese, or none.

Beside a tuned model, its base is measured and the difference is tested on the same
examples (paired bootstrap); examples that the base has right and the tuned model wrong
are listed. --by FIELD breaks both down by a field of the records, such as metadata.shop.
--general TEXT.jsonl measures the perplexity of both on general text: what tuning forgot.
--html FILE writes all that as one page in English and Chinese, with the losses of training,
answers before and after, and the chain from the raw sources of the data to the names that
the model answers under. The language that it opens in is that of $LC_ALL or $LANG.

With --judge and --judge-model, a model behind any OpenAI-compatible API is shown the
answers of the base and the tuned model in both orders, and says which is better; or it
scores each by --judge-rubric. $TROIKA_JUDGE_KEY is the API's key. Its responses are
recorded: the same evaluation runs again without the API, and without --judge.

Of preferences, as for tune --method dpo, is measured how often the better answer is more
probable than the worse one and, beside a tuned model, how often it gained on it.

With --text, JSON lines with a text field, the perplexity of text is measured instead, as
it is of DATA that has texts alone.`,
		Example: `  troika eval --model helpdesk --data test.jsonl
  troika eval --model tickets --data tickets@2
  troika eval --model helpdesk --data test.jsonl --confusion
  troika eval --model tickets --data tickets@2 --labels
  troika eval --model tickets --data tickets@2 --calibration
  troika eval --model helpdesk --data test.jsonl --by metadata.shop
  troika eval --model helpdesk --data test.jsonl --general prose.jsonl
  troika eval --model helpdesk --data test.jsonl --html report.html
  troika eval --model helpdesk --data test.jsonl \
    --judge http://127.0.0.1:8080/v1 --judge-model Qwen3-8B
  troika eval --model english-chinese --data test.jsonl --translation zh
  troika eval --model polite --data preferences.jsonl
  troika eval --model starter --text held-out.jsonl --json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.eval(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.model, "model", "", "model or published name, or folder")
	o.flags(f)
	f.StringVar(&o.text, "text", "", "test text, JSON lines with a text field")
	f.IntVar(&o.maxTokens, "max-tokens", 0, "longest answer in tokens (default: that of the longest right answer)")
	f.BoolVar(&o.confusion, "confusion", false, "show the confusion matrix of the model")
	f.BoolVar(&o.labels, "labels", false, "let the models answer with the labels of the data alone")
	f.BoolVar(&o.calibration, "calibration", false, "measure how far the probabilities of labels can be believed")
	f.StringVar(&o.translation, "translation", "", "measure translations by BLEU and chrF++, with words cut as 13a, zh or none")
	f.StringVar(&o.by, "by", "", "break the results down by this field of the records")
	f.StringVar(&o.general, "general", "", "general text, to see what tuning forgot; JSON lines with a text field")
	o.judge.flags(f)
	f.StringVar(&o.html, "html", "", "write a report to this file, which needs nothing beside it")
	kvFlag(f, &o.kv)
	cmd.MarkFlagsMutuallyExclusive("html", "text")
	cmd.MarkFlagsMutuallyExclusive("kv", "text")
	cmd.MarkFlagsMutuallyExclusive("data", "text")
	cmd.MarkFlagsMutuallyExclusive("judge-model", "text")
	cmd.MarkFlagsMutuallyExclusive("by", "text")
	cmd.MarkFlagsMutuallyExclusive("general", "text")
	cmd.MarkFlagsMutuallyExclusive("translation", "text")
	cmd.MarkFlagsMutuallyExclusive("translation", "confusion")
	cmd.MarkFlagsMutuallyExclusive("labels", "text", "translation")
	cmd.MarkFlagsMutuallyExclusive("translation", "calibration")
	cmd.MarkFlagsMutuallyExclusive("calibration", "text")
	cmd.MarkFlagsOneRequired("data", "text")
	_ = cmd.MarkFlagRequired("model") // the flag above exists
	return cmd
}

func (a *app) eval(ctx context.Context, o evalOptions) error {
	words := translation.Tokenizer(o.translation)
	if words != "" {
		if err := words.Check(); err != nil {
			return usagef("--translation: %v", err)
		}
	}
	s, err := a.openPublished(ctx, o.model)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := o.judge.check(s.lora != nil); err != nil {
		return err
	}
	s.kv = o.kv.dtype
	if o.text != "" {
		return a.evalText(s, o.text)
	}
	data, err := a.testData(ctx, s.ref, o.testSource)
	if err != nil {
		return err
	}
	if data.text != nil || data.preferences() {
		return a.evalGiven(s, data, o)
	}
	m, err := newMeasurement(a, s, data.examples, o.maxTokens)
	if err != nil {
		return err
	}
	m.words, m.data, m.calibrate = words, data, o.calibration
	if o.calibration && len(m.labels) > mostLabels {
		return usagef("--calibration: %d different answers are no labels; want at most %d", len(m.labels), mostLabels)
	}
	if o.labels {
		m.options.Grammar = grammar.Enum(m.labels...)
		if o.maxTokens == 0 { // a label may be spelled byte by byte
			m.options.MaxTokens = 1 + len(slices.MaxFunc(m.labels, func(a, b string) int { return len(a) - len(b) }))
		}
	}
	report := eval.Report{Dataset: data.digest.String()}
	if report.Base, err = m.run(ctx, s.ref.Base, nn.NoAdapter); err != nil {
		return err
	}
	shown := report.Base
	if s.lora != nil {
		if err := m.compare(ctx, &report); err != nil {
			return err
		}
		shown = report.Tuned
	}
	if err := m.details(&report, o); err != nil {
		return err
	}
	if o.judge.model != "" {
		if report.Judgement, err = m.judged(ctx, &o.judge, s.lora != nil); err != nil {
			return err
		}
	}
	if o.html != "" {
		page := sheet{ref: s.ref, report: &report, gold: m.gold, said: m.said, by: o.by}
		if err := a.writePage(ctx, o.html, page); err != nil {
			return err
		}
	}
	if a.JSON {
		return a.WriteJSON(&report)
	}
	if err := a.showReport(&report, o); err != nil {
		return err
	}
	if o.confusion {
		return a.showConfusion(shown.Confusion)
	}
	return nil
}

// compare measures the tuned model beside its base.
func (m *measurement) compare(ctx context.Context, report *eval.Report) (err error) {
	if report.Tuned, err = m.run(ctx, m.s.ref.Name, 0); err != nil {
		return err
	}
	if report.Gain, err = eval.Compare(eval.Accuracy, report.Base, report.Tuned, resampling); err != nil {
		return err
	}
	if report.Gains, err = m.translated.gains(); err != nil || m.words != "" {
		return err // whether a translation is right is no yes or no
	}
	report.Regressions, err = eval.Regressions(m.gold, m.predictions(m.said[0]), m.predictions(m.said[1]))
	return err
}

// details adds what was asked for beside the scores.
func (m *measurement) details(report *eval.Report, o evalOptions) error {
	if o.by != "" {
		values, err := fieldValues(m.data.lines, o.data, o.by)
		if err != nil {
			return err
		}
		if report.Slices, err = eval.Slices(values, report.Base, report.Tuned, resampling); err != nil {
			return err
		}
	}
	if o.general == "" {
		return nil
	}
	if m.s.lora == nil {
		return usagef("--general: %s is a base, which has forgotten nothing; see --text", m.s.ref.Name)
	}
	text, err := readText(m.s, o.general)
	if err != nil {
		return err
	}
	f := &eval.Forgetting{Tokens: text.tokens}
	for _, one := range []struct {
		to   *float64
		slot int32
	}{{&f.Base, nn.NoAdapter}, {&f.Tuned, 0}} {
		loss, err := m.s.loss(text.pieces, one.slot)
		if err != nil {
			return err
		}
		*one.to = math.Exp(loss)
	}
	f.Ratio = f.Tuned / f.Base
	report.Forgetting = f
	return nil
}

// showReport prints the report's tables.
func (a *app) showReport(report *eval.Report, o evalOptions) error {
	if err := report.WriteTable(a.Out); err != nil {
		return err
	}
	if len(report.Slices) > 0 {
		if err := a.showSlices(o.by, report.Slices); err != nil {
			return err
		}
	}
	if f := report.Forgetting; f != nil {
		_, err := fmt.Fprintf(a.Out, "\ngeneral text, %d tokens: perplexity %.3f before tuning, %.3f after, ratio %.3f\n", f.Tokens, f.Base, f.Tuned, f.Ratio)
		if err != nil {
			return err
		}
	}
	if report.Tuned == nil || o.translation != "" {
		return nil
	}
	return a.showRegressions(report.Regressions, report.Tuned.Examples)
}

// measurement puts the same questions to several models.
type measurement struct {
	*app
	s         *session
	data      *testData
	questions []bundle.Conversation
	gold      []eval.Example
	sequences []train.Sequence // of the right answers
	labels    []string
	options   infer.ChatOptions
	said      [][]string // by the models that were measured, first to last

	calibrate bool

	words      translation.Tokenizer // of translations; empty: answers are none
	translated translations
}

func newMeasurement(a *app, s *session, examples []dataset.Example, maxTokens int) (*measurement, error) {
	m := &measurement{app: a, s: s, options: infer.ChatOptions{MaxTokens: maxTokens}}
	longest := 0
	for _, e := range examples {
		last := len(e.Messages) - 1
		for last >= 0 && e.Messages[last].Role != "assistant" {
			last--
		}
		if last < 1 {
			return nil, fmt.Errorf("%s: no question before the answer", e.Name)
		}
		question := bundle.Conversation{Messages: e.Messages[:last], Tools: e.Tools}
		answer, err := m.right(e, last)
		if err != nil {
			return nil, err
		}
		m.questions = append(m.questions, question)
		m.gold = append(m.gold, eval.Example{ID: e.Name, Text: e.Messages[last-1].Content, Label: m.scored(question, answer)})
		longest = max(longest, len(s.bundle.Tokenizer.EncodeOrdinary(answer))+1)
		one := dataset.Example{Name: e.Name, Messages: slices.Clone(e.Messages[:last+1]), Weights: make([]int, last+1), Tools: e.Tools}
		one.Weights[last] = 1
		seqs, err := train.FromChat(s.bundle, one)
		if err != nil {
			return nil, err
		}
		if err := s.fits(seqs); err != nil {
			return nil, err
		}
		m.sequences = append(m.sequences, seqs...)
	}
	if m.options.MaxTokens == 0 {
		m.options.MaxTokens = longest
	}
	m.labels = eval.Labels(m.gold)
	return m, nil
}

// run measures the model in an adapter slot.
func (m *measurement) run(ctx context.Context, name string, slot int32) (*eval.Result, error) {
	answers, err := m.answers(ctx, m.s, name, slot, m.questions, m.options)
	if err != nil {
		return nil, err
	}
	m.said = append(m.said, answers)
	res, err := eval.Score(m.labels, m.gold, m.predictions(answers), resampling)
	if err != nil {
		return nil, err
	}
	loss, err := m.s.loss(m.sequences, slot)
	if err != nil {
		return nil, err
	}
	res.Perplexity = math.Exp(loss)
	if m.calibrate {
		if res.Calibration, err = m.calibration(ctx, name, slot); err != nil {
			return nil, err
		}
	}
	if m.words != "" {
		return res, m.translated.measure(res, m.words, answers, m.gold)
	}
	return res, nil
}

// predictions scores answers without the white space around them.
func predictions(answers []string) []eval.Prediction {
	out := make([]eval.Prediction, len(answers))
	for i, text := range answers {
		out[i] = eval.Prediction{Label: strings.TrimSpace(text), Text: text}
	}
	return out
}

// answers puts questions to a session's model and shows the progress.
func (a *app) answers(ctx context.Context, s *session, name string, slot int32, questions []bundle.Conversation, o infer.ChatOptions) ([]string, error) {
	engine, err := infer.New(s.dev, s.model, infer.Options{Context: s.context(), KV: s.kv})
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	bar := a.Progress.Bar("evaluate "+name, int64(len(questions)), term.Items("documents"))
	defer bar.Abort()
	c := &infer.Chat{Bundle: s.bundle, Engine: engine, Slot: slot, Share: "eval"}
	out, err := eval.Answers(ctx, c, questions, o, func(done int) { bar.Set(int64(done)) })
	if err == nil {
		bar.Done()
	}
	return out, err
}

// context returns the longest sequence that evaluation takes: the cache of a longer
// one costs memory that few need.
func (s *session) context() int { return min(s.bundle.Facts.MaxPositions, local.MaxContext) }

// fits refuses sequences over the context.
func (s *session) fits(seqs []train.Sequence) error {
	for _, q := range seqs {
		if len(q.Tokens) > s.context() {
			return fmt.Errorf("%s: %d tokens are over the model's context of %d", q.Name, len(q.Tokens), s.context())
		}
	}
	return nil
}

// lossTokens is how many tokens of sequences are put to a model at once.
const lossTokens = 2048

// loss returns the mean loss of sequences under the adapter in a slot.
func (s *session) loss(seqs []train.Sequence, slot int32) (float64, error) {
	defer s.put(slot)()
	for _, q := range seqs {
		if len(q.Tokens) > s.bundle.Facts.MaxPositions {
			return 0, fmt.Errorf("%s: %d tokens are over the model's context of %d", q.Name, len(q.Tokens), s.bundle.Facts.MaxPositions)
		}
	}
	return train.Loss(s.dev, s.model, seqs, lossTokens)
}

// put makes a slot the one that losses are computed in, until the function that it
// returns is called.
func (s *session) put(slot int32) func() {
	if slot != nn.NoAdapter || s.lora == nil {
		return func() {}
	}
	s.set.Remove(0)
	return func() { s.set.Add(s.lora) }
}

// showConfusion prints a row for each right label and a column for each answer.
func (a *app) showConfusion(c *eval.Confusion) error {
	columns := []term.Column{{Title: "right \\ answer"}}
	for _, l := range c.Labels {
		columns = append(columns, term.Column{Title: l, Align: term.Right})
	}
	columns = append(columns, term.Column{Title: "other", Align: term.Right})
	t := term.NewTable(columns...)
	for i, l := range c.Labels {
		row := []string{l}
		for _, n := range c.Counts[i] {
			row = append(row, fmt.Sprint(n))
		}
		t.Row(row...)
	}
	_, err := fmt.Fprint(a.Out, "\n", t.String())
	return err
}
