// Package obs counts what happens, for monitoring: the engine's work by model,
// and HTTP requests by route. Nothing on the way of a token takes a lock that
// is held for longer than an addition.
//
// It shows no type of the metrics library: others call methods and get an
// http.Handler.
package obs

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
)

// Metrics are all metrics of a server.
type Metrics struct {
	reg *prometheus.Registry

	success                             *prometheus.CounterVec
	prompt, answered                    *prometheus.CounterVec
	queries, hits, diskHits             *prometheus.CounterVec
	ttft, inter, e2e, queue             *prometheus.HistogramVec
	prefill, decode                     *prometheus.HistogramVec
	promptSize, answerSize, rows, steps *prometheus.HistogramVec
	http, refused, keyTokens            *prometheus.CounterVec
	httpTime                            *prometheus.HistogramVec
}

// Source is where gauges come from when they are read.
type Source struct {
	// Models describes all models that are loaded.
	Models func() []library.Info
	// InFlight is how many HTTP requests are being answered.
	InFlight func() int
}

// Buckets of the histograms: seconds from a cached prompt on a fast machine to
// a long one on a slow one, and tokens.
var (
	latency     = []float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560}
	interTokens = []float64{.001, .005, .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5}
	tokens      = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1e6}
)

// New returns metrics; version and kernels go into build_info.
func New(src Source, version, kernels string) *Metrics {
	m := &Metrics{reg: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
		m.reg.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets []float64, label string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, []string{label})
		m.reg.MustRegister(v)
		return v
	}
	m.success = counter(nameSuccess, "Requests that ended, by reason.", labelModel, labelReason)
	m.prompt = counter(namePrompt, "Tokens of prompts, cached ones included.", labelModel)
	m.answered = counter(nameGeneration, "Tokens of answers.", labelModel)
	m.queries = counter(namePrefixQueries, "Prompt tokens looked up in the prefix cache.", labelModel)
	m.hits = counter(namePrefixHits, "Prompt tokens found in the prefix cache.", labelModel)
	m.diskHits = counter(nameDiskHits, "Prompt tokens read from the cache on disk.", labelModel)
	m.ttft = histogram(nameTTFT, "Time until the first token of an answer.", latency, labelModel)
	m.inter = histogram(nameInterToken, "Time per token after the first, averaged over an answer.", interTokens, labelModel)
	m.e2e = histogram(nameE2E, "Time until the end of an answer.", latency, labelModel)
	m.queue = histogram(nameQueueTime, "Time that a request waited.", latency, labelModel)
	m.prefill = histogram(namePrefillTime, "Time that a prompt was read.", latency, labelModel)
	m.decode = histogram(nameDecodeTime, "Time from the first token of an answer to the last.", latency, labelModel)
	m.promptSize = histogram(nameRequestPrompt, "Tokens of a prompt.", tokens, labelModel)
	m.answerSize = histogram(nameRequestAnswer, "Tokens of an answer.", tokens, labelModel)
	m.rows = histogram(nameIteration, "Rows of a step.", tokens[:12], labelModel)
	m.steps = histogram(nameStepTime, "Time of a step.", latency[:16], labelModel)
	m.http = counter(nameHTTP, "HTTP requests.", labelRoute, labelStatus)
	m.refused = counter(nameRefused, "HTTP requests that were answered with an error, by its code.", labelCode)
	m.keyTokens = counter(nameKeyTokens, "Tokens by the key that asked for them.", labelKey, labelKind)
	m.httpTime = histogram(nameHTTPDuration, "Time of HTTP requests.", latency, labelRoute)
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: nameBuild, Help: "What runs here."}, []string{labelVersion, labelKernels})
	build.WithLabelValues(version, kernels).Set(1)
	m.reg.MustRegister(build, newGauges(src), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.reg, promhttp.HandlerOpts{})
}

// HTTP counts a request by the pattern of its address.
func (m *Metrics) HTTP(pattern string, status int, took time.Duration) {
	if pattern == "" {
		pattern = "none"
	}
	m.http.WithLabelValues(pattern, strconv.Itoa(status)).Inc()
	m.httpTime.WithLabelValues(pattern).Observe(took.Seconds())
}

// Refused counts an error by its code.
func (m *Metrics) Refused(code string) { m.refused.WithLabelValues(code).Inc() }

// Key counts what a key used.
func (m *Metrics) Key(name string, prompt, cached, completion int) {
	m.keyTokens.WithLabelValues(name, "prompt").Add(float64(prompt))
	m.keyTokens.WithLabelValues(name, "cached").Add(float64(cached))
	m.keyTokens.WithLabelValues(name, "completion").Add(float64(completion))
}

// Engine returns the observer for the engine of a model.
func (m *Metrics) Engine(model string) engine.Observer {
	return &observer{
		m: m, model: model, rows: m.rows.WithLabelValues(model), steps: m.steps.WithLabelValues(model),
	}
}

type observer struct {
	m           *Metrics
	model       string
	rows, steps prometheus.Observer
}

// Step is called after every step, by the step loop.
func (o *observer) Step(i engine.StepInfo) {
	o.rows.Observe(float64(i.Decode + i.Prefill))
	o.steps.Observe(i.Took.Seconds())
}

// Finished is called when a request has ended.
func (o *observer) Finished(r engine.Result) {
	m, l := o.m, o.model
	m.success.WithLabelValues(l, r.Reason.String()).Inc()
	m.prompt.WithLabelValues(l).Add(float64(r.PromptTokens))
	m.answered.WithLabelValues(l).Add(float64(r.Tokens))
	m.queries.WithLabelValues(l).Add(float64(r.PromptTokens))
	m.hits.WithLabelValues(l).Add(float64(r.CachedTokens))
	m.diskHits.WithLabelValues(l).Add(float64(r.DiskTokens))
	m.promptSize.WithLabelValues(l).Observe(float64(r.PromptTokens))
	m.answerSize.WithLabelValues(l).Observe(float64(r.Tokens))
	m.e2e.WithLabelValues(l).Observe(r.Total.Seconds())
	m.queue.WithLabelValues(l).Observe(r.Queued.Seconds())
	if r.Tokens > 0 {
		m.ttft.WithLabelValues(l).Observe(r.First.Seconds())
		m.prefill.WithLabelValues(l).Observe(max(0, r.First-r.Queued).Seconds())
		m.decode.WithLabelValues(l).Observe(r.Decode.Seconds())
	}
	if r.Tokens > 1 {
		m.inter.WithLabelValues(l).Observe(r.Decode.Seconds() / float64(r.Tokens-1))
	}
}
