//go:build !noasm

package matmul

import "github.com/holdfast-llm/holdfast/internal/machine/cpu"

// useAVXVNNI is on where the AVX2 kernels may use VPDPBUSD. Built with the tag
// evexvnni, they have it in its AVX-512 form, for tests on machines that lack the
// other.
var useAVXVNNI = cpu.Has(avxvnniTier)

func init() {
	cpu.RegisterUnverified("avxvnni", &useAVXVNNI)
	for t, ks := range avxvnniKernels() {
		tiledLayout(t).avxvnni = ks
	}
}
