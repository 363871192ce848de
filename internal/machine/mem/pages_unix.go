//go:build unix

package mem

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size that arenas align to: the huge page of amd64, and of
// arm64 and riscv64 with 4 KiB base pages.
const hugePage = 2 << 20

// reserve maps size bytes of zeroed private memory. The kernel only backs
// aligned 2 MiB stretches with huge pages, so a large arena maps a little more
// than it needs and starts at the first aligned address.
func reserve(size int) (whole, mem []byte, err error) {
	page := os.Getpagesize()
	n := (size + page - 1) &^ (page - 1)
	extra := 0
	if n >= hugePage {
		extra = hugePage
	}
	whole, err = unix.Mmap(-1, 0, n+extra, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, nil, os.NewSyscallError("mmap", err)
	}
	skip := 0
	if extra > 0 {
		skip = int(-uintptr(unsafe.Pointer(unsafe.SliceData(whole))) & (hugePage - 1))
	}
	mem = whole[skip : skip+size : skip+size]
	advise(whole[skip:])
	return whole, mem, nil
}

func release(whole []byte) error {
	return os.NewSyscallError("munmap", unix.Munmap(whole))
}
