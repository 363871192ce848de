// Package weights finds the tensors of a model in its file, says what they will
// cost, and brings them into memory.
//
// An architecture declares each tensor with the shape it must have and a place
// to put the result. After the declarations the Binder knows every size, so a
// plan costs no memory, and Load can reserve one arena for everything and let
// all threads copy at once.
package weights

import (
	"fmt"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// A Binder collects the tensors of one model. The first thing that is wrong is
// kept; declarations after it do nothing.
type Binder struct {
	f        *gguf.File
	mapped   bool // matrices stay in the file's mapping
	matrices []*matrix
	vectors  []*vector
	seen     map[string][]*matrix
	err      error
}

// matrix is one declared tensor: a single matrix or a stack of them, one per expert.
type matrix struct {
	t          *gguf.Tensor
	rows, cols int
	dst        []**matmul.Matrix // where to put each matrix of the stack
	rowBytes   int
	packed     int // bytes of one matrix of the stack, packed
	view       *view
}

// vector is a tensor that is kept as float32, or in half precision if half is not
// nil.
type vector struct {
	t    *gguf.Tensor
	n    int
	dst  []*[]float32
	half *[]uint16
}

// bytes returns the memory that the vector takes.
func (v *vector) bytes() int {
	if v.half != nil {
		return 2 * v.n
	}
	return 4 * v.n
}

// NewBinder returns a Binder for f. With keepMapped the matrices use the file's
// mapping in place, which must then stay open as long as they are used.
func NewBinder(f *gguf.File, keepMapped bool) *Binder {
	return &Binder{f: f, mapped: keepMapped, seen: map[string][]*matrix{}}
}

// Err returns the first error of all declarations.
func (b *Binder) Err() error { return b.err }

// Has reports whether the file has a tensor.
func (b *Binder) Has(name string) bool {
	_, ok := b.f.Tensor(name)
	return ok
}

// Matrix declares a required matrix of rows rows of cols values; dst is set by
// Load. A tensor that was declared before, such as tied embeddings, is shared.
func (b *Binder) Matrix(dst **matmul.Matrix, name string, rows, cols int) {
	b.Stack([]**matmul.Matrix{dst}, name, rows, cols)
}

// Experts declares a stack of n matrices, stored one after the other in one
// tensor, and makes room for them in dst.
func (b *Binder) Experts(dst *[]*matmul.Matrix, name string, n, rows, cols int) {
	if b.err != nil {
		return // sizes that are wrong must not cost memory for every layer
	}
	*dst = make([]*matmul.Matrix, n)
	places := make([]**matmul.Matrix, n)
	for i := range places {
		places[i] = &(*dst)[i]
	}
	b.Stack(places, name, rows, cols)
}

// Stack declares len(dst) matrices that share one tensor {cols, rows, len(dst)}.
func (b *Binder) Stack(dst []**matmul.Matrix, name string, rows, cols int) {
	shape := []int{cols, rows}
	if len(dst) > 1 {
		shape = append(shape, len(dst))
	}
	t := b.find(name, shape)
	if t == nil {
		return
	}
	for _, old := range b.seen[name] {
		if len(old.dst)%len(dst) == 0 && old.rows == rows && old.cols == cols {
			old.dst = append(old.dst, dst...)
			return
		}
	}
	rowBytes, err := t.Type.RowBytes(cols)
	if err != nil {
		b.fail("tensor %q: %v", name, err)
		return
	}
	m := &matrix{t: t, rows: rows, cols: cols, dst: dst, rowBytes: rowBytes}
	if !b.mapped {
		m.packed = matmul.PackedSize(t.Type, rows, cols)
	}
	b.matrices = append(b.matrices, m)
	b.seen[name] = append(b.seen[name], m)
}

// Vector declares a required vector of n values that is kept as float32,
// whatever its type in the file.
func (b *Binder) Vector(dst *[]float32, name string, n int) {
	t := b.find(name, []int{n})
	if t == nil {
		return
	}
	b.vectors = append(b.vectors, &vector{t: t, n: n, dst: []*[]float32{dst}})
}

// OptVector declares a vector that need not be there; dst stays nil then.
func (b *Binder) OptVector(dst *[]float32, name string, n int) {
	if b.Has(name) {
		b.Vector(dst, name, n)
	}
}

// find returns a tensor of the given shape (GGUF order, the contiguous axis
// first) or records what is wrong with it. Dimensions of 1 at the end do not
// count. A nil shape leaves the check to the caller.
func (b *Binder) find(name string, shape []int) *gguf.Tensor {
	if b.err != nil {
		return nil
	}
	t, ok := b.f.Tensor(name)
	if !ok {
		with := ""
		if shape != nil {
			with = " with shape " + shapeString(shape)
		}
		b.fail("tensor %q is missing: a complete %s file has it%s; the file is incomplete, or made for another architecture or version",
			name, b.f.Arch(), with)
		return nil
	}
	if shape != nil && !sameShape(t.Dims, shape) {
		b.fail("tensor %q has shape %s, expected %s from the metadata", name, dimsString(t.Dims), shapeString(shape))
		return nil
	}
	if !t.Type.Known() {
		b.fail("tensor %q has the unknown type %d", name, uint32(t.Type))
		return nil
	}
	return t
}

func (b *Binder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("model: "+format, args...)
	}
}

