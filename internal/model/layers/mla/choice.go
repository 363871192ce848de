package mla

import (
	"math"

	"github.com/holdfast-llm/holdfast/internal/model"
)

// rebuildFrom returns from how many tokens on keys and values are rebuilt. The
// two forms differ in their rounding, so a deterministic model has only one.
func rebuildFrom(o model.Options) int {
	if o.Deterministic {
		return math.MaxInt
	}
	return RebuildRows
}
