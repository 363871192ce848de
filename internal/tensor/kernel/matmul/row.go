package matmul

import (
	"fmt"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// units keeps the scratch of Row, which embedding lookups call for every token.
var units = sync.Pool{New: func() any { return new(unit) }}

// Row dequantises one row of the matrix into dst, which has m.Cols elements.
// The values are those of quant.Dequantize, from packed data too.
func Row(dst []float32, m *Matrix, row int) {
	if row < 0 || row >= m.Rows || len(dst) < m.Cols {
		panic(fmt.Sprintf("matmul: row %d of %dx%d into %d values", row, m.Rows, m.Cols, len(dst)))
	}
	dst = dst[:m.Cols]
	if m.raw || m.lay == nil {
		m.rawRow(dst, row)
		return
	}
	size := m.lay.groupBytes(m.Cols)
	w, r := m.data[row/Group*size:][:size], row%Group
	if m.lay.kind == F32 {
		m.packedFloatRow(dst, w, r)
		return
	}
	u := units.Get().(*unit)
	defer units.Put(u)
	for c := 0; c < m.Cols; c += m.lay.cols {
		m.lay.unpack(u, w[c/m.lay.cols*m.lay.bytes:][:m.lay.bytes])
		u.row(dst[c:], 1, m.lay.cols, r, m.lay)
	}
}

func (m *Matrix) rawRow(dst []float32, row int) {
	src := m.data[row*m.rowBytes:][:m.rowBytes]
	if err := quant.Dequantize(m.Type, dst, src); err != nil {
		panic("matmul: " + err.Error()) // sizes were checked when the matrix was made
	}
}

func (m *Matrix) packedFloatRow(dst []float32, w []byte, r int) {
	var even, odd [Group]float32
	for c := 0; c < m.Cols; c += floatStep {
		floatUnit(m.lay.t, &even, &odd, w, c/floatStep)
		dst[c] = even[r]
		if c+1 < m.Cols {
			dst[c+1] = odd[r]
		}
	}
}

// row computes the values of row r into dst[0], dst[step], dst[2*step] ...; n of
// them. The products are exact in float32, so only the addition of a minimum
// rounds.
func (u *unit) row(dst []float32, step, n, r int, lay *layout) {
	q := u.q[r][:n]
	d, dm := u.d[r], u.dm[r]
	switch {
	case lay.kind == Q8 && lay.hasMin:
		for c, v := range q {
			dst[c*step] = float32(d*float32(v)) + dm
		}
	case lay.halves:
		for c, v := range q {
			if c == 16 {
				d = dm
			}
			dst[c*step] = d * float32(v)
		}
	case lay.kind == Q8:
		for c, v := range q {
			dst[c*step] = d * float32(v)
		}
	case lay.hasMin:
		for c, v := range q {
			scale, min := d*float32(u.scale[c/16][r]), dm*float32(u.min[c/16][r])
			dst[c*step] = float32(scale*float32(v)) - min
		}
	default:
		for c, v := range q {
			dst[c*step] = d * float32(u.scale[c/16][r]) * float32(v)
		}
	}
}

// dequantizeGroup fills s.vals with group g: [cols][Group], rows that do not
// exist as zeros.
func (j *job) dequantizeGroup(g int) {
	m, s := j.m, j.s
	n := min(Group, m.Rows-g*Group)
	if n < Group || m.Cols%floatStep != 0 {
		clear(s.vals)
	}
	if m.lay != nil && m.lay.kind != F32 && !m.raw {
		j.dequantizePacked(g, n)
		return
	}
	if len(s.rows) < Group*m.Cols {
		s.rows = make([]float32, Group*m.Cols)
	}
	for r := range n {
		m.rawRow(s.rows[r*m.Cols:][:m.Cols], g*Group+r)
	}
	gather(bytesOf(s.vals), 4*Group, bytesOf(s.rows), 4*m.Cols, n, m.Cols)
}

func (j *job) dequantizePacked(g, n int) {
	m, s := j.m, j.s
	w := m.groups(g, 1, s)
	for c := 0; c < m.Cols; c += m.lay.cols {
		m.lay.unpack(&s.unit, w[c/m.lay.cols*m.lay.bytes:][:m.lay.bytes])
		for r := range n {
			s.unit.row(s.vals[c*Group+r:], Group, m.lay.cols, r, m.lay)
		}
	}
}
