package diskcache

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func open(t testing.TB, c Config) *Store {
	t.Helper()
	if c.MaxBytes == 0 {
		c.MaxBytes = 1 << 30
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func key(b byte) Key { return Key{b, 1, 2, 3, 31: b} }

func item(b byte, size int) Item {
	return Item{Kind: Block, Key: key(b), Parent: key(b - 1), Pos: int(b) * 4, Tokens: []int32{int32(b), 2, 3, 4}, Data: bytes.Repeat([]byte{b}, size)}
}

// put writes items and waits for them.
func put(t testing.TB, s *Store, items ...Item) {
	t.Helper()
	for _, it := range items {
		done := make(chan struct{})
		if !s.Put(it, func() { close(done) }) {
			t.Fatalf("item %v was refused", it.Key)
		}
		<-done
	}
}

func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	filepath.WalkDir(dir, func(path string, d os.DirEntry, _ error) error {
		if !d.IsDir() {
			names = append(names, path)
		}
		return nil
	})
	return names
}

func check(t *testing.T, s *Store, it Item, want bool) {
	t.Helper()
	got := make([]byte, len(it.Data))
	err := s.Read(&it, got)
	if (err == nil) != want || want && !bytes.Equal(got, it.Data) || err != nil && !errors.Is(err, ErrMiss) {
		t.Errorf("reading %d: %v, want found %v", it.Key[0], err, want)
	}
}

func TestItemsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, Identity: "a"})
	note := Item{Kind: Note, Key: key(9), Data: []byte("hello")}
	state := item(1, 10)
	state.Kind = State
	put(t, s, item(1, 1000), item(2, 0), state, note)
	s.Close()
	other := open(t, Config{Dir: dir, Identity: "b"})
	check(t, other, item(1, 1000), false)
	if st := other.Stats(); st.Items != 0 || st.Bytes == 0 {
		t.Errorf("another identity sees %+v", st)
	}
	s = open(t, Config{Dir: dir, Identity: "a"})
	check(t, s, item(1, 1000), true)
	check(t, s, item(2, 0), true)
	check(t, s, state, true)
	check(t, s, item(3, 5), false)
	if b, err := s.Note(key(9), 10); string(b) != "hello" {
		t.Errorf("note %q, %v", b, err)
	}
	kids := s.Children(key(1), false)
	if len(kids) != 1 || kids[0].Key != key(2) || !slices.Equal(kids[0].Tokens, item(2, 0).Tokens) {
		t.Errorf("children %+v", kids)
	}
}

// TestEveryDamageIsFound flips each byte of a file and cuts it at each length.
func TestEveryDamageIsFound(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, Identity: "a"})
	it := item(1, 40)
	put(t, s, it)
	path := files(t, dir)[0]
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := func(bad []byte) {
		t.Helper()
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s.scan(false)
		before := s.Stats().Damaged
		check(t, s, it, false)
		if _, err := os.Stat(path); err == nil || s.Stats().Damaged != before+1 || s.Has(Block, it.Key) {
			t.Errorf("the damaged file is still there: %v", err)
		}
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 0x10
		f(bad)
		f(good[:i])
	}
}

func TestOtherContentIsNoHit(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	for i, change := range []func(*Item){
		func(it *Item) { it.Tokens = []int32{1, 2, 3, 5} },
		func(it *Item) { it.Parent[20]++ },
		func(it *Item) { it.Data = it.Data[:7] },
		func(it *Item) { it.Pos++ },
	} {
		it := item(byte(i+1), 8)
		put(t, s, it)
		change(&it)
		check(t, s, it, false)
	}
}

func TestEvictionTakesTheOldestAndSparesTheUsed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, MaxBytes: 10 * 1200})
	for b := byte(1); b <= 8; b++ {
		put(t, s, item(b, 1000))
	}
	old := time.Now().Add(-time.Hour)
	s.mu.Lock()
	for _, e := range s.items {
		e.used = old.Add(time.Duration(e.key[0]) * time.Minute)
	}
	s.mu.Unlock()
	check(t, s, item(1, 1000), true) // used now
	put(t, s, item(9, 1000), item(10, 1000), item(11, 1000))
	check(t, s, item(1, 1000), true)
	check(t, s, item(2, 1000), false)
	check(t, s, item(11, 1000), true)
	if st := s.Stats(); st.Bytes > st.MaxBytes || st.Evicted == 0 {
		t.Errorf("%+v", st)
	}
	var sum int64
	for _, f := range files(t, dir) {
		if i, err := os.Stat(f); err == nil {
			sum += i.Size()
		}
	}
	if sum != s.Stats().Bytes {
		t.Errorf("%d bytes in the folder, %d counted", sum, s.Stats().Bytes)
	}
	if s.Put(item(12, 20000), nil) {
		t.Error("an item larger than the store was taken")
	}
}

func TestChildrenGoBeforeParents(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), MaxBytes: 5 * 1200})
	for b := byte(1); b <= 6; b++ {
		put(t, s, item(b, 1000))
	}
	check(t, s, item(1, 1000), true)
}

