package matmul

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// Mul computes products of a matrix with n rows of activations:
//
//	dst[i*ld+o] = sum over c of m[o][c] * a[rows[i]][c]
//
// for the outputs o of groups [lo, hi) and i in [0, n). rows == nil means rows
// 0 to n-1. The rows must have been set in kind k, which is m.Kind(false) or
// F32. Calls for different groups, or with different dst, may run at the same
// time, each with a Scratch of its own.
func Mul(dst []float32, ld int, m *Matrix, lo, hi int, a *Acts, k Kind, rows []int32, n int, s *Scratch) {
	mul(&job{dst: dst, ld: ld, m: m, rows: rows, n: n, s: s}, a, k, lo, hi)
}

// MulAdd is Mul with the sums added to what dst holds.
func MulAdd(dst []float32, ld int, m *Matrix, lo, hi int, a *Acts, k Kind, rows []int32, n int, s *Scratch) {
	mul(&job{dst: dst, ld: ld, m: m, rows: rows, n: n, s: s, add: true}, a, k, lo, hi)
}

// A job is one call of Mul.
type job struct {
	dst  []float32
	ld   int
	m    *Matrix
	acts *actBuf
	rows []int32
	n    int
	s    *Scratch
	add  bool
	base int // the first row, if rows is nil
}

// from returns the job without its first n rows.
func (j *job) from(n int) job {
	rest := *j
	rest.dst, rest.n = rest.dst[n*rest.ld:], rest.n-n
	if rest.rows == nil {
		rest.base += n
	} else {
		rest.rows = rest.rows[n:]
	}
	return rest
}

func mul(j *job, a *Acts, k Kind, lo, hi int) {
	m := j.m
	if j.n == 0 || lo >= hi {
		return
	}
	j.check(a, k, lo, hi)
	j.acts = &a.bufs[k]
	switch {
	case k == BF16:
		j.brains(lo, hi)
	case k == F32 && m.lay != nil && m.lay.kind == F32:
		j.floats(lo, hi)
	case k == F32:
		j.exact(lo, hi)
	default:
		j.ints(lo, hi)
	}
}

func (j *job) check(a *Acts, k Kind, lo, hi int) {
	m := j.m
	switch {
	case k != F32 && k != m.Kind(false) && (k != BF16 || m.Type != quant.BF16):
		panic(fmt.Sprintf("matmul: %s matrix with activations of kind %s", m.Type, k))
	case lo < 0 || hi > m.Groups():
		panic(fmt.Sprintf("matmul: groups %d to %d of %d", lo, hi, m.Groups()))
	case j.rows != nil && len(j.rows) < j.n:
		panic(fmt.Sprintf("matmul: %d row numbers for %d rows", len(j.rows), j.n))
	case m.Cols > a.maxCols || j.rows == nil && j.n > a.maxRows:
		panic(fmt.Sprintf("matmul: %d rows of %d columns in acts of %dx%d", j.n, m.Cols, a.maxRows, a.maxCols))
	case a.bufs[k].data == nil:
		panic(fmt.Sprintf("matmul: no activations of kind %s were set", k))
	}
	for _, r := range j.rows[:min(j.n, len(j.rows))] {
		if r < 0 || int(r) >= a.maxRows {
			panic(fmt.Sprintf("matmul: row %d of %d", r, a.maxRows))
		}
	}
	if last := (j.n-1)*j.ld + min(hi*Group, m.Rows); last > len(j.dst) {
		panic(fmt.Sprintf("matmul: %d values of dst, want %d", len(j.dst), last))
	}
}

// row returns the number in Acts of row i of the job.
func (j *job) row(i int) int {
	if j.rows == nil {
		return j.base + i
	}
	return int(j.rows[i])
}

// setOffs fills s.offs for a tile of size rows, of which the first n are rows
// i, i+1, ... of the job; the others repeat the last, and their results are
// not used.
func (j *job) setOffs(i, n, size int) []int {
	for t := range size {
		j.s.offs[t] = j.row(i+min(t, n-1)) * j.acts.stride
	}
	return j.s.offs[:size]
}

// store writes the sums of group g for n rows from row i on.
func (j *job) store(tile []float32, g, i, n int) {
	o := g * Group
	width := min(Group, j.m.Rows-o)
	if width == Group && storeFull(j.dst[i*j.ld+o:], j.ld, tile, n, j.add) {
		return
	}
	for t := range n {
		to := j.dst[(i+t)*j.ld+o:][:width]
		from := tile[t*Group:][:width]
		if !j.add {
			copy(to, from)
			continue
		}
		for r, v := range from {
			to[r] += v
		}
	}
}

// layout returns the layout that the integer kernels see.
func (m *Matrix) layout() *layout {
	if m.lay == nil {
		return panel
	}
	return m.lay
}

// groups returns the packed bytes of n groups from g on, converting them into s
// if the matrix is not packed.
func (m *Matrix) groups(g, n int, s *Scratch) []byte {
	lay := m.layout()
	size := lay.groupBytes(m.Cols)
	if !m.raw && m.lay != nil {
		return m.data[g*size:][:n*size]
	}
	dst := s.bytes(n * size)
	for i := range n {
		rows := min(Group, m.Rows-(g+i)*Group)
		src := m.data[(g+i)*Group*m.rowBytes:][:rows*m.rowBytes]
		if m.lay != nil {
			lay.packGroup(dst[i*size:][:size], src, rows, m.rowBytes, m.Cols)
		} else {
			fillPanel(dst[i*size:][:size], m.Type, src, rows, m.rowBytes, m.Cols, s)
		}
	}
	return dst
}

// ints runs the integer kernels.
func (j *job) ints(lo, hi int) {
	if n := j.amx(lo, hi); n > 0 {
		if n < j.n {
			rest := j.from(n)
			rest.ints(lo, hi)
		}
		return
	}
	lay := j.m.layout()
	ks := lay.kernels()
	if wide := lay.wide; wide != nil && lay.expander() != nil && (ks == nil || j.n > ks[len(ks)-1].rows) {
		if wk := wide.kernels(); wk != nil {
			j.tiles(wide, wk, lo, hi)
			return
		}
	}
	if ks != nil {
		arranged := j.arrange(lay)
		arranged.tiles(lay, ks, lo, hi)
		return
	}
	units := lay.units(j.m.Cols)
	for g := lo; g < hi; g++ {
		w := j.m.groups(g, 1, j.s)
		for i := 0; i < j.n; i += maxTile {
			n := min(maxTile, j.n-i)
			lay.portable(&j.s.unit, w, units, j.acts.data, j.setOffs(i, n, n), j.s.tile[:], false)
			j.store(j.s.tile[:], g, i, n)
		}
	}
}
