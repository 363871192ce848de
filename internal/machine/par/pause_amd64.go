//go:build !noasm

package par

// maxPause is the longest burst, about a microsecond where PAUSE is slow.
const maxPause = 64

// pause waits for n PAUSE instructions: a few nanoseconds to some tens each,
// during which the other hardware thread of the core runs freely and the line
// that is being watched is left alone.
//
// It is not inlined and calls another function, so that it begins with the
// stack check at which the runtime preempts a goroutine. The loop inside the
// assembly has no such point, which is why n is small.
//
//go:noinline
func pause(n uint32) { pauseAsm(n) }

//go:noescape
func pauseAsm(n uint32)
