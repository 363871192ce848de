package obs

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
)

func TestMetrics(t *testing.T) {
	src := Source{
		Models: func() []library.Info {
			return []library.Info{{Name: "m", Users: 2, Stats: engine.Stats{Queued: 3, Running: 1, Cache: kvcache.Stats{Blocks: 8, Used: 2}, Disk: diskcache.Stats{Off: true}}}}
		},
		InFlight: func() int { return 5 },
	}
	m := New(src, "v1", "avx2")
	e := m.Engine("m")
	e.Step(engine.StepInfo{Decode: 2, Prefill: 30, Took: 20 * time.Millisecond})
	e.Finished(engine.Result{Reason: engine.Stop, PromptTokens: 100, CachedTokens: 64, DiskTokens: 32, Tokens: 11, First: time.Second, Decode: time.Second, Total: 2 * time.Second})
	m.HTTP("POST /v1/chat/completions", 200, time.Second)
	m.HTTP("", 404, time.Millisecond)
	m.Refused("not_found")
	m.Key("ann", 9, 3, 4)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`holdfast_build_info{kernels="avx2",version="v1"} 1`,
		`holdfast_num_requests_running{model_name="m"} 1`,
		`holdfast_num_requests_waiting{model_name="m"} 3`,
		`holdfast_kv_cache_usage_perc{model_name="m"} 0.25`,
		`holdfast_prefix_cache_queries_total{model_name="m"} 100`,
		`holdfast_prefix_cache_hits_total{model_name="m"} 64`,
		`holdfast_prompt_tokens_total{model_name="m"} 100`,
		`holdfast_generation_tokens_total{model_name="m"} 11`,
		`holdfast_request_success_total{finished_reason="stop",model_name="m"} 1`,
		`holdfast_time_to_first_token_seconds_sum{model_name="m"} 1`,
		`holdfast_inter_token_latency_seconds_sum{model_name="m"} 0.1`,
		`holdfast_e2e_request_latency_seconds_count{model_name="m"} 1`,
		`holdfast_request_queue_time_seconds_count{model_name="m"} 1`,
		`holdfast_http_requests_total{route="POST /v1/chat/completions",status="200"} 1`,
		`holdfast_http_requests_total{route="none",status="404"} 1`,
		`holdfast_http_requests_in_flight 5`,
		`holdfast_requests_refused_total{code="not_found"} 1`,
		`holdfast_key_tokens_total{key="ann",kind="cached"} 3`,
		`holdfast_prefix_cache_disk_hits_total{model_name="m"} 32`,
		`holdfast_prefix_cache_disk_off{model_name="m"} 1`,
		`holdfast_request_prefill_time_seconds_sum{model_name="m"} 1`,
		`holdfast_request_decode_time_seconds_sum{model_name="m"} 1`,
	} {
		if !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
	if t.Failed() {
		t.Log(w.Body)
	}
}
