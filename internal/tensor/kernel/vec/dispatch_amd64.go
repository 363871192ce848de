//go:build !noasm

package vec

import "github.com/holdfast-llm/holdfast/internal/machine/cpu"

//go:generate sh -c "cd _asm && GOWORK=off go run . -out .."

var (
	useAVX2   = cpu.Has("avx2")
	useAVX512 = cpu.Has("avx512")
)

func init() {
	cpu.Register("avx2", &useAVX2)
	cpu.Register("avx512", &useAVX512)
}

// vector is what the assembly's n must be a multiple of, for either tier.
//
// A tail goes through a vector that is filled up on the stack where the
// assembly rounds differently from the portable body (it fuses products with
// sums): an element must not depend on where it stands. Where both are exact,
// the portable body takes the tail.
const vector = 16

// fast reports whether there is assembly to run.
func fast() bool { return useAVX512 || useAVX2 }

// vectors is the part of n elements that the assembly can take: 0 without any.
func vectors(n int) int {
	if !fast() {
		return 0
	}
	return whole(n)
}

// whole is the part of n that fills vectors.
func whole(n int) int { return n &^ (vector - 1) }
