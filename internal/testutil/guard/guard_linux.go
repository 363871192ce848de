package guard

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Slice returns n zero elements that end exactly at an inaccessible page, so
// that a kernel that reads or writes one byte too far faults instead of
// passing: the allocator of the heap rounds sizes up and hides that. The memory
// goes back at the end of the test. T must hold no pointers.
func Slice[T any](t testing.TB, n int) []T {
	t.Helper()
	return unsafe.Slice((*T)(place(t, n, unsafe.Sizeof(*new(T)), true)), n)
}

// After is like Slice, but the elements begin exactly behind an inaccessible
// page.
func After[T any](t testing.TB, n int) []T {
	t.Helper()
	return unsafe.Slice((*T)(place(t, n, unsafe.Sizeof(*new(T)), false)), n)
}

// place maps the pages that n elements need and an inaccessible one on each
// side, and returns where the elements begin.
func place(t testing.TB, n int, size uintptr, atEnd bool) unsafe.Pointer {
	t.Helper()
	page := unix.Getpagesize()
	bytes := n * int(size)
	body := max(1, (bytes+page-1)/page) * page
	mem, err := unix.Mmap(-1, 0, body+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatalf("guard: mapping %d bytes: %v", body+2*page, err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(mem); err != nil {
			t.Errorf("guard: %v", err)
		}
	})
	for _, p := range [][]byte{mem[:page], mem[page+body:]} {
		if err := unix.Mprotect(p, unix.PROT_NONE); err != nil {
			t.Fatalf("guard: %v", err)
		}
	}
	at := page
	if atEnd {
		at += body - bytes
	}
	return unsafe.Pointer(unsafe.SliceData(mem[at:]))
}
