package library

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

const mib = 1 << 20

// A fakes opener has models of 10 MiB that take a while to load.
type fakes struct {
	tok    *tokenizer.Tokenizer
	delay  time.Duration
	broken atomic.Bool

	mu     sync.Mutex
	log    []string // "+a" loaded, "-a" freed
	atOnce int
	most   int
}

func (f *fakes) Describe(s *Source) (*Description, error) {
	if s.Name == "bad" {
		return nil, errors.New("no GGUF")
	}
	return &Description{Trained: 1 << 20, Base: 10 * mib, PerToken: 1024, Chat: true}, nil
}

func (f *fakes) Load(s *Source, context int, _ engine.Observer) (*Loaded, error) {
	f.count(1)
	defer f.count(-1)
	time.Sleep(f.delay)
	if f.broken.Load() {
		return nil, errors.New("broken")
	}
	e, err := engine.New(engine.Config{Model: enginetest.New(f.tok.Size(), context, 16, false), Context: context, Usable: 1 << 30})
	if err != nil {
		return nil, err
	}
	f.say("+" + s.Name)
	return &Loaded{LLM: llm.New(e, f.tok, nil), Close: func() error { f.say("-" + s.Name); return e.Close() }}, nil
}

func (f *fakes) count(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.atOnce += n
	f.most = max(f.most, f.atOnce)
}

func (f *fakes) say(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, s)
}

func (f *fakes) history() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.log, " ")
}

// manage returns a manager of the models a, b and c. Each takes 12 MiB: base,
// 1,024 positions, and the engine's reserve.
func manage(t *testing.T, f *fakes, o Options) *Manager {
	t.Helper()
	o.Opener, f.tok = f, vocabulary(t)
	if o.Context == 0 {
		o.Context = 1024
	}
	if o.Memory == 0 {
		o.Memory = 100 * mib
	}
	m := New(o)
	for _, name := range []string{"a", "b", "c", "bad"} {
		if err := m.Add(Source{Name: name, Data: []byte{1}, Aliases: []string{name + "-alias"}}); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// vocabulary returns a tokenizer, which is all that the model package wants of one.
func vocabulary(t *testing.T) *tokenizer.Tokenizer {
	t.Helper()
	f, err := gguf.Open(filepath.Join(golden.ModuleRoot(t), "test/vectors/goldens/models/quant-llama-64-q4_1/model.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tok, err := tokenizer.FromGGUF(f)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func acquire(t *testing.T, m *Manager, name string) *Lease {
	t.Helper()
	l, err := m.Acquire(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func end(t *testing.T, m *Manager) {
	t.Helper()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestLoadsAreSharedAndOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakes{delay: time.Second}
		m := manage(t, f, Options{Keep: -1})
		defer end(t, m)
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() { acquire(t, m, []string{"a", "B", "c-alias"}[i%3]).Release() })
		}
		wg.Wait()
		if f.most != 1 || len(f.log) != 3 {
			t.Errorf("%d at once, %v", f.most, f.log)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakes{delay: time.Minute}
		m := manage(t, f, Options{Keep: -1})
		defer end(t, m)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := m.Acquire(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		acquire(t, m, "a").Release() // the load went on
		if f.history() != "+a" {
			t.Error(f.history())
		}
	})
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakes{}
		m := manage(t, f, Options{Keep: time.Minute})
		defer end(t, m)
		first, second := acquire(t, m, "a"), acquire(t, m, "a")
		first.Release()
		first.Release() // twice is once
		time.Sleep(time.Hour)
		if f.history() != "+a" {
			t.Fatalf("in use: %s", f.history())
		}
		second.Release()
		time.Sleep(59 * time.Second)
		acquire(t, m, "a").Release() // begins anew
		time.Sleep(59 * time.Second)
		if f.history() != "+a" {
			t.Fatalf("too early: %s", f.history())
		}
		time.Sleep(2 * time.Second)
		if f.history() != "+a -a" {
			t.Fatalf("too late: %s", f.history())
		}
		l := acquire(t, m, "a")
		l.KeepAlive(0)
		l.Release()
		time.Sleep(time.Millisecond)
		if f.history() != "+a -a +a -a" {
			t.Errorf("at once: %s", f.history())
		}
		l = acquire(t, m, "a")
		l.KeepAlive(-1)
		l.Release()
		time.Sleep(1000 * time.Hour)
		if f.history() != "+a -a +a -a +a" {
			t.Errorf("forever: %s", f.history())
		}
	})
}

func TestEviction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakes{}
		m := manage(t, f, Options{Keep: -1, Memory: 25 * mib})
		defer end(t, m)
		acquire(t, m, "a").Release()
		time.Sleep(time.Second)
		acquire(t, m, "b").Release()
		time.Sleep(time.Second)
		acquire(t, m, "a").Release()
		time.Sleep(time.Second)
		c := acquire(t, m, "c") // b was not used for longest
		if f.history() != "+a +b -b +c" {
			t.Fatal(f.history())
		}
		a := acquire(t, m, "a")
		_, err := m.Acquire(context.Background(), "b")
		var me *MemoryError
		if !errors.As(err, &me) || me.InUse == 0 || me.Limit != 25*mib || f.history() != "+a +b -b +c" {
			t.Fatalf("with all in use: %v, %s", err, f.history())
		}
		a.Release()
		acquire(t, m, "b").Release()
		c.Release()
		if f.history() != "+a +b -b +c -a +b" {
			t.Error(f.history())
		}
	})
}

