package vec

import (
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

func BenchmarkVec(b *testing.B) {
	const n = 4096
	x, y, z, h := make([]float32, n), make([]float32, n), make([]float32, n), make([]uint16, n)
	for i := range x {
		x[i], y[i], z[i] = float32(i%17)-8, float32(i%5), float32(i%3)
	}
	ops := []struct {
		name  string
		bytes int64
		f     func()
	}{
		{"Dot", 8, func() { Dot(x, y) }},
		{"DotF16", 6, func() { DotF16(x, h) }},
		{"Axpy", 12, func() { Axpy(z, 1e-9, y) }},
		{"Add", 12, func() { Add(z, y) }},
		{"RMSNorm", 16, func() { RMSNorm(z, x, y, 1e-5) }},
		{"SwiGLU", 12, func() { SwiGLU(z, x, y) }},
		{"Exp", 8, func() { Exp(z, x) }},
		{"Softmax", 8, func() { copy(z, x); Softmax(z) }},
		{"Max", 4, func() { Max(x) }},
		{"RopeNeox", 8, func() { RopeNeox(z, y) }},
		{"RopeNorm", 8, func() { RopeNorm(z, y) }},
		{"F32ToF16", 6, func() { F32ToF16(h, x) }},
		{"F16ToF32", 6, func() { F16ToF32(z, h) }},
		{"F32ToBF16", 6, func() { F32ToBF16(h, x) }},
	}
	for _, op := range ops {
		for _, impl := range append([]string{""}, cpu.Tiers()...) {
			b.Run("op="+op.name+"/impl="+impl, func(b *testing.B) {
				_, restore := cpu.Only(impl)
				defer restore()
				b.SetBytes(op.bytes * n)
				for b.Loop() {
					op.f()
				}
			})
		}
	}
}
