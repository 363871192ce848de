package engine

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrOverloaded is what an *OverloadedError is.
	ErrOverloaded = errors.New("engine: too many requests are waiting")
	// ErrClosed is returned by Submit after Close, and ends the streams that
	// were running then.
	ErrClosed = errors.New("engine: closed")
	// ErrContextExceeded is what a *ContextError is.
	ErrContextExceeded = errors.New("engine: the prompt is longer than the context")
	// ErrMemory is what a *MemoryError is.
	ErrMemory = errors.New("engine: not enough memory for the cache")
)

// An OverloadedError says that the queue is full.
type OverloadedError struct {
	Waiting, Running int           // requests
	RetryAfter       time.Duration // when to try again, at a guess
}

func (e *OverloadedError) Error() string {
	return fmt.Sprintf("%v: %d wait and %d run; try again in %v", ErrOverloaded, e.Waiting, e.Running, e.RetryAfter.Round(time.Second))
}

// Is reports that an OverloadedError is ErrOverloaded.
func (e *OverloadedError) Is(target error) bool { return target == ErrOverloaded }

// A ContextError says that a prompt leaves no room in the context. Nothing is
// ever cut off to make it fit.
type ContextError struct {
	PromptTokens int // tokens of the prompt
	Context      int // positions that a sequence can have
}

func (e *ContextError) Error() string {
	return fmt.Sprintf("engine: the prompt has %d tokens, but the context holds %d and an answer needs at least one", e.PromptTokens, e.Context)
}

// Is reports that a ContextError is ErrContextExceeded.
func (e *ContextError) Is(target error) bool { return target == ErrContextExceeded }

// A MemoryError says that the cache does not fit, with the numbers.
type MemoryError struct {
	Need      int64 // bytes of cache asked for
	Usable    int64 // bytes that the machine and its control group leave
	Context   int   // positions per sequence that Need is for
	Parallel  int   // sequences of that length
	PerToken  int64 // bytes per position
	allocFail error
}

func (e *MemoryError) Error() string {
	s := fmt.Sprintf("engine: the cache for %d x %d positions needs %s, but %s are free; at %s per position, %d positions would fit",
		e.Parallel, e.Context, Bytes(e.Need), Bytes(e.Usable), Bytes(e.PerToken), e.Fits())
	if e.allocFail != nil {
		s += ": " + e.allocFail.Error()
	}
	return s
}

// Fits returns how many positions the usable memory holds.
func (e *MemoryError) Fits() int {
	if e.PerToken <= 0 {
		return 0
	}
	return int(max(0, e.Usable) / e.PerToken)
}

// Is reports that a MemoryError is ErrMemory.
func (e *MemoryError) Is(target error) bool { return target == ErrMemory }

func (e *MemoryError) Unwrap() error { return e.allocFail }

// Bytes writes a number of bytes for people, such as "1.5 GiB".
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/unit, 0
	for v >= unit && i < 4 {
		v, i = v/unit, i+1
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTP"[i])
}
