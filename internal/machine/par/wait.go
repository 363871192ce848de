package par

import (
	"sync/atomic"
	"time"
)

// lineSize is the distance at which two words never share a cache line:
// 64-byte lines that the prefetchers of current processors fetch in pairs.
const lineSize = 128

// A worker that waits looks again and again, for three stretches of time. At
// first it keeps its processor to itself, because most waits in a balanced
// phase are short. Then it offers the processor to whatever else wants to run
// after every few looks: on a shared machine that is often the very worker it
// waits for. At last it sleeps.
//
// Sleeping early would be a trap: to be woken takes tens of microseconds, which
// is longer than a phase of a small model, so that the worker who wakes the
// sleeper finds itself waiting for it at the next barrier, sleeps in turn, and
// the team never gets back into step. (A 135M model then decodes at 20 ms a
// token instead of 4.) yieldFor is therefore longer than a phase of a layer and
// than the gap between two tokens, and short enough that an idle team costs nothing.
const (
	keepFor  = 50 * time.Microsecond
	yieldFor = 2 * time.Millisecond
)

// A word is a counter alone on its cache lines.
type word struct {
	_ [lineSize]byte
	atomic.Uint32
	_ [lineSize - 4]byte
}

// A sleeper is one worker's bed.
type sleeper struct {
	_      [lineSize]byte
	asleep atomic.Bool
	wake   chan struct{} // capacity 1; holds a token only after asleep went from true to false by the waker
	_      [lineSize - 16]byte
}

// wait returns when v is no longer old. w is the worker that waits.
func (t *Team) wait(w int, v *word, old uint32) {
	if t.spin && spinWhile(v, old) {
		return
	}
	for v.Load() == old {
		t.sleep(w, v, old)
	}
}

// spinWhile looks at v until it is no longer old, which it reports, or yieldFor
// has passed.
func spinWhile(v *word, old uint32) bool {
	for range 256 {
		if v.Load() != old {
			return true
		}
		pause(4)
	}
	start := time.Now()
	for {
		for range 8 {
			if v.Load() != old {
				return true
			}
			pause(maxPause)
		}
		switch waited := time.Since(start); {
		case waited > yieldFor:
			return false
		case waited > keepFor:
			yield()
		}
	}
}

// sleep blocks worker w until signal is called after v changed. It may also
// return early.
//
// No wake-up is lost: the sleeper says that it sleeps and then looks at v once
// more, the waker changes v and then looks who sleeps. Atomics are totally
// ordered, so at least one of the two sees the other.
func (t *Team) sleep(w int, v *word, old uint32) {
	s := &t.beds[w]
	t.sleeping.Add(1)
	s.asleep.Store(true)
	if v.Load() != old && s.asleep.CompareAndSwap(true, false) {
		t.sleeping.Add(^uint32(0))
		return // nobody has sent a token
	}
	<-s.wake
	t.sleeping.Add(^uint32(0))
}

// signal wakes every sleeping worker. Call it after changing a word that they
// may wait for.
func (t *Team) signal() {
	if t.sleeping.Load() == 0 {
		return
	}
	for i := range t.beds {
		if s := &t.beds[i]; s.asleep.CompareAndSwap(true, false) {
			s.wake <- struct{}{}
		}
	}
}
