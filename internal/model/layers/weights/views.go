package weights

import (
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// A view says which rows of a tensor make up the matrices of a stack.
type view struct {
	n     int // matrices
	first int // row of the tensor where the first matrix begins
	every int // rows from one matrix to the next
}

// firstRow returns the row of the tensor where matrix i of the stack begins.
func (m *matrix) firstRow(i int) int {
	if m.view == nil {
		return i * m.rows
	}
	return m.view.first + i*m.view.every
}

// Views declares len(dst) matrices of rows rows of cols values that lie in one
// tensor at regular distances: matrix i begins at row first+i*every. Only the
// number of values counts, not how the tensor's dimensions divide them: writers
// disagree about the shape of stacks, but not about the order of the bytes. The
// same tensor may be looked at by several calls.
func (b *Binder) Views(dst []**matmul.Matrix, name string, rows, cols, first, every int) {
	total := every * len(dst)
	t := b.find(name, nil)
	if t == nil {
		return
	}
	have := uint64(1)
	for _, d := range t.Dims[min(1, len(t.Dims)):] {
		have *= d
	}
	if len(t.Dims) == 0 || t.Dims[0] != uint64(cols) || have != uint64(total) {
		b.fail("tensor %q has shape %s, expected %d rows of %d values from the metadata", name, dimsString(t.Dims), total, cols)
		return
	}
	rowBytes, err := t.Type.RowBytes(cols)
	if err != nil {
		b.fail("tensor %q: %v", name, err)
		return
	}
	m := &matrix{t: t, rows: rows, cols: cols, dst: dst, rowBytes: rowBytes, view: &view{n: len(dst), first: first, every: every}}
	if !b.mapped {
		m.packed = matmul.PackedSize(t.Type, rows, cols)
	}
	b.matrices = append(b.matrices, m)
}

// ViewsOf is Views that makes room for n matrices in dst.
func (b *Binder) ViewsOf(dst *[]*matmul.Matrix, name string, n, rows, cols, first, every int) {
	*dst = make([]*matmul.Matrix, n)
	places := make([]**matmul.Matrix, n)
	for i := range places {
		places[i] = &(*dst)[i]
	}
	b.Views(places, name, rows, cols, first, every)
}

// Table declares a tensor {cols, rows} that is kept as float32, whatever its
// type in the file: [rows][cols].
func (b *Binder) Table(dst *[]float32, name string, rows, cols int) {
	t := b.find(name, []int{cols, rows})
	if t == nil {
		return
	}
	b.vectors = append(b.vectors, &vector{t: t, n: rows * cols, dst: []*[]float32{dst}})
}

// HalfTable is Table for a tensor that is large enough not to be widened: if its
// type in the file is F16 it goes to half and stays in half precision, else to dst.
func (b *Binder) HalfTable(dst *[]float32, half *[]uint16, name string, rows, cols int) {
	b.Table(dst, name, rows, cols)
	if b.err != nil {
		return
	}
	if v := b.vectors[len(b.vectors)-1]; v.t.Type == quant.F16 {
		v.dst, v.half = nil, half
	}
}

// FirstOf returns the first of the names that the file has a tensor of, or the
// first name if there is none: converters do not always agree on a spelling.
func (b *Binder) FirstOf(names ...string) string {
	for _, name := range names {
		if b.Has(name) {
			return name
		}
	}
	return names[0]
}
