package attend

import "unsafe"

// scoresGo sets the scores of queries i0..i1 and the rows, whose first is column
// col of the block. The rows are float32, s.dk wide.
func (s *Scratch) scoresGo(i0, i1, col int, k rows) {
	for i := i0; i < i1; i++ {
		q := s.q[i*s.dk : (i+1)*s.dk]
		out := s.score[i*scoreStride+col:][:k.n]
		for r := range out {
			out[r] = dotGo(q, k.row(r, s.dk))
		}
	}
}

// valuesGo adds the rows, weighted by columns col, col+1, ... of the scores, to
// the accumulators of queries i0..i1. The rows are float32, at least s.dv wide.
func (s *Scratch) valuesGo(i0, i1, col int, v rows) {
	for i := i0; i < i1; i++ {
		acc := s.acc[i*s.dv : (i+1)*s.dv]
		for r, w := range s.score[i*scoreStride+col:][:v.n] {
			for j, x := range v.row(r, s.dv) {
				acc[j] += w * x
			}
		}
	}
}

// row returns row r of a float32 matrix.
func (m *rows) row(r, width int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(m.data, r*m.stride)), width)
}

// dotGo is the sum of a[i]*b[i] in an order of its own, whatever package vec
// does. The length is a multiple of lanes.
func dotGo(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	return (s0 + s2) + (s1 + s3)
}
