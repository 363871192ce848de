package matmul

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"unsafe"
)

// Sizes of one unit of activations.
//
// A Q8 unit is 32 columns:
//
//	 0  [32]int8  codes
//	32  float32   scale d: x = d*code, rounded to 11 bits by roundScale
//	36  float32   d * sum of the codes, for types with a minimum, rounded likewise
//	40  int32     -128 * sum of the codes, for weights that are stored as code+128
//	44  int32     -128 * sum of the first 16 codes
//
// A Q8K unit is 256 columns:
//
//	  0  [256]int8   codes
//	256  [16]int32   -128 * sum of each 16 codes
//	320  [16]int16   sum of each 16 codes
//	352  [8]int16    sum of each 32 codes
//	368  float32     scale
const (
	q8Cols  = 32
	q8Bytes = 48
	q8Scale = 32
	q8Sum   = 36
	q8Neg   = 40
	q8Neg16 = 44

	q8kCols  = 256
	q8kBytes = 384
	q8kNeg   = 256
	q8kSum16 = 320
	q8kSum32 = 352
	q8kScale = 368
)

// tiny is the largest magnitude below which a whole block of activations counts
// as zero, so that neither 127/max nor a product of scales leaves the range of
// normal float32 numbers.
const tiny = 1e-20

// Acts holds activation rows in every kind that they were set in.
type Acts struct {
	maxRows, maxCols int
	bufs             [numKinds]actBuf
}

// actBuf is the memory of one kind, made when the kind is first used.
type actBuf struct {
	once   sync.Once
	data   []byte
	stride int // bytes per row
}

// NewActs returns room for maxRows rows of up to maxCols columns. Memory for a
// kind is taken when the kind is first set.
func NewActs(maxRows, maxCols int) *Acts {
	return &Acts{maxRows: maxRows, maxCols: maxCols}
}

// Bytes returns how much memory the kinds used so far take.
func (a *Acts) Bytes() int {
	n := 0
	for i := range a.bufs {
		n += len(a.bufs[i].data)
	}
	return n
}

// Set converts one row of activations to kind k. len(x) is the number of
// columns; Q8 needs a multiple of 32 and Q8K of 256. Different rows may be set
// by different goroutines at the same time.
//
// The code of x is x*(127/max) rounded to the nearest even integer, where max is
// the largest magnitude of the block; the scale is max/127, and in Q8 rounded
// as ggml rounds it.
func (a *Acts) Set(k Kind, row int, x []float32) {
	if row < 0 || row >= a.maxRows || len(x) > a.maxCols {
		panic(fmt.Sprintf("matmul: Set of row %d with %d columns in acts of %dx%d", row, len(x), a.maxRows, a.maxCols))
	}
	b := a.buf(k)
	dst := b.data[row*b.stride:][:b.stride]
	switch k {
	case F32:
		setF32(dst, x)
	case Q8:
		checkCols(len(x), q8Cols)
		quantizeQ8(dst, x)
	case Q8K:
		checkCols(len(x), q8kCols)
		quantizeQ8K(dst, x)
	case BF16:
		setBF16(dst, x)
		clear(dst[2*len(x) : roundUp(2*len(x), 64)]) // units and tiles are whole
	}
}

// Prepare takes the memory for the given kinds now.
func (a *Acts) Prepare(kinds ...Kind) {
	for _, k := range kinds {
		a.buf(k)
	}
}

// Float returns the float32 values of a row that was set in kind F32.
func (a *Acts) Float(row, cols int) []float32 {
	b := a.buf(F32)
	return floats(b.data[row*b.stride:][:4*cols])
}

func checkCols(n, unit int) {
	if n%unit != 0 {
		panic(fmt.Sprintf("matmul: %d columns, want a multiple of %d", n, unit))
	}
}

