package finetune

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/troikaml/troika/job"
)

// Job is a fine-tuning job as OpenAI's API shows it.
type Job struct {
	Object         string            `json:"object"`
	ID             string            `json:"id"`
	Model          string            `json:"model"`
	CreatedAt      int64             `json:"created_at"`
	FinishedAt     *int64            `json:"finished_at"`
	FineTunedModel *string           `json:"fine_tuned_model"`
	OrganizationID string            `json:"organization_id"`
	ResultFiles    []string          `json:"result_files"`
	Status         string            `json:"status"`
	StatusDetails  *string           `json:"status_details"` // ours: why it is paused
	ValidationFile *string           `json:"validation_file"`
	TrainingFile   string            `json:"training_file"`
	Hyper          hyper             `json:"hyperparameters"`
	Method         methodBody        `json:"method"`
	TrainedTokens  *int64            `json:"trained_tokens"`
	Error          *errorBody        `json:"error"`
	Suffix         *string           `json:"user_provided_suffix"`
	Seed           int64             `json:"seed"`
	Estimated      *int64            `json:"estimated_finish"`
	Integrations   json.RawMessage   `json:"integrations"`
	Metadata       map[string]string `json:"metadata"`
}

// Event is an event of a job as OpenAI's API shows it.
type Event struct {
	Object    string          `json:"object"`
	ID        string          `json:"id"`
	CreatedAt int64           `json:"created_at"`
	Level     job.Level       `json:"level"`
	Message   string          `json:"message"`
	Type      string          `json:"type"`
	Data      json.RawMessage `json:"data"`
}

// Parts of what is shown.
type (
	methodBody struct {
		Type       string     `json:"type"`
		Supervised *hyperBody `json:"supervised,omitempty"`
		DPO        *hyperBody `json:"dpo,omitempty"`
	}
	hyperBody struct {
		Hyper hyper `json:"hyperparameters"`
	}
	errorBody struct {
		Code    string  `json:"code"`
		Message string  `json:"message"`
		Param   *string `json:"param"`
	}
	checkpointBody struct {
		Object    string         `json:"object"`
		ID        string         `json:"id"`
		CreatedAt int64          `json:"created_at"`
		Name      string         `json:"fine_tuned_model_checkpoint"`
		Step      int            `json:"step_number"`
		JobID     string         `json:"fine_tuning_job_id"`
		Metrics   map[string]any `json:"metrics"`
	}
)

// result is what a job leaves in its record.
type result struct {
	Model      string `json:"model"`
	ResultFile string `json:"result_file"`
	Tokens     int64  `json:"trained_tokens"`
}

// Show returns a job of [Kind] as clients see it at a moment.
func Show(j job.Job, now time.Time) (Job, error) {
	r, err := recipeOf(j)
	if err != nil {
		return Job{}, err
	}
	b := Job{
		Object: "fine_tuning.job", ID: IDPrefix + j.ID, Model: r.Base, CreatedAt: j.CreatedAt.Unix(),
		OrganizationID: "org-" + r.Org, ResultFiles: []string{}, Status: string(j.State),
		ValidationFile: orNull(r.ValidationFile), TrainingFile: r.TrainingFile, Hyper: r.Hyper,
		Suffix: orNull(r.Suffix), Seed: r.Seed, Integrations: r.Integrations, Metadata: r.Metadata,
	}
	if r.Method == methodDPO {
		b.Method = methodBody{Type: methodDPO, DPO: &hyperBody{r.Hyper}}
	} else {
		b.Method = methodBody{Type: methodSupervised, Supervised: &hyperBody{r.Hyper}}
	}
	if len(b.Integrations) == 0 {
		b.Integrations = json.RawMessage("[]")
	}
	switch j.State {
	case job.Failed:
		b.Error = &errorBody{Code: j.Code, Message: j.Reason}
	case job.Running:
		b.Estimated = estimate(j, now)
	case job.Queued:
		b.Estimated, b.StatusDetails = estimate(j, now), orNull(j.Reason)
	case job.Succeeded:
		var made result
		if err := json.Unmarshal(j.Result, &made); err != nil {
			return Job{}, fmt.Errorf("result of job %s: %w", j.ID, err)
		}
		b.FineTunedModel, b.ResultFiles, b.TrainedTokens = &made.Model, []string{made.ResultFile}, &made.Tokens
	default:
		b.StatusDetails = orNull(j.Reason)
	}
	if !j.FinishedAt.IsZero() {
		at := j.FinishedAt.Unix()
		b.FinishedAt = &at
	}
	return b, nil
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// estimate tells when a job will be over, nil where nothing says it. What is left takes
// as long as what was done under the newest lease says: a job may have waited before.
// Until a step is done, the plan says it, and for a queued job as if it began now.
func estimate(j job.Job, now time.Time) *int64 {
	p, from := j.Progress, now
	left := float64(j.Spec.Needs.Seconds) // 0: not known
	if p.Total > 0 {
		left *= float64(p.Total-p.Done) / float64(p.Total)
	}
	known := j.Spec.Needs.Seconds > 0
	if j.State == job.Running {
		if done := p.Done - j.Lease.Done; done > 0 {
			left, known = now.Sub(j.Lease.Began).Seconds()/float64(done)*float64(p.Total-p.Done), true
		} else {
			from = j.Lease.Began
		}
	}
	if !known || p.Total < p.Done {
		return nil
	}
	at := max(from.Add(time.Duration(left*float64(time.Second))).Unix(), now.Unix())
	return &at
}

const eventPrefix = "ftevent-"

// ShowEvent returns an event of a job as clients see it. Kinds that OpenAI does not
// have are messages.
func ShowEvent(id string, e job.Event) Event {
	b := Event{
		Object: "fine_tuning.job.event", ID: fmt.Sprintf("%s%s-%d", eventPrefix, id, e.Number), CreatedAt: e.At.Unix(),
		Level: e.Level, Message: e.Message, Type: job.KindMessage, Data: e.Data,
	}
	if e.Kind == job.KindMetrics {
		b.Type = job.KindMetrics
	}
	return b
}

// Checkpoint is a model that a job left at a step; the last is the tuned model.
type Checkpoint struct {
	Number    int64     `json:"-"` // of its event
	Created   time.Time `json:"-"`
	Step      int       `json:"step"`
	Name      string    `json:"name"`
	TrainLoss float64   `json:"train_loss"`
	ValidLoss *float64  `json:"valid_loss,omitempty"`
}

// checkpointKind is the kind of the events that tell of checkpoints; their data is a
// Checkpoint.
const checkpointKind = "checkpoint"

func checkpointOf(e job.Event) (Checkpoint, error) {
	c := Checkpoint{Number: e.Number, Created: e.At}
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return c, fmt.Errorf("event %d: %w", e.Number, err)
	}
	return c, nil
}

const checkpointPrefix = "ftckpt_"

func (c Checkpoint) body(id string) checkpointBody {
	metrics := map[string]any{"step": c.Step, "train_loss": c.TrainLoss}
	if c.ValidLoss != nil {
		metrics["full_valid_loss"] = *c.ValidLoss
	}
	return checkpointBody{
		Object: "fine_tuning.job.checkpoint", ID: fmt.Sprintf("%s%s_%d", checkpointPrefix, id, c.Number),
		CreatedAt: c.Created.Unix(), Name: c.Name, Step: c.Step, JobID: IDPrefix + id, Metrics: metrics,
	}
}
