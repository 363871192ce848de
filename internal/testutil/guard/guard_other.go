//go:build !linux

package guard

import (
	"bytes"
	"testing"
	"unsafe"
)

// canary fills the fences.
const canary = 0xA5

// fence is how many bytes before and behind a slice must not change.
const fence = 256

// Slice returns n zero elements between bytes that the end of the test finds
// unchanged, or fails. It notices writes only. T must hold no pointers.
func Slice[T any](t testing.TB, n int) []T {
	t.Helper()
	size := n * int(unsafe.Sizeof(*new(T)))
	mem := make([]byte, fence+size+fence)
	want := bytes.Repeat([]byte{canary}, fence)
	copy(mem, want)
	copy(mem[fence+size:], want)
	t.Cleanup(func() {
		if !bytes.Equal(mem[:fence], want) || !bytes.Equal(mem[fence+size:], want) {
			t.Error("guard: bytes around a slice have changed")
		}
	})
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(mem[fence:]))), n)
}

// After is the same as Slice here.
func After[T any](t testing.TB, n int) []T {
	t.Helper()
	return Slice[T](t, n)
}
