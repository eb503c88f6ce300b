package finetune

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/serve"
)

// request is the body of POST /v1/fine_tuning/jobs.
type request struct {
	Model          string            `json:"model"`
	TrainingFile   string            `json:"training_file"`
	ValidationFile string            `json:"validation_file"`
	Suffix         string            `json:"suffix"`
	Seed           *int64            `json:"seed"`
	Metadata       map[string]string `json:"metadata"`
	Integrations   []json.RawMessage `json:"integrations"`
	Hyper          askedHyper        `json:"hyperparameters"`
	Method         *struct {
		Type       string `json:"type"`
		Supervised *struct {
			Hyper askedHyper `json:"hyperparameters"`
		} `json:"supervised"`
		DPO *struct {
			Hyper askedHyper `json:"hyperparameters"`
		} `json:"dpo"`
		Reinforcement json.RawMessage `json:"reinforcement"`
	} `json:"method"`

	key string // of the submission: what makes a request that is sent twice one job
}

// suffixRule is what may stand in a model's name without being taken for another part
// of it.
var suffixRule = regexp.MustCompile(`^[A-Za-z0-9._-]{0,64}$`)

// Limits of metadata, as OpenAI has them.
const (
	maxPairs = 16
	maxKey   = 64
	maxValue = 512
)

// check refuses what needs no look at files, and returns the hyperparameters.
func (r *request) check() (askedHyper, error) {
	switch {
	case r.Model == "":
		return askedHyper{}, badParam("model", "You must provide a model parameter.")
	case r.TrainingFile == "":
		return askedHyper{}, badParam("training_file", "You must provide a training_file parameter.")
	case r.ValidationFile == r.TrainingFile:
		return askedHyper{}, badParam("validation_file", "The validation file is the training file: it would measure what was learned by heart.")
	case !suffixRule.MatchString(r.Suffix):
		return askedHyper{}, badParam("suffix", "Invalid 'suffix': %.80q is not made of letters, digits, dots, dashes and underscores, at most 64.", r.Suffix)
	case len(r.Metadata) > maxPairs:
		return askedHyper{}, badParam("metadata", "Invalid 'metadata': %d pairs, at most %d are kept.", len(r.Metadata), maxPairs)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Metadata)) {
		if len(k) > maxKey || len(r.Metadata[k]) > maxValue {
			return askedHyper{}, badParam("metadata", "Invalid 'metadata': %.80q is over %d bytes, or its value over %d.", k, maxKey, maxValue)
		}
	}
	asked, err := r.hyper()
	if err != nil {
		return asked, err
	}
	return asked, asked.check(r.method())
}

// method returns the method by name; what it may be, hyper has checked.
func (r *request) method() string {
	if r.Method == nil {
		return methodSupervised
	}
	return r.Method.Type
}

// hyper returns the hyperparameters of the method, or the older ones beside it.
func (r *request) hyper() (askedHyper, error) {
	if r.Method == nil {
		return r.Hyper, nil
	}
	var within askedHyper
	switch r.Method.Type {
	case methodSupervised:
		if s := r.Method.Supervised; s != nil {
			within = s.Hyper
		}
	case methodDPO:
		if d := r.Method.DPO; d != nil {
			within = d.Hyper
		}
	case "reinforcement":
		return askedHyper{}, serve.Refuse(http.StatusBadRequest, "unsupported_value", "method.type",
			"The method %q is not offered: \"supervised\" and \"dpo\" are.", r.Method.Type)
	default:
		return askedHyper{}, badParam("method.type", "Invalid 'method.type': %.40q is no method: \"supervised\" and \"dpo\" are.", r.Method.Type)
	}
	if !within.given() {
		return r.Hyper, nil
	}
	if r.Hyper.given() {
		return askedHyper{}, badParam("hyperparameters", "'hyperparameters' stand both beside 'method' and within it.")
	}
	return within, nil
}

// create checks a request and its files, keeps them as a dataset version, and submits
// the job.
func (s *Service) create(ctx context.Context, req *request, party string) (job.Job, error) {
	asked, err := req.check()
	if err != nil {
		return job.Job{}, err
	}
	b, _, err := s.base(req.Model)
	if errors.Is(err, fs.ErrNotExist) {
		return job.Job{}, serve.Refuse(http.StatusNotFound, "model_not_found", "model", "The model '%.200s' cannot be tuned: %v.", req.Model, err)
	}
	if err != nil {
		return job.Job{}, err
	}
	if !b.bundle.HasTemplate() {
		return job.Job{}, badParam("model", "The model '%.200s' has no chat template and cannot learn conversations.", req.Model)
	}
	s.checking.Lock()
	defer s.checking.Unlock()
	training, validation, err := s.check(ctx, req, b)
	if err != nil {
		return job.Job{}, err
	}
	splits := map[string][]dataset.Example{dataset.Train: training.examples}
	if validation != nil {
		splits[dataset.Validation] = validation.examples
	}
	version, err := dataset.FromChats(splits)
	if err != nil {
		return job.Job{}, err
	}
	if _, err := s.o.Datasets.Add(ctx, req.TrainingFile, version); err != nil {
		return job.Job{}, err
	}
	r := recipe{
		Base: req.Model, Org: s.o.Org, Suffix: req.Suffix, TrainingFile: req.TrainingFile, ValidationFile: req.ValidationFile,
		Seed: req.seed(), Metadata: req.Metadata, Method: req.method(),
	}
	if len(req.Integrations) > 0 {
		if r.Integrations, err = json.Marshal(req.Integrations); err != nil {
			return job.Job{}, err
		}
	}
	r.resolve(asked, training.counts)
	plan, err := s.plan(ctx, b, r, training, validation)
	if err != nil {
		return job.Job{}, err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return job.Job{}, err
	}
	spec := job.Spec{
		Kind: Kind, Recipe: text, Inputs: []troika.Digest{version.Digest(), b.digest},
		Use: job.Use{Purpose: "train", Party: party}, Needs: plan.needs(),
	}
	events := report(r, training, validation)
	if plan != nil {
		events = append(events, plan.event(s.o.Price))
	}
	j, err := s.o.Jobs.Submit(ctx, req.key, spec, events...)
	if errors.Is(err, job.ErrConflict) {
		return job.Job{}, serve.Refuse(http.StatusConflict, "idempotency_conflict", "", "Another job was made under this Idempotency-Key.")
	}
	return j, err
}

