package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/troikaml/troika/meter"
)

var (
	tokens   = regexp.MustCompile(`(?m)^troika_tokens_total\{kind="(\w+)",model="(\w+)"\} ([0-9.e+]+)$`)
	inFlight = regexp.MustCompile(`(?m)^troika_requests_in_flight ([0-9]+)$`)
)

// books checks that the metrics, the usage events and the answers' own usage agree.
func (l *load) books(ctx context.Context) error {
	var text string
	var err error
	// What clients left is worked on for a step more.
	if quiet := settle("requests in flight", func() int64 {
		if text, err = l.get(ctx, "/metrics"); err != nil {
			return 0
		}
		m := inFlight.FindStringSubmatch(text)
		if m == nil {
			return 1
		}
		n, _ := strconv.ParseInt(m[1], 10, 64) // digits alone
		return n
	}, 0); quiet != nil || err != nil {
		return errors.Join(quiet, err)
	}
	metrics := map[string]int64{}
	for _, m := range tokens.FindAllStringSubmatch(text, -1) {
		n, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return err
		}
		metrics[m[2]+" "+m[1]] += int64(n)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	events := map[string]int64{}
	outcomes := map[meter.Outcome]int{}
	for _, e := range l.events {
		events[e.Model+" prompt"] += e.PromptTokens
		events[e.Model+" completion"] += e.CompletionTokens
		outcomes[e.Outcome]++
	}
	var errs []error
	for key, n := range events {
		if metrics[key] != n {
			errs = append(errs, fmt.Errorf("tokens of %s: %d by the events, %d by the metrics", key, n, metrics[key]))
		}
	}
	for id, u := range l.usages {
		if e, ok := l.events[id]; !ok || e.PromptTokens != u.Prompt || e.CompletionTokens != u.Completion || e.Outcome != meter.OutcomeDone {
			errs = append(errs, fmt.Errorf("%s was answered with usage %+v, its event is %+v", id, u, e))
		}
	}
	if outcomes[meter.OutcomeFailed] > 0 || len(l.usages) == 0 || len(events) != 2*(1+len(adapters)) {
		errs = append(errs, fmt.Errorf("outcomes %v, %d answers, tokens %v", outcomes, len(l.usages), events))
	}
	fmt.Printf("usage events %v, tokens %v\n", outcomes, events)
	return errors.Join(errs...)
}
