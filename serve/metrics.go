package serve

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are a server's own, in a registry of its own. The model label is a
// known model's ID or empty, so that clients cannot make up series.
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec
	duration   *prometheus.HistogramVec
	tokens     *prometheus.CounterVec
	drafts     *prometheus.CounterVec
	firstToken *prometheus.HistogramVec
	inFlight   prometheus.Gauge
	unmetered  prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "troika_http_requests_total",
			Help: "HTTP requests by route and status; 499 is a client that went away.",
		}, []string{"method", "route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "troika_http_request_duration_seconds",
			Help:    "Time from a request's arrival to the end of its response.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 14), // to about 150 s
		}, []string{"route"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "troika_tokens_total",
			Help: "Tokens by model and kind: prompt, cached (part of prompt) or completion.",
		}, []string{"model", "kind"}),
		drafts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "troika_draft_tokens_total",
			Help: "Tokens guessed ahead of the model, by model and outcome: accepted or rejected.",
		}, []string{"model", "outcome"}),
		firstToken: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "troika_first_token_seconds",
			Help:    "Time from a request's arrival to the first piece of its answer.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 14), // to about 40 s
		}, []string{"model"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "troika_requests_in_flight",
			Help: "Chat completions that the engine is working on.",
		}),
		unmetered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "troika_usage_events_lost_total",
			Help: "Usage events that could not be recorded.",
		}),
	}
	m.registry.MustRegister(m.requests, m.duration, m.tokens, m.drafts, m.firstToken, m.inFlight, m.unmetered,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

func (m *metrics) observeRequest(method, route string, status int, d time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(route).Observe(d.Seconds())
}

func (m *metrics) observeUsage(model string, u Usage) {
	m.tokens.WithLabelValues(model, "prompt").Add(float64(u.PromptTokens))
	m.tokens.WithLabelValues(model, "cached").Add(float64(u.CachedTokens))
	m.tokens.WithLabelValues(model, "completion").Add(float64(u.CompletionTokens))
	if u.DraftedTokens > 0 {
		m.drafts.WithLabelValues(model, "accepted").Add(float64(u.AcceptedTokens))
		m.drafts.WithLabelValues(model, "rejected").Add(float64(u.DraftedTokens - u.AcceptedTokens))
	}
}
