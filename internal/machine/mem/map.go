package mem

import (
	"fmt"
	"math"
	"os"
)

// Map maps the first size bytes of f for reading and returns them with the
// function that unmaps them, to be called once. f may be closed afterwards.
// Writing to the bytes faults. If the file is cut short by someone else while
// it is mapped, reading the lost pages ends the process; ReadAt on the file
// fails with an error instead, so bulk copies should prefer it.
func Map(f *os.File, size int64) ([]byte, func() error, error) {
	if size < 0 || size > math.MaxInt {
		return nil, nil, fmt.Errorf("mem: map %s: %d bytes do not fit this machine's address space", f.Name(), size)
	}
	if size == 0 { // no system maps nothing
		return []byte{}, func() error { return nil }, nil
	}
	// Pages past the end would map without an error and fault when touched.
	st, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("mem: map: %w", err)
	}
	if st.Size() < size {
		return nil, nil, fmt.Errorf("mem: map %s: %d bytes asked, the file has %d", f.Name(), size, st.Size())
	}
	b, unmap, err := mapFile(f, int(size))
	if err != nil {
		return nil, nil, fmt.Errorf("mem: map %s: %w", f.Name(), err)
	}
	return b, unmap, nil
}
