package par

import (
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// teams runs f with teams that spin, sleep at once, and are larger than the machine.
func teams(t *testing.T, f func(t *testing.T, team *Team)) {
	t.Helper()
	run := func(name string, n int, spin bool) {
		t.Run(name, func(t *testing.T) {
			team := newTeam(n, spin)
			defer team.Close()
			f(t, team)
		})
	}
	run("one", 1, false)
	run("spin=2", 2, true)
	run("sleep=2", 2, false)
	run("sleep=7", 7, false)
	run("spin=5", 5, true) // more than the processors of a small machine: slow, not stuck
}

func TestRunCallsEveryWorkerOnce(t *testing.T) {
	teams(t, func(t *testing.T, team *Team) {
		calls := make([]int, team.Size())
		for range 50 {
			team.Run(func(w int) { calls[w]++ })
		}
		for w, n := range calls {
			if n != 50 {
				t.Errorf("worker %d ran %d times, want 50", w, n)
			}
		}
	})
}

// Each worker writes its cell in one phase and reads all cells in the next: a
// barrier that lets one through early shows a stale cell.
func TestBarrierSeparatesPhases(t *testing.T) {
	teams(t, func(t *testing.T, team *Team) {
		cells := make([]int, team.Size())
		var stale atomic.Int32
		for range 5 {
			team.Run(func(w int) {
				for phase := range 40 {
					cells[w] = phase
					team.Barrier(w)
					for _, c := range cells {
						if c != phase {
							stale.Add(1)
						}
					}
					team.Barrier(w)
				}
			})
		}
		if n := stale.Load(); n != 0 {
			t.Errorf("%d stale cells", n)
		}
	})
}

// What the last worker to arrive does is done once, after everything before the
// barrier and before anything after it.
func TestBarrierThenRunsOnceInBetween(t *testing.T) {
	teams(t, func(t *testing.T, team *Team) {
		cells := make([]int, team.Size())
		calls, sum := 0, 0
		add := func(int) {
			calls++
			for _, c := range cells {
				sum += c
			}
		}
		var wrong atomic.Int32
		before := team.Meetings()
		team.Run(func(w int) {
			for phase := range 40 {
				cells[w] = 1
				team.BarrierThen(w, add)
				if calls != phase+1 || sum != (phase+1)*team.Size() {
					wrong.Add(1)
				}
				team.Barrier(w)
			}
		})
		if n := wrong.Load(); n != 0 {
			t.Errorf("%d workers saw a wrong sum", n)
		}
		if got := team.Meetings() - before; team.Size() > 1 && got != 80 {
			t.Errorf("%d meetings, want 80", got)
		}
	})
}

func TestBarrierThenPanic(t *testing.T) {
	teams(t, func(t *testing.T, team *Team) {
		v := catch(func() {
			team.Run(func(w int) {
				team.BarrierThen(w, func(int) { panic("in between") })
				team.Barrier(w)
			})
		})
		p, ok := v.(*Panic)
		if !ok || p.Value != "in between" {
			t.Errorf("Run panicked with %v, want what the function panicked with", v)
		}
		team.Run(func(w int) { team.Barrier(w) }) // the team still works
	})
}

func TestBarrierWakesSleepers(t *testing.T) {
	teams(t, func(_ *testing.T, team *Team) {
		for round := range 3 {
			team.Run(func(w int) {
				if w == round%team.Size() {
					time.Sleep(2 * time.Millisecond) // longer than spinFor
				}
				team.Barrier(w)
			})
			time.Sleep(time.Millisecond)
		}
	})
}

func TestPanicReachesTheCaller(t *testing.T) {
	teams(t, func(t *testing.T, team *Team) {
		boom := errors.New("boom")
		for bad := range team.Size() {
			p := catch(func() {
				team.Run(func(w int) {
					team.Barrier(w)
					if w == bad {
						panic(boom)
					}
					team.Barrier(w) // waits for bad, who never comes
				})
			})
			var got *Panic
			if err, _ := p.(error); !errors.As(err, &got) || got.Worker != bad || !errors.Is(err, boom) {
				t.Errorf("bad worker %d: Run panicked with %v", bad, p)
			}
		}
		ran := int32(0)
		team.Run(func(int) { atomic.AddInt32(&ran, 1) })
		if int(ran) != team.Size() {
			t.Errorf("after a panic, %d of %d workers ran", ran, team.Size())
		}
	})
}

func TestGoexitDoesNotHang(t *testing.T) {
	team := New(2)
	p := catch(func() {
		team.Run(func(w int) {
			if w == 1 {
				runtime.Goexit()
			}
			team.Barrier(w)
		})
	})
	if err, _ := p.(error); err == nil || !strings.Contains(err.Error(), "Goexit") {
		t.Errorf("Run panicked with %v", p)
	}
	if p := catch(func() { team.Run(func(int) {}) }); p == nil {
		t.Error("a team that lost a worker runs again")
	}
}

func TestCloseTwiceThenRun(t *testing.T) {
	before := runtime.NumGoroutine()
	team := New(4)
	team.Run(func(int) {})
	team.Close()
	team.Close()
	if p := catch(func() { team.Run(func(int) {}) }); p != "par: Run of a closed team" {
		t.Errorf("Run after Close panicked with %v", p)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after Close", before, runtime.NumGoroutine())
}

func catch(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

func TestRunAllocatesNothing(t *testing.T) {
	teams(t, func(t *testing.T, team *Team) {
		f := func(w int) { team.Barrier(w) }
		if n := testing.AllocsPerRun(100, func() { team.Run(f) }); n != 0 {
			t.Errorf("%v allocations per Run", n)
		}
	})
}

// The collector stops the world while workers spin and sleep.
func TestGarbageCollectionWhileSpinning(t *testing.T) {
	teams(t, func(t *testing.T, team *Team) {
		stop := make(chan struct{})
		collected := make(chan int)
		go func() {
			n := 0
			for {
				select {
				case <-stop:
					collected <- n
					return
				default:
					runtime.GC()
					n++
				}
			}
		}()
		end := time.Now().Add(100 * time.Millisecond)
		for time.Now().Before(end) {
			team.Run(func(w int) {
				for range 10 {
					team.Barrier(w)
				}
			})
		}
		close(stop)
		if n := <-collected; n == 0 {
			t.Error("no collection finished")
		}
	})
}

func TestPin(t *testing.T) {
	team := New(runtime.NumCPU())
	defer team.Close()
	t.Logf("pinned: %v", team.Pin(true))
	sum := int32(0)
	team.Run(func(w int) { atomic.AddInt32(&sum, int32(w)) })
	if n := int32(team.Size()); sum != n*(n-1)/2 {
		t.Errorf("sum of workers %d", sum)
	}
	if team.Pin(false) {
		t.Error("Pin(false) reports pinned workers")
	}
}

func TestConcurrentRuns(t *testing.T) {
	team := New(3)
	defer team.Close()
	var total atomic.Int32
	done := make(chan struct{})
	for range 4 {
		go func() {
			for range 20 {
				team.Run(func(w int) { team.Barrier(w); total.Add(1) })
			}
			done <- struct{}{}
		}()
	}
	for range 4 {
		<-done
	}
	if n := total.Load(); n != 4*20*3 {
		t.Errorf("%d calls, want %d", n, 4*20*3)
	}
}
