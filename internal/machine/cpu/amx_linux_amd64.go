package cpu

import (
	"sync"

	"golang.org/x/sys/unix"
)

// amxPermitted asks the system to let this process use tile registers, which
// Linux (5.16 and later) grants on request, for all threads: saved registers grow
// by 8 KiB, and programs with small signal stacks must not be surprised. The
// stacks that Go gives its signal handlers are large enough.
var amxPermitted = sync.OnceValue(func() bool {
	const (
		requestPermission = 0x1023 // ARCH_REQ_XCOMP_PERM
		tileData          = 18     // the number of the registers' state
	)
	_, _, errno := unix.RawSyscall(unix.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return errno == 0
})