func (a *Acts) buf(k Kind) *actBuf {
	b := &a.bufs[k]
	b.once.Do(func() {
		var n int
		switch k {
		case F32:
			n = 4 * roundUp(a.maxCols, floatStep)
		case Q8:
			n = q8Bytes * ((a.maxCols + q8Cols - 1) / q8Cols)
		case Q8K:
			n = q8kBytes * ((a.maxCols + q8kCols - 1) / q8kCols)
		case BF16:
			n = 2 * roundUp(a.maxCols, floatStep)
		}
		// An odd number of cache lines: rows at a power of two from each other
		// would fall into the same few sets of the first-level cache.
		b.stride = roundUp(n, 64) | 64
		b.data = alignedBytes(b.stride * a.maxRows)
	})
	return b
}

func setF32(dst []byte, x []float32) {
	f := floats(dst)
	n := copy(f, x)
	clear(f[n:roundUp(n, floatStep)])
}

// quantizeQ8Go is the definition of the conversion to Q8.
func quantizeQ8Go(dst []byte, x []float32) {
	for len(x) > 0 {
		d, inv := scaleOf(x[:q8Cols])
		first := roundTo8(dst[:16], x[:16], inv)
		sum := first + roundTo8(dst[16:32], x[16:32], inv)
		putF32(dst[q8Scale:], roundScale(d))
		putF32(dst[q8Sum:], roundScale(d*float32(sum)))
		binary.LittleEndian.PutUint32(dst[q8Neg:], uint32(-128*sum))
		binary.LittleEndian.PutUint32(dst[q8Neg16:], uint32(-128*first))
		x, dst = x[q8Cols:], dst[q8Bytes:]
	}
}

// quantizeQ8KGo is the definition of the conversion to Q8K.
func quantizeQ8KGo(dst []byte, x []float32) {
	for len(x) > 0 {
		d, inv := scaleOf(x[:q8kCols])
		var sums [16]int32
		for i := range sums {
			sums[i] = roundTo8(dst[16*i:16*i+16], x[16*i:16*i+16], inv)
			binary.LittleEndian.PutUint32(dst[q8kNeg+4*i:], uint32(-128*sums[i]))
			binary.LittleEndian.PutUint16(dst[q8kSum16+2*i:], uint16(sums[i]))
		}
		for i := range 8 {
			binary.LittleEndian.PutUint16(dst[q8kSum32+2*i:], uint16(sums[2*i]+sums[2*i+1]))
		}
		putF32(dst[q8kScale:], d)
		x, dst = x[q8kCols:], dst[q8kBytes:]
	}
}

// scaleOf returns the scale of a block and its inverse. If a value is not
// finite, what comes out of the block is arbitrary.
func scaleOf(x []float32) (d, inv float32) {
	var m float32
	for _, v := range x {
		m = max(m, float32(math.Abs(float64(v))))
	}
	if m < tiny {
		return 0, 0
	}
	return m / 127, 127 / m
}

// roundScale rounds d to the 11 significant bits of a half precision number but
// keeps float32's range, which half precision would lose: V3's activations
// overflow it.
//
// ggml keeps these scales in half precision. The rounding costs nothing next to
// that of the codes, whose error is several times larger, and with it the logits of
// a quantised file are those that llama.cpp computes, to float32 rounding. Two
// engines with equally good but different roundings differ from each other by
// as much as either differs from the truth.
func roundScale(d float32) float32 {
	b := math.Float32bits(d)
	b += 0xfff + b>>13&1 // half of the last kept bit; a tie goes to the even one
	return math.Float32frombits(b &^ 0x1fff)
}

// roundTo8 stores x*inv, rounded to the nearest even integer, and returns the sum.
func roundTo8(dst []byte, x []float32, inv float32) int32 {
	var sum int32
	for i, v := range x {
		q := int32(math.RoundToEven(float64(v * inv)))
		q = max(-127, min(127, q))
		dst[i] = byte(q)
		sum += q
	}
	return sum
}

func putF32(b []byte, v float32) { binary.LittleEndian.PutUint32(b, math.Float32bits(v)) }

func getU32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

func getF32(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// alignedBytes returns n zero bytes at an address that is a multiple of 64.
func alignedBytes(n int) []byte {
	b := make([]byte, n+63)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & 63
	return b[skip : skip+n : skip+n]
}

// floats shows bytes at a multiple of 4 as float32 values.
func floats(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}
