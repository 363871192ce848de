package matmul

import (
	"encoding/binary"
	"unsafe"

	"github.com/holdfast-llm/holdfast/internal/tensor/num"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// floatBlock is the number of columns after which the sums of even and of odd
// columns are joined. It is part of the definition of the result.
const floatBlock = 512

// floats multiplies a matrix of F32, F16 or BF16 with float32 activations.
func (j *job) floats(lo, hi int) {
	m := j.m
	if ks := m.lay.kernels(); ks != nil {
		j.tiles(m.lay, ks, lo, hi)
		return
	}
	for g := lo; g < hi; g++ {
		w := m.groups(g, 1, j.s)
		for i := 0; i < j.n; i += maxTile {
			n := min(maxTile, j.n-i)
			j.floatTile(m.lay.t, w, m.lay.bytes, j.setOffs(i, n, n))
			j.store(j.s.tile[:], g, i, n)
		}
	}
}

// exact multiplies a matrix of any type with float32 activations, by way of
// dequantised groups.
func (j *job) exact(lo, hi int) {
	m, f32 := j.m, layoutOf(quant.F32)
	if len(j.s.vals) < roundUp(m.Cols, floatStep)*Group {
		j.s.vals = make([]float32, roundUp(m.Cols, floatStep)*Group)
	}
	for g := lo; g < hi; g++ {
		j.dequantizeGroup(g)
		w := bytesOf(j.s.vals)
		if ks := f32.kernels(); ks != nil {
			for i := 0; i < j.n; {
				i += j.tile(f32, pick(ks, j.n-i), w, g, 1, i, floatBlock/floatStep)
			}
			continue
		}
		for i := 0; i < j.n; i += maxTile {
			n := min(maxTile, j.n-i)
			j.floatTile(quant.F32, w, 128, j.setOffs(i, n, n))
			j.store(j.s.tile[:], g, i, n)
		}
	}
}

// floatTile fills s.tile, in pieces of floatBlock columns. w holds units of
// unitBytes.
func (j *job) floatTile(t quant.Type, w []byte, unitBytes int, offs []int) {
	units := (j.m.Cols + floatStep - 1) / floatStep
	const step = floatBlock / floatStep
	for u := 0; u < units; u += step {
		n := min(step, units-u)
		portableFloats(t, w[u*unitBytes:], n, j.acts.data[u*floatStep*4:], offs, j.s.tile[:], u > 0)
	}
}

// portableFloats is the definition of the float kernels, up to the rounding
// that a fused multiply-add saves: even columns continue the sum in out, odd
// columns have a sum of their own that is added at the end.
func portableFloats(t quant.Type, w []byte, n int, x []byte, offs []int, out []float32, more bool) {
	var even, odd [Group]float32
	if !more {
		clear(out[:len(offs)*Group])
	}
	for i := range n {
		floatUnit(t, &even, &odd, w, i)
		for k, off := range offs {
			a := floats(x[off+8*i:][:8])
			acc := (*[Group]float32)(out[k*Group:])
			for r := range acc {
				acc[r] += even[r] * a[0]
			}
		}
	}
	for k, off := range offs {
		var sum [Group]float32
		for i := range n {
			floatUnit(t, &even, &odd, w, i)
			a := floats(x[off+8*i:][:8])
			for r := range sum {
				sum[r] += odd[r] * a[1]
			}
		}
		acc := (*[Group]float32)(out[k*Group:])
		for r := range acc {
			acc[r] += sum[r]
		}
	}
}

// floatUnit reads the two columns of unit i.
func floatUnit(t quant.Type, even, odd *[Group]float32, w []byte, i int) {
	le := binary.LittleEndian
	for r := range Group {
		switch t {
		case quant.F32:
			even[r], odd[r] = getF32(w[128*i+4*r:]), getF32(w[128*i+64+4*r:])
		case quant.F16:
			even[r] = num.F16ToF32(le.Uint16(w[64*i+2*r:]))
			odd[r] = num.F16ToF32(le.Uint16(w[64*i+32+2*r:]))
		case quant.BF16:
			even[r] = num.BF16ToF32(le.Uint16(w[64*i+4*r:]))
			odd[r] = num.BF16ToF32(le.Uint16(w[64*i+4*r+2:]))
		}
	}
}

// bytesOf shows float32 values as bytes.
func bytesOf(f []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 4*len(f))
}
