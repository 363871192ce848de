package mem

import (
	"errors"
	"math"
	"sync"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

func TestArenaAlloc(t *testing.T) {
	a, err := NewArena(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Free()
	f := func(n, align, wantAlign int) {
		t.Helper()
		b, err := a.Alloc(n, align)
		if err != nil {
			t.Fatalf("Alloc(%d, %d): %v", n, align, err)
		}
		if len(b) != n || cap(b) != n || address(b)%uintptr(wantAlign) != 0 {
			t.Errorf("Alloc(%d, %d): length %d, capacity %d, address %#x", n, align, len(b), cap(b), address(b))
		}
		for i := range b {
			if b[i] != 0 {
				t.Fatalf("Alloc(%d, %d): byte %d is %d", n, align, i, b[i])
			}
			b[i] = 0xff
		}
	}
	f(1, 1, 1)
	f(100, 0, 64)
	f(3, 2, 2)
	f(1, 4096, 4096)
	f(0, 64, 1)
	if a.Used() < 4097 || a.Used() > 3*4096 || a.Size() != 1<<20 {
		t.Errorf("used %d of %d", a.Used(), a.Size())
	}
	bad := func(n, align int, want error) {
		t.Helper()
		used := a.Used()
		b, err := a.Alloc(n, align)
		if err == nil || want != nil && !errors.Is(err, want) || b != nil || a.Used() != used {
			t.Errorf("Alloc(%d, %d) = %d bytes, %v", n, align, len(b), err)
		}
	}
	bad(1<<20, 1, ErrFull)
	bad(math.MaxInt, 64, ErrFull)
	bad(-1, 1, nil)
	bad(1, 3, nil)
	bad(1, -8, nil)
}

// TestArenaFits hands out an arena to its last byte.
func TestArenaFits(t *testing.T) {
	for _, size := range []int{0, 1, 4095, 4097, hugePage - 1, hugePage, 2*hugePage + 5} {
		a, err := NewArena(size)
		if err != nil {
			t.Fatal(err)
		}
		b, err := a.Alloc(size, 64)
		if err != nil {
			t.Fatalf("arena of %d: %v", size, err)
		}
		if size > 0 {
			b[0], b[size-1] = 1, 1
		}
		if _, err := a.Alloc(1, 1); !errors.Is(err, ErrFull) {
			t.Errorf("arena of %d: one byte too many: %v", size, err)
		}
		if err := a.Free(); err != nil {
			t.Error(err)
		}
	}
}

func TestArenaFreed(t *testing.T) {
	a, err := NewArena(100)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := a.Free(); err != nil {
			t.Error(err)
		}
	}
	if _, err := a.Alloc(1, 1); !errors.Is(err, ErrFreed) {
		t.Errorf("alloc after free: %v", err)
	}
	if a.Used() != 0 || a.Size() != 0 {
		t.Errorf("used %d of %d", a.Used(), a.Size())
	}
}

func TestArenaOutOfRange(t *testing.T) {
	for _, size := range []int{-1, math.MaxInt, math.MaxInt - hugePage} {
		if a, err := NewArena(size); err == nil {
			a.Free()
			t.Errorf("an arena of %d bytes was made", size)
		}
	}
}

// TestArenaLaw: slices are aligned, zeroed and never overlap.
func TestArenaLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, err := NewArena(rapid.IntRange(0, 1<<16).Draw(t, "size"))
		if err != nil {
			t.Fatal(err)
		}
		defer a.Free()
		end := uintptr(0)
		for range 20 {
			n := rapid.IntRange(0, 1<<12).Draw(t, "n")
			align := 1 << rapid.IntRange(0, 12).Draw(t, "align")
			b, err := a.Alloc(n, align)
			if errors.Is(err, ErrFull) || n == 0 {
				continue
			}
			if err != nil || address(b) < end || address(b)%uintptr(align) != 0 || len(b) != n {
				t.Fatalf("Alloc(%d, %d) = %#x, %d bytes, %v; the last one ended at %#x", n, align, address(b), len(b), err, end)
			}
			end = address(b) + uintptr(n)
		}
	})
}

func TestArenaConcurrent(t *testing.T) {
	a, err := NewArena(1 << 16)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Free()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for range 100 {
				b, err := a.Alloc(64, 64)
				if err != nil {
					t.Error(err)
					return
				}
				if b[0] != 0 {
					t.Errorf("worker %d got a slice that worker %d has", w, b[0]-1)
				}
				for i := range b {
					b[i] = byte(w + 1)
				}
			}
		})
	}
	wg.Wait()
}

func TestViews(t *testing.T) {
	a, err := NewArena(64)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Free()
	b, _ := a.Alloc(16, 4)
	Float32s(b)[1] = 1 // 0x3f800000
	if b[6] != 0x80 || b[7] != 0x3f || len(Float32s(b)) != 4 {
		t.Errorf("float32 view: % x", b)
	}
	if v := Int32s(b); v[1] != 0x3f800000 || len(v) != 4 {
		t.Errorf("int32 view: %x", v)
	}
	if v := Uint16s(b); v[3] != 0x3f80 || len(v) != 8 {
		t.Errorf("uint16 view: %x", v)
	}
	if v := Int8s(b); v[6] != -128 || len(v) != 16 {
		t.Errorf("int8 view: %d", v)
	}
	if v := Float32s(nil); v != nil {
		t.Errorf("view of nothing: %v", v)
	}
	panics := func(name string, f func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", name)
			}
		}()
		f()
	}
	panics("misaligned", func() { Float32s(b[1:5]) })
	panics("odd length", func() { Float32s(b[:6]) })
	panics("odd length of 16 bits", func() { Uint16s(b[:3]) })
}
