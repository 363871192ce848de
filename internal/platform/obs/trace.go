package obs

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A Span is a piece of work with a beginning and an end.
type Span struct {
	Name       string
	Parent     string // a W3C traceparent header; "" or a bad one begins a trace
	Start, End time.Time
	Failed     bool
	Attributes map[string]any // texts, ints and bools
}

// A Tracer sends spans to a collector, in OTLP over HTTP in its JSON form:
// OpenTelemetry's own protocol, which needs no library at this end.
//
// Spans wait in a bounded queue and are sent by one goroutine, many at a time.
// What a collector that is slow or away cannot take is dropped and counted:
// tracing never slows a request down.
type Tracer struct {
	url     string
	client  *http.Client
	version string
	queue   chan Span
	quit    chan struct{}
	done    chan struct{}
	dropped atomic.Uint64
	warn    func(error)
}

// Sizes of the queue and of one message, and how long spans wait for more.
const (
	traceQueue = 4096
	traceBatch = 256
	traceWait  = 2 * time.Second
)

// NewTracer returns a tracer for the address of a collector, such as
// http://127.0.0.1:4318. warn, if not nil, is told of the first failure after
// a success.
func NewTracer(endpoint, version string, warn func(error)) (*Tracer, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("obs: %q is no address of a collector, expected one such as http://127.0.0.1:4318", endpoint)
	}
	if !strings.HasSuffix(u.Path, "/v1/traces") {
		u = u.JoinPath("v1/traces")
	}
	t := &Tracer{
		url: u.String(), client: &http.Client{Timeout: 10 * time.Second}, version: version, warn: warn,
		queue: make(chan Span, traceQueue), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go t.run()
	return t, nil
}

// Record queues a span. A caller who was told by its own caller not to be
// traced is not.
func (t *Tracer) Record(s Span) {
	if m := traceparent.FindStringSubmatch(s.Parent); m != nil && !sampled(m[3]) {
		return
	}
	select {
	case t.queue <- s:
	default:
		t.dropped.Add(1)
	}
}

// Dropped returns how many spans did not reach the collector.
func (t *Tracer) Dropped() uint64 { return t.dropped.Load() }

// Close sends what waits, and gives up at the first failure. No Record may
// follow.
func (t *Tracer) Close() {
	close(t.quit)
	<-t.done
}

func (t *Tracer) run() {
	defer close(t.done)
	var batch []Span
	tick := time.NewTicker(traceWait)
	defer tick.Stop()
	failing := false
	send := func() {
		if len(batch) == 0 {
			return
		}
		err := t.send(batch)
		if err != nil {
			t.dropped.Add(uint64(len(batch)))
			if !failing && t.warn != nil {
				t.warn(err)
			}
		}
		failing, batch = err != nil, batch[:0]
	}
	for {
		select {
		case s := <-t.queue:
			if batch = append(batch, s); len(batch) >= traceBatch {
				send()
			}
		case <-tick.C:
			send()
		case <-t.quit:
			send()
			for len(t.queue) > 0 && !failing {
				for len(t.queue) > 0 && len(batch) < traceBatch {
					batch = append(batch, <-t.queue)
				}
				send()
			}
			t.dropped.Add(uint64(len(t.queue)))
			return
		}
	}
}

func (t *Tracer) send(spans []Span) error {
	body, err := json.Marshal(t.message(spans))
	if err != nil {
		return fmt.Errorf("obs: %w", err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("obs: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := t.client.Do(req)
	if err != nil {
		return fmt.Errorf("obs: traces: %w", err)
	}
	defer resp.Body.Close()                                      //nolint:errcheck // read only
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection can be used again
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("obs: traces: the collector answers %s", resp.Status)
	}
	return nil
}

// traceparent is the W3C's header: version, trace, span, flags.
var traceparent = regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$`)

// sampled reports the last bit of the flags.
func sampled(flags string) bool {
	n, err := strconv.ParseUint(flags, 16, 8)
	return err == nil && n&1 == 1
}

type object = map[string]any

// message builds the JSON form of an ExportTraceServiceRequest.
func (t *Tracer) message(spans []Span) object {
	out := make([]object, 0, len(spans))
	for _, s := range spans {
		trace, parent := randomHex(16), ""
		if m := traceparent.FindStringSubmatch(s.Parent); m != nil {
			trace, parent = m[1], m[2]
		}
		status := 0 // unset
		if s.Failed {
			status = 2
		}
		const server = 2 // SPAN_KIND_SERVER
		out = append(out, object{
			"traceId": trace, "spanId": randomHex(8), "parentSpanId": parent, "name": s.Name, "kind": server,
			"startTimeUnixNano": strconv.FormatInt(s.Start.UnixNano(), 10), "endTimeUnixNano": strconv.FormatInt(s.End.UnixNano(), 10),
			"attributes": attributes(s.Attributes), "status": object{"code": status},
		})
	}
	resource := attributes(object{"service.name": "holdfast", "service.version": t.version})
	return object{"resourceSpans": []object{{
		"resource":   object{"attributes": resource},
		"scopeSpans": []object{{"scope": object{"name": "holdfast"}, "spans": out}},
	}}}
}

func attributes(m map[string]any) []object {
	out := []object{}
	for k, v := range m {
		var value object
		switch v := v.(type) {
		case string:
			if v == "" {
				continue
			}
			value = object{"stringValue": v}
		case int:
			value = object{"intValue": strconv.Itoa(v)} // 64-bit numbers are texts in protobuf's JSON
		case bool:
			value = object{"boolValue": v}
		default:
			continue
		}
		out = append(out, object{"key": k, "value": value})
	}
	return out
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
