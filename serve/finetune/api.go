package finetune

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/serve"
)

// Routes returns the endpoints. Streams of events end when stopping is closed.
func (s *Service) Routes(stopping <-chan struct{}) []serve.Route {
	const jobs = "/v1/fine_tuning/jobs"
	get := func(path string, do func(*serve.Call) error) serve.Route {
		return serve.Route{Method: http.MethodGet, Pattern: jobs + path, Serve: do}
	}
	change := func(path, verb string, do func(context.Context, string, string) (job.Job, error)) serve.Route {
		return serve.Route{Method: http.MethodPost, Pattern: jobs + "/{id}/" + path, Serve: func(c *serve.Call) error {
			return s.serveChange(c, verb, do)
		}}
	}
	return []serve.Route{
		{Method: http.MethodPost, Pattern: jobs, Serve: s.serveCreate},
		get("", s.serveList),
		get("/{id}", s.serveGet),
		get("/{id}/events", func(c *serve.Call) error { return s.serveEvents(c, stopping) }),
		get("/{id}/checkpoints", s.serveCheckpoints),
		change("cancel", "cancelled", s.o.Jobs.Cancel),
		change("pause", "paused", s.o.Jobs.Pause),
		change("resume", "resumed", func(ctx context.Context, id, _ string) (job.Job, error) { return s.o.Jobs.Resume(ctx, id) }),
	}
}

// find returns the job that a client means.
func (s *Service) find(ctx context.Context, id string) (job.Job, error) {
	j, err := s.o.Jobs.Get(ctx, strings.TrimPrefix(id, IDPrefix))
	if err == nil && j.Spec.Kind == Kind {
		return j, nil
	}
	if err == nil || notFound(err) {
		return job.Job{}, serve.Refuse(http.StatusNotFound, "fine_tune_not_found", "fine_tune_id", "Could not find fine tune: %.80s", id)
	}
	return job.Job{}, err
}

func (*Service) writeJob(c *serve.Call, j job.Job) error {
	b, err := Show(j, time.Now())
	if err != nil {
		return err
	}
	return c.WriteJSON(b)
}

func (s *Service) serveCreate(c *serve.Call) error {
	var req request
	if err := c.ReadJSON(&req); err != nil {
		return err
	}
	req.key = c.Request.Header.Get("Idempotency-Key")
	j, err := s.create(c.Context(), &req, c.Key())
	if err != nil {
		return err
	}
	return s.writeJob(c, j)
}

