package attend

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// An Elem is a number format of cache rows.
type Elem uint8

// The formats. Q8_0 is blocks of one little-endian float32 scale and 32 int8;
// the last block of a row is filled up with zeros. The scale is not half
// precision, which some models' keys overflow.
const (
	F32 Elem = iota
	F16
	BF16
	Q8_0
)

const (
	blockElems = 32
	blockBytes = 4 + blockElems
)

var elemNames = [...]string{"f32", "f16", "bf16", "q8_0"}

// ParseElem returns the format with the given name: f32, f16, bf16, q8_0.
func ParseElem(name string) (Elem, error) {
	for i, n := range elemNames {
		if n == name {
			return Elem(i), nil
		}
	}
	return 0, fmt.Errorf("attend: cache type %q is not one of f32, f16, bf16, q8_0", name)
}

// String returns the format's name.
func (e Elem) String() string {
	if int(e) >= len(elemNames) {
		return fmt.Sprintf("Elem(%d)", uint8(e))
	}
	return elemNames[e]
}

// RowBytes returns the size of a row of dim elements, a multiple of 2.
func (e Elem) RowBytes(dim int) int {
	switch e {
	case F32:
		return 4 * dim
	case F16, BF16:
		return 2 * dim
	default:
		return (dim + blockElems - 1) / blockElems * blockBytes
	}
}

// Store writes x as a row. dst must hold RowBytes(len(x)) bytes and begin at a
// multiple of the element's size (4 for Q8_0's scale).
func (e Elem) Store(dst []byte, x []float32) {
	dst = dst[:e.RowBytes(len(x))]
	switch e {
	case F32:
		copy(view[float32](dst), x)
	case F16:
		vec.F32ToF16(view[uint16](dst), x)
	case BF16:
		vec.F32ToBF16(view[uint16](dst), x)
	default:
		storeQ8(dst, x)
	}
}

func storeQ8Go(dst []byte, x []float32) {
	for ; len(x) > 0; dst = dst[blockBytes:] {
		n := min(len(x), blockElems)
		storeBlock(dst[:blockBytes], x[:n])
		x = x[n:]
	}
}

// storeBlock writes up to 32 elements as one block. A block that holds a number
// that is not finite becomes all NaN, so that the fault shows.
func storeBlock(dst []byte, x []float32) {
	q := view[int8](dst[4:])
	clear(q)
	var top float32
	finite := true
	for _, v := range x {
		a := max(v, -v)
		top = max(top, a)
		finite = finite && a <= math.MaxFloat32
	}
	d := top / 127
	if d < 1e-38 { // its inverse could overflow
		d = 0
	}
	if !finite {
		d = float32(math.NaN())
	}
	view[float32](dst[:4])[0] = d
	if d > 0 {
		inv := 1 / d
		for i, v := range x {
			q[i] = int8(math.RoundToEven(float64(v * inv)))
		}
	}
}

// Load reads a row of len(dst) elements.
func (e Elem) Load(dst []float32, src []byte) {
	src = src[:e.RowBytes(len(dst))]
	switch e {
	case F32:
		copy(dst, view[float32](src))
	case F16:
		vec.F16ToF32(dst, view[uint16](src))
	case BF16:
		vec.BF16ToF32(dst, view[uint16](src))
	default:
		loadQ8(dst, src)
	}
}

func loadQ8Go(dst []float32, src []byte) {
	for ; len(dst) > 0; src = src[blockBytes:] {
		n := min(len(dst), blockElems)
		d := view[float32](src[:4])[0]
		for i, q := range view[int8](src[4 : 4+n]) {
			dst[i] = d * float32(q)
		}
		dst = dst[n:]
	}
}

// view returns b as a slice of T, in the machine's byte order, which is
// little-endian on everything Go code here runs on.
func view[T any](b []byte) []T {
	if len(b) == 0 {
		return nil
	}
	var t T
	size := unsafe.Sizeof(t)
	p := unsafe.Pointer(&b[0])
	if uintptr(p)%size != 0 {
		panic("attend: a row does not begin at a multiple of its element size")
	}
	return unsafe.Slice((*T)(p), uintptr(len(b))/size)
}
