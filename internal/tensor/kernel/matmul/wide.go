package matmul

import "github.com/holdfast-llm/holdfast/internal/tensor/quant"

// The grid types are small, and cost a dozen instructions per vector to expand.
// One to four rows of activations multiply with them directly. For more rows,
// and where the processor cannot permute bytes over 512 bits, a group is expanded
// once, and the expanded form meets all rows: a unit of 256 columns is
//
//	f32 d; i8 scale [8 blocks of 32, or 16 of 16][16 rows]; 64 vec of code+128
//
// Both ways compute the same integers, and so the same bits.
var (
	wide32 = &layout{kind: Q8K, cols: 256, bytes: 64 + 128 + 4096}
	wide16 = &layout{kind: Q8K, cols: 256, bytes: 64 + 256 + 4096}
)

// The wide layouts in the lists of kernels.
const (
	wide32Type = quant.Type(1<<16 + iota)
	wide16Type
)

func tiledLayout(t quant.Type) *layout {
	switch t {
	case wide32Type:
		return wide32
	case wide16Type:
		return wide16
	}
	return layoutOf(t)
}

// An expander writes n units of a grid type to dst as units of its wide layout.
type expander func(dst, src *byte, n int)

// widen expands n groups of m, from g on.
func (j *job) widen(wide *layout, g, n int) []byte {
	m, s := j.m, j.s
	src := m.groups(g, n, s)
	units := n * m.units
	if need := units * wide.bytes; len(s.wide) < need {
		s.wide = alignedBytes(need)
	}
	m.lay.expander()(&s.wide[0], &src[0], units)
	return s.wide
}
