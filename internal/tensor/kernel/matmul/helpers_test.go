package matmul

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// testTypes are all types that a matrix can have.
func testTypes() []quant.Type {
	var ts []quant.Type
	for _, t := range quant.Types() {
		if t.BlockElems() > 1 || layoutOf(t) != nil {
			ts = append(ts, t)
		}
	}
	return ts
}

// randomRows returns GGUF rows of random codes with scales around 1/64.
func randomRows(rng *rand.Rand, t quant.Type, rows, cols int) []byte {
	b := make([]byte, rows*mustRowBytes(t, cols))
	quant.Random(rng, t, b)
	return b
}

func randomFloats(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// value returns the dequantised activations of a row: what the integer kernels
// compute with.
func (a *Acts) value(k Kind, row, cols int) []float32 {
	b := &a.bufs[k]
	data := b.data[row*b.stride:]
	x := make([]float32, cols)
	for c := range x {
		switch k {
		case F32:
			x[c] = floats(data[:4*cols])[c]
		case Q8:
			u := data[c/q8Cols*q8Bytes:]
			x[c] = float32(int8(u[c%q8Cols])) * getF32(u[q8Scale:])
		case Q8K:
			u := data[c/q8kCols*q8kBytes:]
			x[c] = float32(int8(u[c%q8kCols])) * getF32(u[q8kScale:])
		case BF16:
			x[c] = bf16At(data[2*c:])
		}
	}
	return x
}

// product returns the product of two rows in float64 and the sum of magnitudes.
func product(w, x []float32) (sum, mag float64) {
	for i, v := range w {
		p := float64(v) * float64(x[i])
		sum += p
		mag += math.Abs(p)
	}
	return sum, mag
}

func dequantized(t testing.TB, typ quant.Type, rows, cols int, src []byte) [][]float32 {
	t.Helper()
	rowBytes := mustRowBytes(typ, cols)
	out := make([][]float32, rows)
	for r := range out {
		out[r] = make([]float32, cols)
		if err := quant.Dequantize(typ, out[r], src[r*rowBytes:][:rowBytes]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// pair returns the same matrix packed and raw.
func pair(t testing.TB, typ quant.Type, rows, cols int, src []byte) (packed, raw *Matrix) {
	t.Helper()
	data := guarded[byte](t, PackedSize(typ, rows, cols))
	for i := range data {
		data[i] = 0xee // Pack must write every byte that is read later
	}
	Pack(data, typ, rows, cols, src, 0, groupsOf(rows))
	packed, err := Packed(typ, rows, cols, data)
	if err != nil {
		t.Fatal(err)
	}
	copied := guarded[byte](t, len(src))
	copy(copied, src)
	raw, err = Raw(typ, rows, cols, copied)
	if err != nil {
		t.Fatal(err)
	}
	return packed, raw
}

func sameBits(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}
