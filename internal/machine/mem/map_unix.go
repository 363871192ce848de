//go:build unix

package mem

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile shares the page cache: pages are read when touched and dropped by the
// kernel when memory is short.
func mapFile(f *os.File, size int) ([]byte, func() error, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, os.NewSyscallError("mmap", err)
	}
	return b, func() error { return os.NewSyscallError("munmap", unix.Munmap(b)) }, nil
}
