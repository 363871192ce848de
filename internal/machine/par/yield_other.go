//go:build !linux

package par

import "runtime"

// yield lets another goroutine run on this processor.
func yield() { runtime.Gosched() }
