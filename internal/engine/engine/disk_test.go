package engine

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
)

func store(t testing.TB, dir string) *diskcache.Store {
	t.Helper()
	s, err := diskcache.Open(diskcache.Config{Dir: dir, MaxBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// life runs one engine over a folder, from start to end.
func life(t *testing.T, dir string, state bool, f func(*Engine, *enginetest.Model)) {
	t.Helper()
	m := enginetest.New(100, 1024, 16, state)
	s := store(t, dir)
	e := start(t, Config{Disk: s, KeepEvery: 64, Parallel: 3}, m)
	f(e, m)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	s.Close()
}

// ask checks that the answer is the model's own, and returns the result.
func ask(t *testing.T, e *Engine, m *enginetest.Model, prompt []int32, n int) Result {
	t.Helper()
	got, res := read(t, submit(t, e, greedy(prompt, n)))
	if diff := cmp.Diff(m.Continue(prompt, n), got); diff != "" {
		t.Errorf("prompt of %d: (-want +got)\n%s", len(prompt), diff)
	}
	return res
}

func TestRestartFindsThePrompt(t *testing.T) {
	for _, state := range []bool{false, true} {
		dir := t.TempDir()
		prompt := seq(403, 3)
		var answer []int32
		life(t, dir, state, func(e *Engine, m *enginetest.Model) {
			answer = m.Continue(prompt, 20)
			if res := ask(t, e, m, prompt, 20); res.CachedTokens != 0 {
				t.Errorf("cold: %+v", res)
			}
		})
		life(t, dir, state, func(e *Engine, m *enginetest.Model) {
			res := ask(t, e, m, prompt, 20)
			want := 402
			if state {
				want = 400 // the last border with a state
			}
			if res.CachedTokens != want || res.DiskTokens != want || m.Rows.Load() > 24 {
				t.Errorf("state %v: same prompt after a restart: %+v, %d rows; want %d cached", state, res, m.Rows.Load(), want)
			}
			if st := e.Stats(); st.DiskTokens != uint64(want) || st.Disk.Read == 0 {
				t.Errorf("%+v", st)
			}
		})
		life(t, dir, state, func(e *Engine, m *enginetest.Model) {
			next := slices.Concat(prompt, answer, []int32{7, 8, 9})
			if res := ask(t, e, m, next, 5); res.CachedTokens != len(prompt)+len(answer)-1 {
				t.Errorf("state %v: next turn after a restart: %+v", state, res)
			}
		})
		life(t, dir, state, func(e *Engine, m *enginetest.Model) {
			other := slices.Clone(prompt)
			other[200] = 99
			want := 200
			if state {
				want = 192 // an interval
			}
			if res := ask(t, e, m, other, 5); res.CachedTokens != want {
				t.Errorf("state %v: another ending after a restart: %+v, want %d", state, res, want)
			}
			r := greedy(prompt, 3)
			r.Namespace = "bob"
			if _, res := read(t, submit(t, e, r)); res.CachedTokens != 0 {
				t.Errorf("another namespace: %+v", res)
			}
		})
	}
}

// TestDamagedFilesAreComputedAgain damages every other file.
func TestDamagedFilesAreComputedAgain(t *testing.T) {
	for _, state := range []bool{false, true} {
		dir := t.TempDir()
		prompt := seq(300, 3)
		life(t, dir, state, func(e *Engine, m *enginetest.Model) { ask(t, e, m, prompt, 20) })
		n := 0
		filepath.WalkDir(dir, func(path string, d os.DirEntry, _ error) error {
			if n++; !d.IsDir() && n%2 == 0 {
				b, _ := os.ReadFile(path)
				b[len(b)-1-n%9] ^= 4
				os.WriteFile(path, b, 0o600)
			}
			return nil
		})
		life(t, dir, state, func(e *Engine, m *enginetest.Model) {
			res := ask(t, e, m, prompt, 20)
			if st := e.Stats(); st.Disk.Damaged == 0 {
				t.Errorf("nothing was found damaged: %+v, %+v", st.Disk, res)
			}
		})
		life(t, dir, state, func(e *Engine, m *enginetest.Model) {
			if res := ask(t, e, m, prompt, 20); res.CachedTokens < 256 {
				t.Errorf("state %v: what was damaged was not written again: %+v", state, res)
			}
		})
	}
}

// TestUnitsAreThereAfterAKill copies the folder while an answer is being made,
// which is what a killed process would leave.
func TestUnitsAreThereAfterAKill(t *testing.T) {
	dir, left := t.TempDir(), t.TempDir()
	m := enginetest.New(100, 1024, 16, false)
	m.Delay = time.Millisecond
	e := start(t, Config{Disk: store(t, dir), KeepEvery: 64}, m)
	prompt := seq(403, 3)
	s := submit(t, e, greedy(prompt, 500))
	for range 50 {
		if _, err := s.Next(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	life(t, left, false, func(e *Engine, m *enginetest.Model) {
		if res := ask(t, e, m, prompt, 5); res.CachedTokens != 402 {
			t.Errorf("%+v", res)
		}
	})
}

// TestDiskSoak is TestSoak on a small cache with a disk below it, forks and
// prompts that are read on for nobody.
func TestDiskSoak(t *testing.T) {
	for _, state := range []bool{false, true} {
		dir := t.TempDir()
		for round := range 2 {
			m := enginetest.New(100, 128, 4, state)
			s := store(t, dir)
			e := start(t, Config{Parallel: 2, MaxSeqs: 6, MaxRows: 40, Disk: s, KeepEvery: 16}, m)
			var wg sync.WaitGroup
			for g := range 8 {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(uint64(g), uint64(round)))
					for range 10 {
						if r.IntN(5) == 0 {
							soakFork(t, e, m, r)
						} else {
							soakOne(t, e, m, r)
						}
					}
				})
			}
			wg.Wait()
			settled(t, e)
			st := e.Stats()
			t.Logf("state %v: %d steps, %d forked, %d kept, %d from disk, %+v", state, st.Steps, st.Forked, st.KeptPrefills, st.DiskTokens, st.Disk)
			if round == 1 && st.DiskTokens == 0 || st.Disk.Damaged > 0 {
				t.Errorf("%+v", st)
			}
			e.Close()
			s.Close()
		}
	}
}

// settled waits until nothing is left in use.
func settled(t *testing.T, e *Engine) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		e.wakeUp()
		st := e.Stats()
		if st.Running == 0 && st.Queued == 0 && st.Cache.Used == 0 && st.Cache.SlotsUsed == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left over: %+v", st)
		}
		time.Sleep(time.Millisecond)
	}
}

func soakFork(t *testing.T, e *Engine, m *enginetest.Model, r *rand.Rand) {
	prompt := seq(1+r.IntN(60), 5)
	var reqs []*Request
	for i := range 1 + r.IntN(4) {
		reqs = append(reqs, greedy(prompt, 1+i*3))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	streams, err := e.SubmitN(ctx, reqs)
	if err != nil {
		t.Error(err)
		return
	}
	early := r.IntN(3) == 0
	if early {
		cancel()
	}
	for i, s := range streams {
		var got []int32
		for {
			tok, err := s.Next(context.Background())
			if err != nil {
				break
			}
			got = append(got, tok.ID)
		}
		if want := m.Continue(prompt, len(got)); !slices.Equal(want, got) || !early && len(got) != 1+i*3 {
			t.Errorf("answer %d: %v, want %v: %+v", i, got, want, s.Result())
		}
	}
}
