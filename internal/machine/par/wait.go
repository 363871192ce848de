package par

import (
	"sync/atomic"
	"time"
)

// lineSize is the distance at which two words never share a cache line:
// 64-byte lines that the prefetchers of current processors fetch in pairs.
const lineSize = 128

// spinFor bounds how long a worker looks for work before it sleeps. It is
// longer than a phase of a layer and than the gap between two tokens.
const spinFor = 100 * time.Microsecond

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

// spinWhile looks at v until it is no longer old, which it reports, or spinFor
// has passed. The first looks are close together, because most waits in a
// balanced phase are short.
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
		if time.Since(start) > spinFor {
			return false
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