func sameShape(dims []uint64, shape []int) bool {
	for i := range max(len(dims), len(shape)) {
		have, want := uint64(1), uint64(1)
		if i < len(dims) {
			have = dims[i]
		}
		if i < len(shape) {
			want = uint64(shape[i])
		}
		if have != want {
			return false
		}
	}
	return true
}

func dimsString(dims []uint64) string { return "{" + strings.Trim(fmt.Sprint(dims), "[]") + "}" }

func shapeString(shape []int) string { return "{" + strings.Trim(fmt.Sprint(shape), "[]") + "}" }

// Sizes is what the declared tensors take.
type Sizes struct {
	Packed  int64 // matrices in the kernels' layout
	Mapped  int64 // matrices left in the file's mapping
	Vectors int64 // vectors and tables
	Types   map[quant.Type]int64
}

// Total returns the bytes outside the file's mapping.
func (s Sizes) Total() int64 { return s.Packed + s.Vectors }

// Parts lists the sizes for a memory report, without what there is none of.
func (s Sizes) Parts() []model.MemoryPart {
	var parts []model.MemoryPart
	for _, p := range []model.MemoryPart{
		{Name: "weights", Bytes: s.Packed},
		{Name: "weights (mapped)", Bytes: s.Mapped},
		{Name: "vectors", Bytes: s.Vectors},
	} {
		if p.Bytes > 0 {
			parts = append(parts, p)
		}
	}
	return parts
}

// Outline fills the declared places with matrices that have a type and columns
// but no rows, for a plan that asks what activations they need.
func (b *Binder) Outline() error {
	if b.err != nil {
		return b.err
	}
	for _, m := range b.matrices {
		w, err := matmul.Raw(m.t.Type, 0, m.cols, nil)
		if err != nil {
			return fmt.Errorf("model: tensor %q: %w", m.t.Name, err)
		}
		for _, dst := range m.dst {
			*dst = w
		}
	}
	return nil
}

// Sizes adds up the declared tensors without loading them.
func (b *Binder) Sizes() Sizes {
	s := Sizes{Types: map[quant.Type]int64{}}
	for _, m := range b.matrices {
		s.Types[m.t.Type] += m.t.Size
		if b.mapped {
			s.Mapped += int64(m.count()) * int64(m.rowBytes) * int64(m.rows)
		} else {
			s.Packed += int64(m.count()) * int64(align(m.packed))
		}
	}
	for _, v := range b.vectors {
		s.Vectors += int64(align(v.bytes()))
	}
	return s
}

// count returns how many matrices the tensor holds; dst may list each of them
// more than once.
func (m *matrix) count() int {
	if m.view != nil {
		return m.view.n
	}
	n := 1
	for _, d := range m.t.Dims[min(2, len(m.t.Dims)):] {
		n *= int(d)
	}
	return n
}

// lineBytes is the alignment of everything in the arena: one cache line.
const lineBytes = 64

func align(n int) int { return (n + lineBytes - 1) &^ (lineBytes - 1) }
