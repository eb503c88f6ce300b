package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"

	"github.com/troikaml/troika/serve/finetune"
)

// serverProcess is troika serve as a process of its own, to be killed.
type serverProcess struct {
	troika, home, address string
	client                openai.Client
	wrap                  func(*exec.Cmd) // changes the command before it starts
	cmd                   *exec.Cmd
	out                   *output
}

// output is what a process writes, while a test looks at it.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func newServerProcess(t *testing.T, home string) *serverProcess {
	t.Helper()
	// The port stays the same, as clients expect of a server that comes back.
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &serverProcess{troika: program(t), home: home, address: ln.Addr().String()}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	s.client = sdk("http://"+s.address, "any")
	t.Cleanup(s.kill)
	return s
}

// start starts the process, and returns without waiting for it to answer.
func (s *serverProcess) start(t *testing.T) {
	t.Helper()
	s.out = &output{}
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), s.troika,
		"serve", "--home", s.home, "--listen", s.address, "--model", starterName, "--context", "128", "--sequences", "2")
	if s.wrap != nil {
		s.wrap(s.cmd)
	}
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// ready waits until the server answers.
func (s *serverProcess) ready(t *testing.T) {
	t.Helper()
	for late := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		if _, err := s.client.Models.List(t.Context()); err == nil {
			return
		}
		if time.Now().After(late) {
			t.Fatal("the server does not answer")
		}
	}
}

func (s *serverProcess) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // it was killed
	s.cmd = nil
}

// adapterOf returns the weights that a job made.
func adapterOf(t *testing.T, home string, j *openai.FineTuningJob) []byte {
	t.Helper()
	dir, err := finetune.Find(filepath.Join(home, tunedFolder), j.FineTunedModel)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "adapter_model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// poller asks for a job again and again, while the server dies and comes back, and
// notes what a client must never see.
type poller struct {
	mu     sync.Mutex
	id     string
	state  openai.FineTuningJobStatus
	answer int
	wrong  []string
}

func (p *poller) follow(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.id, p.state = id, ""
}

func (p *poller) poll(ctx context.Context, c *openai.Client) {
	for ctx.Err() == nil {
		p.mu.Lock()
		id := p.id
		p.mu.Unlock()
		j, err := c.FineTuning.Jobs.Get(ctx, id)
		p.mu.Lock()
		if apiErr, ok := errors.AsType[*openai.Error](err); ok {
			p.wrong = append(p.wrong, apiErr.Error())
		}
		if err == nil && id == p.id {
			p.answer++
			if p.state == openai.FineTuningJobStatusSucceeded && j.Status != p.state || j.ID != id {
				p.wrong = append(p.wrong, fmt.Sprintf("after %s: %s", p.state, j.RawJSON()))
			}
			p.state = j.Status
		}
		p.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// A server that is killed at any moment goes on with its jobs when it starts again, to
// the same bits, while a client polls.
func TestServerKilledAnywhere(t *testing.T) {
	ofProcesses(t)
	kills := 50
	if testing.Short() {
		kills = 4
	}
	home := t.TempDir()
	s := newServerProcess(t, home)
	create := func() *openai.FineTuningJob {
		t.Helper()
		j, err := tuningJob(t.Context(), &s.client, sums(20), 3)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	s.start(t)
	s.ready(t)
	straight := create()
	start := time.Now()
	done, err := awaitJob(t.Context(), &s.client, straight.ID, openai.FineTuningJobStatusSucceeded)
	if err != nil {
		t.Fatal(err)
	}
	whole := time.Since(start)
	want := adapterOf(t, home, done)
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	p := &poller{}
	ctx, cancel := context.WithCancel(t.Context())
	var polling sync.WaitGroup
	defer polling.Wait()
	defer cancel()
	j, jobs := create(), 1
	p.follow(j.ID)
	polling.Go(func() { p.poll(ctx, &s.client) })
	finish := func() { // what is left of the job, without a kill
		done, err := awaitJob(t.Context(), &s.client, j.ID, openai.FineTuningJobStatusSucceeded)
		if err != nil {
			t.Fatalf("seed %d: %v: %s", seed, err, s.out)
		}
		if !bytes.Equal(adapterOf(t, home, done), want) {
			t.Errorf("seed %d: the job of the killed server made other bits", seed)
		}
		checkSteps(t, &s.client, j.ID, 30)
	}
	for range kills {
		<-time.After(time.Duration(random.Int64N(int64(whole) / 2)))
		s.kill()
		if strings.Contains(s.out.String(), "ERROR") {
			t.Errorf("seed %d: the server complains: %s", seed, s.out)
		}
		s.start(t)
		if random.IntN(2) == 0 {
			continue // the next kill comes as it starts
		}
		s.ready(t)
		if got, err := s.client.FineTuning.Jobs.Get(t.Context(), j.ID); err != nil {
			t.Fatal(err)
		} else if got.Status == openai.FineTuningJobStatusSucceeded {
			finish()
			j, jobs = create(), jobs+1
			p.follow(j.ID)
		}
	}
	s.ready(t)
	finish()
	cancel()
	polling.Wait()
	t.Logf("seed %d: %d kills over %d jobs; %d polls were answered; a job alone takes %v", seed, kills, jobs, p.answer, whole)
	if len(p.wrong) > 0 || p.answer == 0 {
		t.Errorf("seed %d: %d answers; a client saw %q", seed, p.answer, p.wrong)
	}
	if jobs > kills {
		t.Errorf("%d jobs for %d kills: few of them met one", jobs, kills)
	}
}

// checkSteps finds every step of a job told of once, in order.
func checkSteps(t *testing.T, c *openai.Client, id string, steps int) {
	t.Helper()
	var got []string
	pages := c.FineTuning.Jobs.ListEventsAutoPaging(t.Context(), id, openai.FineTuningJobListEventsParams{Limit: openai.Int(100)})
	for pages.Next() {
		if e := pages.Current(); e.Type == openai.FineTuningJobEventTypeMetrics {
			got = append(got, e.Message[:strings.IndexByte(e.Message, ':')])
		}
	}
	if pages.Err() != nil {
		t.Fatal(pages.Err())
	}
	for i := range steps {
		if want := fmt.Sprintf("Step %d/%d", steps-i, steps); len(got) != steps || got[i] != want {
			t.Errorf("job %s tells of %d steps: %q", id, len(got), got)
			return
		}
	}
}
