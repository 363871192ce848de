//go:build !linux

package cpu

import (
	"math"
	"runtime"
)

// Detect describes this machine, as far as the runtime knows it.
func Detect() Info {
	n := runtime.NumCPU()
	return Info{Logical: n, Physical: n, Features: features(), Nodes: 1}
}

// Quota returns +Inf: this system has no control groups.
func Quota() float64 { return math.Inf(1) }

// Usable returns how many threads can run at the same time. At least 1.
func Usable() int { return usable(runtime.NumCPU(), Quota()) }