// seed returns the seed that was asked for, or one of our own: for a request that has a
// key, the same whenever it is sent.
func (r *request) seed() int64 {
	if r.Seed != nil {
		return *r.Seed
	}
	text := r.key
	if text == "" {
		text = rand.Text()
	}
	sum := sha256.Sum256([]byte(text))
	return int64(binary.LittleEndian.Uint32(sum[:]) >> 1)
}

// check reads the files of a request. Bad lines of both are told at once.
func (s *Service) check(ctx context.Context, req *request, b *base) (training, validation *checked, err error) {
	read := func(id, param string) (*checked, error) {
		f, err := s.o.Files.Get(ctx, id)
		if notFound(err) {
			return nil, badParam(param, "invalid %s: No such File object: %.80s", param, id)
		}
		if err == nil {
			err = checkPurpose(f, param)
		}
		if err != nil {
			return nil, err
		}
		return s.checkFile(ctx, id, b.bundle, rendering(req.method()))
	}
	if training, err = read(req.TrainingFile, "training_file"); err != nil {
		return nil, nil, err
	}
	if err := refuse("training_file", req.TrainingFile, "invalid_training_file", training.bad); err != nil {
		return nil, nil, err
	}
	if req.ValidationFile == "" {
		return training, nil, nil
	}
	if validation, err = read(req.ValidationFile, "validation_file"); err != nil {
		return nil, nil, err
	}
	bad := append(validation.bad, validation.overlap(training)...)
	return training, validation, refuse("validation_file", req.ValidationFile, "invalid_validation_file", bad)
}

// report returns the first events of a job: what it will do.
func report(r recipe, training, validation *checked) []job.Event {
	say := func(format string, args ...any) job.Event { return job.Event{Message: fmt.Sprintf(format, args...)} }
	events := []job.Event{fileEvent("Training", r.TrainingFile, training)}
	if validation != nil {
		events = append(events, fileEvent("Validation", r.ValidationFile, validation))
	}
	for _, c := range []*checked{training, validation} {
		if c != nil && len(c.repeated) > 0 {
			events = append(events, repeats(c))
		}
	}
	plan := say("%d epochs in steps of %d examples: %d steps over %d tokens, seed %d",
		r.Hyper.NEpochs, r.Hyper.BatchSize, r.Train.Steps, r.Tokens*int64(r.Hyper.NEpochs), r.Seed)
	events = append(events, plan)
	var integrations []struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(r.Integrations, &integrations) // anything is accepted, and nothing is done with it
	for _, i := range integrations {
		e := say("The integration %.40q is accepted and does nothing: metrics stay on this server.", i.Type)
		e.Level = job.LevelWarn
		events = append(events, e)
	}
	return events
}

// fileEvent tells what a file comes to.
func fileEvent(what, id string, c *checked) job.Event {
	data, err := json.Marshal(map[string]any{
		"file": id, "examples": c.counts.examples, "tokens": c.counts.tokens, "learned_tokens": c.counts.learned,
	})
	if err != nil { // only for values that this package builds
		data = nil
	}
	return job.Event{
		Message: fmt.Sprintf("%s file %s: %d examples of %d tokens, %d of them learned", what, id, c.counts.examples, c.counts.tokens, c.counts.learned),
		Data:    data,
	}
}

// repeats warns of examples that stand in a file more than once.
func repeats(c *checked) job.Event {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%d examples repeat another of their file: lines ", len(c.repeated))
	for i, r := range c.repeated[:min(len(c.repeated), shown)] {
		if i > 0 {
			b.WriteString(", ")
		}
		_, _ = fmt.Fprintf(&b, "%d (as %d)", r[1], r[0])
	}
	if len(c.repeated) > shown {
		_, _ = fmt.Fprintf(&b, " and %d more", len(c.repeated)-shown)
	}
	return job.Event{Level: job.LevelWarn, Message: b.String()}
}
