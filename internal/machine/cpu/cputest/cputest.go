// Package cputest runs one test per kernel implementation that is registered
// with package cpu.
package cputest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

// Each runs f as a subtest for the portable code and for each registered tier,
// or for the given tiers. A tier that the machine lacks is skipped, unless the
// environment variable HOLDFAST_REQUIRE_TIERS (names with commas) lists it:
// a builder that exists to test a tier must not pass without it.
//
// f must not run kernels in goroutines that outlive it, nor call t.Parallel.
func Each(t *testing.T, f func(t *testing.T), tiers ...string) {
	t.Helper()
	if len(tiers) == 0 {
		for _, im := range cpu.Impls() {
			if !slices.Contains(tiers, im.Name) {
				tiers = append(tiers, im.Name)
			}
		}
	}
	required := strings.Split(os.Getenv("HOLDFAST_REQUIRE_TIERS"), ",")
	t.Run("impl=portable", func(t *testing.T) {
		_, restore := cpu.Only("")
		defer restore()
		f(t)
	})
	for _, tier := range tiers {
		t.Run("impl="+tier, func(t *testing.T) {
			ok, restore := cpu.Only(tier)
			defer restore()
			if !ok && slices.Contains(required, tier) {
				t.Fatalf("this machine lacks tier %s, which HOLDFAST_REQUIRE_TIERS lists", tier)
			}
			if !ok {
				t.Skipf("this machine lacks tier %s", tier)
			}
			f(t)
		})
	}
}