func TestContextShrinksBeforeAModelIsRefused(t *testing.T) {
	f := &fakes{}
	f.tok = vocabulary(t)
	m := New(Options{Opener: f, Memory: 15 * mib, Keep: -1})
	defer end(t, m)
	if err := m.Add(Source{Name: "a", Data: []byte{1}}); err != nil {
		t.Fatal(err)
	}
	l := acquire(t, m, "a")
	defer l.Release()
	// 15 MiB less 10 for weights and 1 for the reserve leave 4,096 positions.
	if l.Context() != 4096 || l.Info().Context != 4096 {
		t.Errorf("%d", l.Context())
	}
	m2 := manage(t, f, Options{Context: 8192, Memory: 15 * mib})
	defer end(t, m2)
	if _, err := m2.Acquire(context.Background(), "a"); err == nil {
		t.Error("a context that was asked for was shortened")
	}
}

func TestErrors(t *testing.T) {
	f := &fakes{}
	m := manage(t, f, Options{Keep: -1})
	var nf *NotFoundError
	if _, err := m.Acquire(context.Background(), "../../etc/passwd"); !errors.As(err, &nf) {
		t.Error(err)
	}
	var le *LoadError
	if _, err := m.Acquire(context.Background(), "bad"); !errors.As(err, &le) || le.Name != "bad" {
		t.Error(err)
	}
	f.broken.Store(true)
	if _, err := m.Acquire(context.Background(), "a"); !errors.As(err, &le) {
		t.Error(err)
	}
	f.broken.Store(false)
	acquire(t, m, "a").Release() // tried again
	if err := m.Add(Source{Name: "A", Data: []byte{1}}); err == nil {
		t.Error("a name twice")
	}
	end(t, m)
	if _, err := m.Acquire(context.Background(), "a"); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if f.history() != "+a -a" {
		t.Error(f.history())
	}
}

func TestUnload(t *testing.T) {
	m := manage(t, &fakes{}, Options{Keep: -1})
	defer end(t, m)
	l := acquire(t, m, "a")
	if gone, err := m.Unload("a"); gone || err != nil {
		t.Error(gone, err)
	}
	l.Release()
	if gone, err := m.Unload("a"); !gone || err != nil || len(m.Running()) != 0 {
		t.Error(gone, err)
	}
}

// TestChaos does everything at once; the race detector and the counts look on.
func TestChaos(t *testing.T) {
	f := &fakes{delay: time.Millisecond}
	m := manage(t, f, Options{Keep: time.Millisecond, Memory: 25 * mib})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for range 50 {
				name := string("abc"[r.IntN(3)])
				l, err := m.Acquire(context.Background(), name)
				var me *MemoryError
				switch {
				case errors.As(err, &me):
				case err != nil:
					t.Error(err)
				default:
					if l.Context() != 1024 {
						t.Error("a lease on a model that is gone")
					}
					time.Sleep(time.Duration(r.IntN(2000)) * time.Microsecond)
					l.Release()
				}
				if r.IntN(10) == 0 {
					if _, err := m.Unload(name); err != nil {
						t.Error(err)
					}
				}
				m.Running()
			}
		})
	}
	wg.Wait()
	end(t, m)
	loaded := map[string]int{}
	for _, s := range f.log {
		if s[0] == '+' {
			loaded[s[1:]]++
		} else {
			loaded[s[1:]]--
		}
	}
	if d := cmp.Diff(map[string]int{"a": 0, "b": 0, "c": 0}, loaded); d != "" || m.used != 0 {
		t.Errorf("%s, %d bytes in use", d, m.used)
	}
}

func TestScan(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"one.gguf", "Two Words.GGUF", "big-00001-of-00002.gguf", "big-00002-of-00002.gguf", "notes.txt", ".hidden.gguf",
		"sub/one.gguf", ".git/x.gguf", "sub/deep/three.gguf",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("12345"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m := New(Options{Opener: &fakes{}, Dir: dir})
	defer end(t, m)
	if err := m.Rescan(); err != nil {
		t.Fatal(err)
	}
	want := []string{"Two-Words", "big", "one", "three", "sub/one"}
	got := m.Names()
	if d := cmp.Diff(want[:1], got[:1]); d != "" || fmt.Sprint(got) != "[Two-Words big one three sub/one]" && fmt.Sprint(got) != "[Two-Words big one sub/one three]" {
		t.Errorf("%v", got)
	}
	i, err := m.Info("BIG")
	if err != nil || i.Size != 10 {
		t.Errorf("%v %v", i, err)
	}
	if err := m.Rescan(); err != nil || len(m.Names()) != 5 {
		t.Errorf("%v %v", m.Names(), err)
	}
}

// TestRealFile loads a small model from a file, and answers.
func TestRealFile(t *testing.T) {
	team := par.New(2)
	defer team.Close()
	m := New(Options{Opener: &GGUF{Team: team, KV: attend.F16}, Keep: -1})
	defer end(t, m)
	src, err := FileSource(filepath.Join(golden.ModuleRoot(t), "test/vectors/goldens/models/quant-llama-64-q4_1/model.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	src.Name = "tiny"
	if err := m.Add(src); err != nil {
		t.Fatal(err)
	}
	i, err := m.Info("tiny")
	if err != nil || i.Arch != "llama" || i.Vocab == 0 || i.Parameters == 0 || i.Loaded {
		t.Fatalf("%+v %v", i, err)
	}
	l := acquire(t, m, "tiny")
	defer l.Release()
	a, err := l.Model().Complete(context.Background(), "Why?", false, nil, llm.Options{MaxTokens: 5})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for e := range a.Events() {
		if u, ok := e.(chat.Usage); ok {
			n = u.CompletionTokens
		}
	}
	if n == 0 {
		t.Error("no tokens")
	}
}
