package guard

import (
	"runtime"
	"runtime/debug"
	"testing"
	"unsafe"
)

func TestSliceFaultsBehindItsEnd(t *testing.T) {
	faults := func(p *byte) (ok bool) {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() { ok = recover() != nil }()
		*p++
		return false
	}
	for _, n := range []int{1, 7, 4096, 5000} {
		s := Slice[byte](t, n)
		for i := range s {
			s[i]++
		}
		a := After[byte](t, n)
		for i := range a {
			a[i]++
		}
		if runtime.GOOS != "linux" {
			continue
		}
		if !faults((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), n))) {
			t.Errorf("n=%d: no fault behind the end", n)
		}
		if !faults((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(a)), -1))) {
			t.Errorf("n=%d: no fault before the beginning", n)
		}
	}
}