func TestLeftoversOfACrash(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	put(t, s, item(1, 100))
	s.Close()
	own := filepath.Dir(files(t, dir)[0])
	for _, name := range []string{tempPrefix + "dead-1", "junk", "x-y-1-2.kv"} {
		if err := os.WriteFile(filepath.Join(own, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, Config{Dir: dir})
	check(t, s, item(1, 100), true)
	for _, f := range files(t, dir) {
		if strings.Contains(f, tempPrefix) {
			t.Errorf("%s was left", f)
		}
	}
	if err := os.RemoveAll(dir); err != nil { // behind the store's back
		t.Fatal(err)
	}
	check(t, s, item(1, 100), false)
	put(t, s, item(1, 100))
	check(t, s, item(1, 100), true)
}

func TestFullDiskSwitchesOff(t *testing.T) {
	dir := t.TempDir()
	var warned []error
	s := open(t, Config{Dir: dir, Warn: func(err error) { warned = append(warned, err) }})
	put(t, s, item(1, 10))
	s.writeFile = func(path string, parts ...[]byte) error {
		if err := writeFile(path, parts[0]); err != nil {
			return err
		}
		return &os.PathError{Op: "write", Path: path, Err: syscall.ENOSPC}
	}
	put(t, s, item(2, 10))
	if len(warned) != 1 || !errors.Is(warned[0], syscall.ENOSPC) || s.Put(item(3, 10), nil) || !s.Stats().Off {
		t.Errorf("warned %v, %+v", warned, s.Stats())
	}
	check(t, s, item(1, 10), true) // reading goes on
	check(t, s, item(2, 10), false)
	if n := len(files(t, dir)); n != 1 {
		t.Errorf("%d files", n)
	}
}

// TestPanicSwitchesOff checks that a mistake in the writer costs the cache, and
// neither the process nor those who wait for it.
func TestPanicSwitchesOff(t *testing.T) {
	f := func(name string, mistake func(s *Store) (done func())) {
		t.Helper()
		var warned []error
		s := open(t, Config{Dir: t.TempDir(), Warn: func(err error) { warned = append(warned, err) }})
		put(t, s, item(1, 10))
		told := make(chan struct{})
		done := mistake(s)
		if !s.Put(item(2, 10), func() { close(told); done() }) || !s.Put(item(3, 10), nil) {
			t.Fatal("an item was refused")
		}
		<-told
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		st := s.Stats()
		if len(warned) != 1 || !strings.Contains(warned[0].Error(), "a mistake") || !strings.Contains(warned[0].Error(), "write.go") {
			t.Errorf("%s: warned %v", name, warned)
		}
		if !st.Off || !strings.HasSuffix(st.Problem, "a mistake") || st.Queued != 0 || s.Writing() {
			t.Errorf("%s: %+v", name, st)
		}
		check(t, s, item(1, 10), true) // reading goes on
		check(t, s, item(3, 10), false)
	}
	f("in writing", func(s *Store) func() {
		s.writeFile = func(string, ...[]byte) error { panic("a mistake") }
		return func() {}
	})
	f("with the mutex", func(s *Store) func() {
		s.writeFile = func(path string, parts ...[]byte) error {
			s.locked(func() { panic("a mistake") })
			return nil
		}
		return func() {}
	})
	f("in whom is told", func(*Store) func() { return func() { panic("a mistake") } })
}

func TestQueueIsBounded(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), QueueItems: 2, QueueBytes: 1000})
	block := make(chan struct{})
	s.writeFile = func(path string, parts ...[]byte) error {
		<-block
		return writeFile(path, parts...)
	}
	n := 0
	for b := byte(1); b < 20; b++ {
		if s.Put(item(b, 100), nil) {
			n++
		}
	}
	if n < 2 || n > 3 || s.Stats().Refused == 0 {
		t.Errorf("%d items were taken, %+v", n, s.Stats())
	}
	if s.Put(item(1, 100), nil) {
		t.Error("an item that waits was taken again")
	}
	close(block)
	s.Close()
	if st := s.Stats(); st.Items != n || st.Queued != 0 {
		t.Errorf("after closing: %+v", st)
	}
}

func TestPrefixesOfANewBlockGo(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	half, whole := item(1, 8), item(1, 8)
	half.Key, half.Tokens = key(7), half.Tokens[:2]
	kept := half
	kept.Key, kept.Tokens = key(8), []int32{99}
	put(t, s, half, kept, whole)
	check(t, s, half, false)
	check(t, s, kept, true)
	check(t, s, whole, true)
}

func FuzzHeader(f *testing.F) {
	var id Key
	it := item(1, 3)
	f.Add(appendHeader(nil, &id, &it))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := readHeader(bytes.NewReader(b), &id)
		if err != nil {
			if !errors.Is(err, errDamaged) {
				t.Error(err)
			}
			return
		}
		if n := headerBytes(len(h.item.Tokens)); n > len(b) {
			t.Errorf("a header of %d bytes in %d", n, len(b))
		}
	})
}

func FuzzName(f *testing.F) {
	it := item(3, 1)
	f.Add(fileName(&it))
	f.Add("a-b-1-2.kv")
	f.Fuzz(func(t *testing.T, s string) {
		if e, ok := parseName(s); ok && (e.kind == 0 || e.n < 0 || e.pos < 0) {
			t.Errorf("%q: %+v", s, e)
		}
	})
}
