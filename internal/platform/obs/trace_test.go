package obs

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// collected is what the test reads of OTLP's JSON.
type collected struct {
	ResourceSpans []struct {
		Resource struct {
			Attributes []struct{ Key string }
		}
		ScopeSpans []struct {
			Spans []struct {
				TraceID, SpanID, ParentSpanID, Name string
				StartTimeUnixNano, EndTimeUnixNano  string
				Kind                                int
				Status                              struct{ Code int }
				Attributes                          []struct {
					Key   string
					Value struct{ StringValue, IntValue string }
				}
			}
		}
	}
}

func TestTracer(t *testing.T) {
	var mu sync.Mutex
	var got []collected
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var c collected
		if err := json.Unmarshal(b, &c); err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v: %s", r.URL, err, b)
		}
		mu.Lock()
		got = append(got, c)
		mu.Unlock()
	}))
	defer srv.Close()
	tr, err := NewTracer(srv.URL, "v1", func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	start := time.Unix(1_700_000_000, 5)
	tr.Record(Span{Name: "POST /v1/x", Parent: "00-" + trace + "-" + parent + "-01", Start: start, End: start.Add(time.Second), Failed: true, Attributes: map[string]any{"model": "m", "tokens": 7, "empty": ""}})
	tr.Record(Span{Name: "not sampled", Parent: "00-" + trace + "-" + parent + "-00"})
	tr.Record(Span{Name: "new", Parent: "nonsense", Start: start, End: start})
	tr.Close()
	if len(got) == 0 {
		t.Fatal("nothing was sent")
	}
	// How many spans go into one delivery depends on how fast the sender is.
	spans := got[0].ResourceSpans[0].ScopeSpans[0].Spans[:0:0]
	for _, c := range got {
		if len(c.ResourceSpans) != 1 || len(c.ResourceSpans[0].Resource.Attributes) != 2 {
			t.Fatalf("%+v", c)
		}
		spans = append(spans, c.ResourceSpans[0].ScopeSpans[0].Spans...)
	}
	if len(spans) != 2 {
		t.Fatalf("%+v", spans)
	}
	a, b := spans[0], spans[1]
	if a.TraceID != trace || a.ParentSpanID != parent || len(a.SpanID) != 16 || a.Name != "POST /v1/x" || a.Kind != 2 || a.Status.Code != 2 ||
		a.StartTimeUnixNano != "1700000000000000005" || a.EndTimeUnixNano != "1700000001000000005" || len(a.Attributes) != 2 {
		t.Errorf("%+v", a)
	}
	if len(b.TraceID) != 32 || b.TraceID == trace || b.ParentSpanID != "" || b.Status.Code != 0 {
		t.Errorf("%+v", b)
	}
	if tr.Dropped() != 0 {
		t.Errorf("%d dropped", tr.Dropped())
	}
}

// TestTracerNeverWaits checks that a collector that is not there costs spans only.
func TestTracerNeverWaits(t *testing.T) {
	var warned []string
	tr, err := NewTracer("http://127.0.0.1:1", "", func(err error) { warned = append(warned, err.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	const n = 2 * traceQueue
	for range n {
		tr.Record(Span{Name: "x"})
	}
	tr.Close()
	if tr.Dropped() != n || len(warned) != 1 || !strings.HasPrefix(warned[0], "obs: traces: ") {
		t.Errorf("%d dropped, %q", tr.Dropped(), warned)
	}
}

func TestTracerAddresses(t *testing.T) {
	f := func(endpoint, want string) {
		t.Helper()
		tr, err := NewTracer(endpoint, "", nil)
		if (err == nil) != (want != "") {
			t.Fatalf("%q: %v", endpoint, err)
		}
		if err != nil {
			return
		}
		defer tr.Close()
		if tr.url != want {
			t.Errorf("%q: %s", endpoint, tr.url)
		}
	}
	f("http://h:4318", "http://h:4318/v1/traces")
	f("https://h/base/", "https://h/base/v1/traces")
	f("http://h:4318/v1/traces", "http://h:4318/v1/traces")
	f("h:4318", "")
	f("/x", "")
	f("", "")
}
