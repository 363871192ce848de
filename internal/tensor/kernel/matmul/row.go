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
		u.row(dst[c:min(c+m.lay.cols, m.Cols)], r, m.lay)
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

// row computes the values of row r. The products are exact in float32, so only
// the addition of a minimum rounds.
func (u *unit) row(dst []float32, r int, lay *layout) {
	for c := range dst {
		q := float32(u.q[r][c])
		switch {
		case lay.kind == Q8 && lay.hasMin:
			dst[c] = float32(u.d[r]*q) + u.dm[r]
		case lay.kind == Q8:
			dst[c] = u.d[r] * q
		case lay.hasMin:
			dst[c] = float32(float32(u.d[r]*float32(u.scale[c/16][r]))*q) - float32(u.dm[r]*float32(u.min[c/16][r]))
		default:
			dst[c] = u.d[r] * float32(u.scale[c/16][r]) * q
		}
	}
}

// dequantizeGroup fills s.vals with group g: [cols][Group], rows that do not
// exist as zeros.
func (j *job) dequantizeGroup(g int) {
	m, s := j.m, j.s
	clear(s.vals)
	if m.lay != nil && m.lay.kind != F32 && !m.raw {
		j.dequantizePacked(g)
		return
	}
	if len(s.row) < m.Cols {
		s.row = make([]float32, m.Cols)
	}
	for r := range min(Group, m.Rows-g*Group) {
		m.rawRow(s.row[:m.Cols], g*Group+r)
		for c, v := range s.row[:m.Cols] {
			s.vals[c*Group+r] = v
		}
	}
}

func (j *job) dequantizePacked(g int) {
	m, s := j.m, j.s
	var row [256]float32
	w := m.groups(g, 1, s)
	for c := 0; c < m.Cols; c += m.lay.cols {
		m.lay.unpack(&s.unit, w[c/m.lay.cols*m.lay.bytes:][:m.lay.bytes])
		for r := range min(Group, m.Rows-g*Group) {
			s.unit.row(row[:m.lay.cols], r, m.lay)
			for i, v := range row[:m.lay.cols] {
				s.vals[(c+i)*Group+r] = v
			}
		}
	}
}
