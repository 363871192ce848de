package cpu

import (
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// Detect describes this machine.
func Detect() Info { return detect(os.DirFS("/")) }

// Quota returns how many processors' worth of time the control groups (version
// 1 or 2) allow this process, +Inf if they set no limit. It is read once.
func Quota() float64 { return readQuota() }

var readQuota = sync.OnceValue(func() float64 { return quota(os.DirFS("/")) })

// Usable returns how many threads can run at the same time: the processors of
// the affinity mask, or fewer if a control group limits the time. At least 1.
func Usable() int { return usable(affinity(), Quota()) }

// affinity counts the processors that the calling thread may run on.
func affinity() int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return runtime.NumCPU()
	}
	return set.Count()
}
