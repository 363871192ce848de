package mem

import (
	"os"

	"golang.org/x/sys/unix"
)

// budget sums what macOS takes back first: free pages, purgeable pages and
// pages that files back. The counters are the kernel's public sysctls; the
// finer numbers of vm_stat need Mach calls that only C can make.
func budget() Limits {
	l := Limits{Memlock: memlock()}
	if total, err := unix.SysctlUint64("hw.memsize"); err == nil {
		l.Total = int64(total)
	}
	page := int64(os.Getpagesize())
	for _, name := range []string{"vm.page_free_count", "vm.page_purgeable_count", "vm.page_pageable_external_count"} {
		if n, err := unix.SysctlUint32(name); err == nil {
			l.Available += int64(n) * page
		}
	}
	l.Available = min(l.Available, l.Total)
	return l
}
