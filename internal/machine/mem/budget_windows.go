package mem

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// memoryStatus is MEMORYSTATUSEX.
type memoryStatus struct {
	length                       uint32
	load                         uint32
	totalPhys, availPhys         uint64
	totalPageFile, availPageFile uint64
	totalVirtual, availVirtual   uint64
	availExtendedVirtual         uint64
}

var globalMemoryStatusEx = windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx")

func budget() Limits {
	var s memoryStatus
	s.length = uint32(unsafe.Sizeof(s))
	if globalMemoryStatusEx.Find() != nil {
		return Limits{}
	}
	if ok, _, _ := globalMemoryStatusEx.Call(uintptr(unsafe.Pointer(&s))); ok == 0 {
		return Limits{}
	}
	// Arenas come from the Go heap here, which must be committed: the page file
	// bounds them as well as the memory.
	return Limits{Total: int64(s.totalPhys), Available: int64(min(s.availPhys, s.availPageFile))}
}
