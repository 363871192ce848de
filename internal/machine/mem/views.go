package mem

import (
	"fmt"
	"unsafe"
)

// Float32s returns b seen as float32 values. It panics if b is not aligned to 4
// bytes or not a whole number of values long.
func Float32s(b []byte) []float32 { return view[float32](b) }

// Int32s returns b seen as int32 values, under the rules of Float32s.
func Int32s(b []byte) []int32 { return view[int32](b) }

// Uint16s returns b seen as uint16 values, aligned to 2 bytes.
func Uint16s(b []byte) []uint16 { return view[uint16](b) }

// Int8s returns b seen as int8 values.
func Int8s(b []byte) []int8 { return view[int8](b) }

// view reinterprets b in place; the result shares b's memory and lifetime.
func view[T float32 | int32 | uint16 | int8](b []byte) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if len(b) == 0 {
		return nil
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if len(b)%size != 0 || uintptr(p)%uintptr(size) != 0 {
		panic(fmt.Sprintf("mem: view of %d bytes at %p as values of %d bytes: expected a whole number of values at an aligned address", len(b), p, size))
	}
	return unsafe.Slice((*T)(p), len(b)/size)
}