func (s *Service) serveGet(c *serve.Call) error {
	j, err := s.find(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return s.writeJob(c, j)
}

func (s *Service) serveChange(c *serve.Call, verb string, do func(ctx context.Context, id, reason string) (job.Job, error)) error {
	j, err := s.find(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	reason := verb + " by a client"
	if c.Key() != "" {
		reason = fmt.Sprintf("%s with the key %s", verb, c.Key())
	}
	changed, err := do(c.Context(), j.ID, reason)
	if errors.Is(err, job.ErrState) {
		return serve.Refuse(http.StatusBadRequest, "invalid_state", "", "Job %s has %s and cannot be %s.", IDPrefix+j.ID, j.State, verb)
	}
	if err != nil {
		return err
	}
	return s.writeJob(c, changed)
}

// filter tells which jobs a list is about, by their metadata.
func filter(query url.Values) func(map[string]string) bool {
	want := map[string]string{}
	for name, values := range query {
		if key, ok := strings.CutPrefix(name, "metadata["); ok && strings.HasSuffix(key, "]") {
			want[strings.TrimSuffix(key, "]")] = values[0]
		}
	}
	none := query.Get("metadata") == "null"
	return func(metadata map[string]string) bool {
		for k, v := range want {
			if got, has := metadata[k]; !has || got != v {
				return false
			}
		}
		return !none || len(metadata) == 0
	}
}

func (s *Service) serveList(c *serve.Call) error {
	const common, most = 20, 100
	limit, err := c.Int("limit", common, 1, most)
	if err != nil {
		return err
	}
	query := c.Request.URL.Query()
	selected := filter(query)
	q := job.Query{Kinds: []string{Kind}, After: strings.TrimPrefix(query.Get("after"), IDPrefix), Limit: most}
	var bodies []Job
	for {
		jobs, more, err := s.o.Jobs.List(c.Context(), q)
		if notFound(err) {
			return serve.Refuse(http.StatusNotFound, "fine_tune_not_found", "after", "Could not find fine tune: %.80s", query.Get("after"))
		}
		if err != nil {
			return err
		}
		for _, j := range jobs {
			q.After = j.ID
			b, err := Show(j, time.Now())
			if err != nil {
				return err
			}
			if !selected(b.Metadata) {
				continue
			}
			if len(bodies) == limit {
				return writeJobs(c, bodies, true)
			}
			bodies = append(bodies, b)
		}
		if !more {
			return writeJobs(c, bodies, false)
		}
	}
}

func writeJobs(c *serve.Call, bodies []Job, more bool) error {
	return serve.WriteList(c, bodies, more, func(b Job) string { return b.ID })
}

// place reads the event's number out of the ID that a page goes on after.
func place(c *serve.Call, prefix, sep string) (int64, error) {
	after := c.Request.URL.Query().Get("after")
	if after == "" {
		return 0, nil
	}
	id, number, _ := strings.Cut(strings.TrimPrefix(after, prefix), sep)
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || id != strings.TrimPrefix(c.Param("id"), IDPrefix) {
		return 0, badParam("after", "Invalid 'after': %.80q is none of job %.80s.", after, c.Param("id"))
	}
	return n, nil
}

func (s *Service) serveEvents(c *serve.Call, stopping <-chan struct{}) error {
	j, err := s.find(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if strings.Contains(c.Request.Header.Get("Accept"), "text/event-stream") {
		return s.stream(c, j.ID, stopping)
	}
	const common, most = 20, 1000
	limit, err := c.Int("limit", common, 1, most)
	if err != nil {
		return err
	}
	before, err := place(c, eventPrefix, "-")
	if err != nil {
		return err
	}
	events, more, err := s.o.Jobs.Events(c.Context(), j.ID, job.EventQuery{Before: before, Newest: true, Limit: limit})
	if err != nil {
		return err
	}
	bodies := make([]Event, len(events))
	for i, e := range events {
		bodies[i] = ShowEvent(j.ID, e)
	}
	return serve.WriteList(c, bodies, more, func(b Event) string { return b.ID })
}

// stream sends the events of a job as they happen, oldest first, until the job is
// over. A client whose connection broke goes on after its Last-Event-ID.
func (s *Service) stream(c *serve.Call, id string, stopping <-chan struct{}) error {
	const (
		page  = 100
		look  = time.Second // for changes by other processes
		quiet = 15 * time.Second
	)
	last, _ := strconv.ParseInt(c.Request.Header.Get("Last-Event-ID"), 10, 64) // what is no number is from the start
	c.StartEvents()
	tick := time.NewTicker(look)
	defer tick.Stop()
	said := time.Now()
	for {
		changed := s.o.Jobs.Changed()
		j, err := s.o.Jobs.Get(c.Context(), id)
		if err != nil {
			return err
		}
		events, more, err := s.o.Jobs.Events(c.Context(), id, job.EventQuery{After: max(last, 0), Limit: page})
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := c.Event(strconv.FormatInt(e.Number, 10), ShowEvent(id, e)); err != nil {
				return err
			}
			last, said = e.Number, time.Now()
		}
		switch {
		case more:
			continue
		case j.State.Final():
			return c.EndEvents()
		case time.Since(said) > quiet:
			if err := c.KeepAlive(); err != nil {
				return err
			}
			said = time.Now()
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-c.Context().Done():
			return c.Context().Err()
		case <-stopping: // the client comes back to the next server
			return nil
		}
	}
}

// checkpoints returns what a job has left so far, oldest first. There are few: see
// keptEpochs.
func (s *Service) checkpoints(ctx context.Context, id string) ([]Checkpoint, error) {
	events, _, err := s.o.Jobs.Events(ctx, id, job.EventQuery{Kinds: []string{checkpointKind}})
	if err != nil {
		return nil, err
	}
	list := make([]Checkpoint, len(events))
	for i, e := range events {
		if list[i], err = checkpointOf(e); err != nil {
			return nil, fmt.Errorf("checkpoints of job %s: %w", id, err)
		}
	}
	return list, nil
}

func (s *Service) serveCheckpoints(c *serve.Call) error {
	j, err := s.find(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	const common, most = 10, 1000
	limit, err := c.Int("limit", common, 1, most)
	if err != nil {
		return err
	}
	before, err := place(c, checkpointPrefix, "_")
	if err != nil {
		return err
	}
	events, more, err := s.o.Jobs.Events(c.Context(), j.ID, job.EventQuery{
		Kinds: []string{checkpointKind}, Before: before, Newest: true, Limit: limit,
	})
	if err != nil {
		return err
	}
	bodies := make([]checkpointBody, len(events))
	for i, e := range events {
		p, err := checkpointOf(e)
		if err != nil {
			return err
		}
		bodies[i] = p.body(j.ID)
	}
	return serve.WriteList(c, bodies, more, func(b checkpointBody) string { return b.ID })
}
