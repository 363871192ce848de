//go:build linux || darwin

package mem

import (
	"math"

	"golang.org/x/sys/unix"
)

// memlock returns the soft limit on locked memory, 0 if it cannot be read.
func memlock() int64 {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r) != nil {
		return 0
	}
	return int64(min(uint64(r.Cur), math.MaxInt64))
}
