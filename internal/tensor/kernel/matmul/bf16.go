package matmul

import (
	"encoding/binary"

	"github.com/holdfast-llm/holdfast/internal/tensor/num"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// brain is the layout of BF16 weights as the kernels for BF16 activations see
// it: a unit is a vector of two columns.
var brain = &layout{t: quant.BF16, kind: BF16, cols: floatStep, bytes: 64}

// brains multiplies a BF16 matrix with BF16 activations. Products are exact in
// float32, so what is lost against float32 activations is their rounding to eight
// bits: 2^-8 of each at most, about a third of what int8 activations lose.
func (j *job) brains(lo, hi int) {
	if j.amxBrains(lo, hi) {
		return
	}
	if ks := brainKernels(); ks != nil {
		j.tiles(brain, ks, lo, hi)
		return
	}
	m := j.m
	units := brain.units(m.Cols)
	const step = floatBlock / floatStep
	for g := lo; g < hi; g++ {
		w := m.groups(g, 1, j.s)
		for i := 0; i < j.n; i += maxTile {
			n := min(maxTile, j.n-i)
			offs := j.setOffs(i, n, n)
			for u := 0; u < units; u += step {
				portablePairs(w[u*64:], min(step, units-u), j.acts.data[4*u:], offs, j.s.tile[:], u > 0)
			}
			j.store(j.s.tile[:], g, i, n)
		}
	}
}

// portablePairs is the definition of the kernels, up to the rounding inside a
// pair: even units continue the sums in out, odd units have sums of their own that
// are added at the end.
func portablePairs(w []byte, n int, x []byte, offs []int, out []float32, more bool) {
	if !more {
		clear(out[:len(offs)*Group])
	}
	for k, off := range offs {
		var odd [Group]float32
		acc := (*[Group]float32)(out[k*Group:])
		for i := range n {
			to := acc
			if i%2 == 1 {
				to = &odd
			}
			pair := x[off+4*i:][:4]
			x0, x1 := bf16At(pair), bf16At(pair[2:])
			for r := range to {
				v := w[64*i+4*r:][:4]
				to[r] += float32(bf16At(v[2:]) * x1)
				to[r] += float32(bf16At(v) * x0)
			}
		}
		for r := range acc {
			acc[r] += odd[r]
		}
	}
}

func bf16At(b []byte) float32 { return num.BF16ToF32(binary.LittleEndian.Uint16(b)) }

// setBF16Go is the definition of the conversion to BF16: to the nearest, even in
// a tie. Vectors may take a subnormal number as zero.
func setBF16Go(dst []byte, x []float32) {
	for i, v := range x {
		binary.LittleEndian.PutUint16(dst[2*i:], num.F32ToBF16(v))
	}
}
