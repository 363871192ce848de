package mem

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"unsafe"
)

var (
	// ErrFreed is returned when an arena is used after Free.
	ErrFreed = errors.New("mem: arena is freed")
	// ErrFull is returned, wrapped with the numbers, when an allocation does not
	// fit into what is left of an arena.
	ErrFull = errors.New("mem: arena is full")
)

// An Arena is one block of zeroed memory outside the Go heap, handed out from
// the front. Its methods are safe for concurrent use, but Free must come after
// the last use of any slice that Alloc returned.
type Arena struct {
	mu    sync.Mutex
	whole []byte // what the system gave, for giving it back
	mem   []byte // the usable part, aligned to a huge page where there are any
	used  int
	freed bool
}

// NewArena reserves size bytes. The pages are asked for as huge pages on Linux
// and cost physical memory only once they are written. A size of 0 is an arena
// in which only empty allocations fit.
func NewArena(size int) (*Arena, error) {
	if size < 0 || size > math.MaxInt-2*hugePage {
		return nil, fmt.Errorf("mem: arena of %d bytes: size is out of range", size)
	}
	a := &Arena{}
	if size == 0 {
		return a, nil
	}
	whole, mem, err := reserve(size)
	if err != nil {
		return nil, fmt.Errorf("mem: arena of %d bytes: %w", size, err)
	}
	a.whole, a.mem = whole, mem
	return a, nil
}

// Alloc returns the next n bytes, zeroed, at an address that is a multiple of
// align (a power of two; 0 means 64, one cache line). The slice's capacity ends
// with it, so that append cannot run into its neighbour.
func (a *Arena) Alloc(n, align int) ([]byte, error) {
	if align == 0 {
		align = 64
	}
	if n < 0 || align < 0 || align&(align-1) != 0 {
		return nil, fmt.Errorf("mem: allocation of %d bytes aligned to %d: expected a length of at least 0 and a power of two", n, align)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.freed {
		return nil, ErrFreed
	}
	if n == 0 {
		return []byte{}, nil
	}
	if len(a.mem) == 0 {
		return nil, fmt.Errorf("%w: %d bytes asked, the arena has none", ErrFull, n)
	}
	// The base is aligned to a page at best, so the address decides, not the offset.
	base := uintptr(unsafe.Pointer(unsafe.SliceData(a.mem)))
	at := base + uintptr(a.used)
	pad := int(-at & uintptr(align-1))
	if left := len(a.mem) - a.used; pad > left || n > left-pad {
		return nil, fmt.Errorf("%w: %d bytes aligned to %d asked, %d of %d left", ErrFull, n, align, left, len(a.mem))
	}
	lo := a.used + pad
	a.used = lo + n
	return a.mem[lo:a.used:a.used], nil
}

// Used returns how many bytes have been handed out, alignment gaps included.
func (a *Arena) Used() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used
}

// Size returns how many bytes the arena holds in all; 0 after Free.
func (a *Arena) Size() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.mem)
}

// Free gives the memory back. Every slice that Alloc returned is invalid from
// here on. Later calls do nothing.
func (a *Arena) Free() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.freed {
		return nil
	}
	a.freed = true
	whole := a.whole
	a.whole, a.mem, a.used = nil, nil, 0
	if whole == nil {
		return nil
	}
	if err := release(whole); err != nil {
		return fmt.Errorf("mem: free arena: %w", err)
	}
	return nil
}
