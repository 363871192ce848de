package server

import (
	"maps"
	"slices"
)

// Patterns lists the addresses that are served, each as "METHOD /path" in the
// form of http.ServeMux, sorted. Documentation is compared with it.
func (rt *Router) Patterns() []string { return slices.Sorted(maps.Keys(rt.routes)) }
