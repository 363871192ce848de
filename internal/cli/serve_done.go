package cli

import (
	"net/http"

	"github.com/holdfast-llm/holdfast/internal/platform/obs"
	"github.com/holdfast-llm/holdfast/internal/server"
)

// done counts and traces a request that is over.
func (s *service) done(r *server.Report) {
	s.metrics.HTTP(r.Route, r.Status, r.Took)
	if r.Code != "" {
		s.metrics.Refused(r.Code)
	}
	if r.Key != "" && r.Model != "" {
		s.metrics.Key(r.Key, r.Usage.PromptTokens, r.Usage.CachedTokens, r.Usage.CompletionTokens)
	}
	if s.tracer == nil {
		return
	}
	name := r.Route
	if name == "" {
		name = r.Method
	}
	// The attributes' names are OpenTelemetry's conventions.
	s.tracer.Record(obs.Span{
		Name: name, Parent: r.Parent, Start: r.Start, End: r.Start.Add(r.Took), Failed: r.Status >= http.StatusInternalServerError,
		Attributes: map[string]any{
			"http.request.method": r.Method, "http.route": r.Route, "url.path": r.Path, "http.response.status_code": r.Status,
			"error.type": r.Code, "gen_ai.request.model": r.Model, "gen_ai.usage.input_tokens": r.Usage.PromptTokens,
			"gen_ai.usage.output_tokens": r.Usage.CompletionTokens, "holdfast.usage.cached_tokens": r.Usage.CachedTokens,
			"holdfast.key": r.Key, "holdfast.request_id": r.ID,
		},
	})
}
