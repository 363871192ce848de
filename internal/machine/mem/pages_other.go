//go:build !unix

package mem

// hugePage bounds the sizes that NewArena accepts; nothing aligns to it here.
const hugePage = 2 << 20

// reserve takes the memory from the Go heap: large pages on Windows need a
// privilege that ordinary accounts lack. The slices keep the memory alive, so
// use after Free reads stale data instead of faulting.
func reserve(size int) (whole, mem []byte, err error) {
	whole = make([]byte, size)
	return whole, whole[:size:size], nil
}

func release([]byte) error { return nil }
