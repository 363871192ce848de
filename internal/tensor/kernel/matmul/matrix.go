package matmul

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// Group is the number of rows that are packed together. Work is split between
// threads in whole groups.
const Group = 16

// A Kind says in which form activations meet the weights of a Matrix.
type Kind uint8

// The kinds of activations.
const (
	// F32 activations are float32; weights are dequantised. Exact for every type.
	F32 Kind = iota
	// Q8 activations are int8 with one float32 scale per 32 columns.
	Q8
	// Q8K activations are int8 with one float32 scale per 256 columns, and
	// integer sums per 16 columns.
	Q8K
	// BF16 activations are bfloat16, for BF16 weights: where the processor
	// multiplies such pairs, twice as fast as F32.
	BF16
	numKinds
)

// String returns "f32", "q8", "q8k" or "bf16".
func (k Kind) String() string {
	if k >= numKinds {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return [numKinds]string{"f32", "q8", "q8k", "bf16"}[k]
}

// A Matrix is a weight matrix over memory that it does not own: packed by Pack,
// or the rows of a GGUF file as they are. It is safe for concurrent use.
type Matrix struct {
	Type       quant.Type
	Rows, Cols int

	data     []byte
	lay      *layout // nil: the type has no packed layout of its own
	raw      bool    // data holds GGUF rows
	units    int     // per group, if lay is not nil
	rowBytes int     // of a GGUF row
}

// PackedSize returns the number of bytes that Pack needs for a matrix. It
// panics if the type is unknown or cols is not a whole number of its blocks;
// callers check a file with Type.RowBytes first.
func PackedSize(t quant.Type, rows, cols int) int {
	rowBytes := mustRowBytes(t, cols)
	lay := layoutOf(t)
	if lay == nil {
		return rows * rowBytes
	}
	return groupsOf(rows) * lay.groupBytes(cols)
}

// Pack converts the groups [lo, hi) of a matrix in GGUF rows, src, to the
// kernels' own layout in dst, which has PackedSize bytes. Several goroutines
// may pack different groups at the same time. Rows that do not exist in the
// last group are zeros.
func Pack(dst []byte, t quant.Type, rows, cols int, src []byte, lo, hi int) {
	rowBytes := mustRowBytes(t, cols)
	lay := layoutOf(t)
	if lay == nil {
		r0, r1 := lo*Group, min(hi*Group, rows)
		copy(dst[r0*rowBytes:r1*rowBytes], src[r0*rowBytes:r1*rowBytes])
		return
	}
	if lay.grid != nil {
		lay.grid.prepare()
	}
	size := lay.groupBytes(cols)
	for g := lo; g < hi; g++ {
		n := min(Group, rows-g*Group)
		from := src[g*Group*rowBytes:][:n*rowBytes]
		lay.packGroup(dst[g*size:][:size], from, n, rowBytes, cols)
	}
}

// Packed returns a matrix over data that Pack wrote.
func Packed(t quant.Type, rows, cols int, data []byte) (*Matrix, error) {
	m, err := newMatrix(t, rows, cols)
	if err != nil {
		return nil, err
	}
	if need := PackedSize(t, rows, cols); len(data) < need {
		return nil, fmt.Errorf("matmul: packed %s matrix %dx%d needs %d bytes, got %d", t, rows, cols, need, len(data))
	}
	m.data = data
	return m, nil
}

// Raw returns a matrix over GGUF rows as they are in the file. Results are the
// same as with packed data, but each use converts the rows anew: it is the way
// out when memory is too short to hold a packed copy.
func Raw(t quant.Type, rows, cols int, data []byte) (*Matrix, error) {
	m, err := newMatrix(t, rows, cols)
	if err != nil {
		return nil, err
	}
	if need := rows * m.rowBytes; len(data) < need {
		return nil, fmt.Errorf("matmul: %s matrix %dx%d needs %d bytes, got %d", t, rows, cols, need, len(data))
	}
	m.data, m.raw = data, true
	return m, nil
}

func newMatrix(t quant.Type, rows, cols int) (*Matrix, error) {
	rowBytes, err := t.RowBytes(cols)
	if err != nil {
		return nil, fmt.Errorf("matmul: %w", err)
	}
	if rows < 0 || cols <= 0 {
		return nil, fmt.Errorf("matmul: a matrix of %d rows and %d columns", rows, cols)
	}
	m := &Matrix{Type: t, Rows: rows, Cols: cols, rowBytes: rowBytes, lay: layoutOf(t)}
	if m.lay != nil {
		m.units = m.lay.units(cols)
		if m.lay.grid != nil {
			m.lay.grid.prepare()
		}
	}
	return m, nil
}

// Groups returns the number of groups of rows, the last of which may be partial.
func (m *Matrix) Groups() int { return groupsOf(m.Rows) }

// Kind returns the kind of activations that the matrix multiplies with. If
// exact, it is F32: slower, but without the rounding of activations to int8.
func (m *Matrix) Kind(exact bool) Kind {
	switch {
	case exact:
		return F32
	case m.Type == quant.BF16 && pairsFast():
		return BF16
	case m.lay != nil:
		return m.lay.kind
	case m.Type.BlockElems() > 1:
		return Q8
	}
	return F32
}

// Bytes returns how many bytes of weights one pass over the matrix reads.
func (m *Matrix) Bytes() int {
	if m.raw || m.lay == nil {
		return m.Rows * m.rowBytes
	}
	return m.Groups() * m.lay.groupBytes(m.Cols)
}

func groupsOf(rows int) int { return (rows + Group - 1) / Group }

func mustRowBytes(t quant.Type, cols int) int {
	n, err := t.RowBytes(cols)
	if err != nil {
		panic("matmul: " + err.Error())
	}
	return n
}
