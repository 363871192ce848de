package mem

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// mapFile maps a view of the file. The view holds the section open, so the
// section's handle is closed at once.
func mapFile(f *os.File, size int) ([]byte, func() error, error) {
	h, err := windows.CreateFileMapping(windows.Handle(f.Fd()), nil, windows.PAGE_READONLY, 0, 0, nil)
	if err != nil {
		return nil, nil, os.NewSyscallError("CreateFileMapping", err)
	}
	addr, err := windows.MapViewOfFile(h, windows.FILE_MAP_READ, 0, 0, uintptr(size))
	cerr := windows.CloseHandle(h)
	if err != nil {
		return nil, nil, errors.Join(os.NewSyscallError("MapViewOfFile", err), cerr)
	}
	// The address is no Go pointer, so reading it through its own location is
	// the conversion that go vet accepts; the memory never moves.
	p := *(*unsafe.Pointer)(unsafe.Pointer(&addr))
	b := unsafe.Slice((*byte)(p), size)
	return b, func() error { return os.NewSyscallError("UnmapViewOfFile", windows.UnmapViewOfFile(addr)) }, nil
}
