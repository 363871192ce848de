package mem

import "golang.org/x/sys/unix"

// advise asks for huge pages, which save most of the address translation misses
// of a walk over gigabytes, and keeps the arena out of core dumps. Both are
// wishes: a kernel without the feature answers with an error that changes nothing.
func advise(b []byte) {
	if len(b) >= hugePage {
		_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	}
	_ = unix.Madvise(b, unix.MADV_DONTDUMP)
}
