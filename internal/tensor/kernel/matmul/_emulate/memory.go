package main

import (
	"fmt"
	"syscall"
	"unsafe"
)

// memory is that of the process with this number. It is read and written as the
// process itself may: what is inaccessible to it, such as the pages with which tests
// end their data, is an error.
type memory int

// The system calls process_vm_readv and process_vm_writev.
const (
	readMemory  = 310
	writeMemory = 311
)

// remote is a piece of that memory.
type remote struct{ at, n uintptr }

// rows reads or writes rows that begin stride bytes apart.
func (m memory) rows(rows [][]byte, at, stride int64, write bool) error {
	var here [16]syscall.Iovec
	var there [16]remote
	total := 0
	for i, r := range rows {
		here[i] = syscall.Iovec{Base: &r[0], Len: uint64(len(r))}
		there[i] = remote{uintptr(at + int64(i)*stride), uintptr(len(r))}
		total += len(r)
	}
	call := uintptr(readMemory)
	if write {
		call = writeMemory
	}
	n, _, errno := syscall.Syscall6(call, uintptr(m), uintptr(unsafe.Pointer(&here)), uintptr(len(rows)),
		uintptr(unsafe.Pointer(&there)), uintptr(len(rows)), 0)
	if errno != 0 || int(n) != total {
		return fmt.Errorf("%d of %d bytes in rows of %d from %#x on, %d apart: %w", n, total, len(rows[0]), at, stride, errno)
	}
	return nil
}
