// Package layers holds what model programs have in common: the rows of the
// current batch, the memory of the workers, and the steps by which activations
// are normalised, converted and projected.
//
// A Forward is one program that every worker of a team walks at the same time.
// Between steps that depend on each other the workers meet at a barrier. Three
// shapes of the same program keep the meetings few:
//
//   - For a handful of rows (decode; a private batch) every worker normalises
//     and converts all rows into memory of its own: less work than a meeting.
//   - For many rows per worker (prefill) a worker projects, normalises and
//     converts its own rows, and meets the others before the products that are
//     split by outputs. The residual stream never changes hands.
//   - In between, everything is split by outputs, with a meeting after each step.
//
// The steps hide the difference. It changes no bit of any row's result, and
// neither does the number of workers: each value is computed by the same
// operations in the same order, whoever does it.
package layers

import (
	"slices"

	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// Kinds is the set of activation kinds that a step's matrices multiply with.
type Kinds []matmul.Kind

// Add returns k with the kinds of the given matrices; nil matrices do not count.
func (k Kinds) Add(exact bool, ms ...*matmul.Matrix) Kinds {
	for _, m := range ms {
		if m != nil {
			k = k.With(m.Kind(exact))
		}
	}
	return k
}

// With returns k with the given kinds.
func (k Kinds) With(kinds ...matmul.Kind) Kinds {
	for _, kind := range kinds {
		if !slices.Contains(k, kind) {
			k = append(k, kind)
		}
	}
	return k
}

// Without returns k less one kind.
func (k Kinds) Without(kind matmul.Kind) Kinds {
	return slices.DeleteFunc(slices.Clone(k), func(have matmul.Kind) bool { return have == kind })
}

// Set converts one row into every kind of the set.
func (k Kinds) Set(a *matmul.Acts, row int, x []float32) {
	for _, kind := range k {
		a.Set(kind, row, x)
	}
}
