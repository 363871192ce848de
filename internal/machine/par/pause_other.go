//go:build noasm || !amd64

package par

import "runtime"

// maxPause is the longest burst.
const maxPause = 64

// pause lets other goroutines of this thread's processor run. Without a pause
// instruction that is the polite way to wait, and it is a preemption point.
func pause(uint32) { runtime.Gosched() }
