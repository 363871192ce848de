package openapi_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// TestRoutes compares the addresses that are served with those described.
func TestRoutes(t *testing.T) {
	m := servertest.Manager(t, golden.ModuleRoot(t), map[string]*servertest.Model{}, library.Options{})
	var served, described []string
	for _, p := range server.NewRouter(apis(m)...).Patterns() {
		served = append(served, strings.NewReplacer("...}", "}", "{$}", "").Replace(p))
	}
	for _, o := range load(t).operations() {
		described = append(described, o.String())
	}
	for _, p := range served {
		if !slices.Contains(described, p) {
			t.Errorf("%s is served, but docs/openapi.yaml does not have it", p)
		}
	}
	for _, p := range described {
		if !slices.Contains(served, p) {
			t.Errorf("docs/openapi.yaml has %s, which is not served", p)
		}
	}
}
