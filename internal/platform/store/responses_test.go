package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func TestResponses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "r.db")
	l := ResponseLimits{Age: time.Hour, PerOwner: 3, OwnerBytes: 100, Bytes: 150}
	clock := time.Unix(1_700_000_000, 0)
	reopen := func(old *Responses) *Responses {
		t.Helper()
		if old != nil {
			if err := old.Close(); err != nil {
				t.Fatal(err)
			}
		}
		r := NewResponses(path, l)
		r.now = func() time.Time { return clock }
		t.Cleanup(func() { r.Close() })
		return r
	}
	r := reopen(nil)
	get := func(id, owner string, want string) {
		t.Helper()
		data, ok, err := r.Get(t.Context(), id, owner)
		if err != nil || ok != (want != "") || string(data) != want {
			t.Errorf("%s of %q: %q %v %v, want %q", id, owner, data, ok, err, want)
		}
	}
	put := func(id, owner, data string) {
		t.Helper()
		if err := r.Put(t.Context(), id, owner, []byte(data)); err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(time.Second)
	}
	get("a", "", "")
	if ok, err := r.Delete(t.Context(), "a", ""); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a question made the file")
	}
	put("a", "", "one")
	onlyOwner(t, path)
	r = reopen(r) // a restart
	get("a", "", "one")
	get("a", "ann", "")
	if ok, _ := r.Delete(t.Context(), "a", "ann"); ok {
		t.Error("another's response was deleted")
	}
	if ok, err := r.Delete(t.Context(), "a", ""); !ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	get("a", "", "")
	for i := range 5 { // the number
		put(fmt.Sprint("n", i), "ann", fmt.Sprint(i))
	}
	get("n1", "ann", "")
	get("n2", "ann", "2")
	get("n4", "ann", "4")
	put("big", "ann", string(bytes.Repeat([]byte("x"), 99))) // the bytes
	get("n3", "ann", "")
	get("n4", "ann", "4")
	put("huge", "ann", string(bytes.Repeat([]byte("x"), 101)))
	get("huge", "ann", "")
	get("big", "ann", string(bytes.Repeat([]byte("x"), 99)))
	r = reopen(r) // the first one put looks at all
	put("b", "bob", string(bytes.Repeat([]byte("y"), 60)))
	get("big", "ann", "")
	get("b", "bob", string(bytes.Repeat([]byte("y"), 60)))
	clock = clock.Add(time.Hour)
	get("b", "bob", "")
	r = reopen(r)
	put("c", "cid", "c")
	var n int
	if err := r.db.QueryRow("SELECT count(*) FROM responses").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d responses are left, %v", n, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := r.Put(t.Context(), "d", "", nil); err == nil {
		t.Error("a closed file was written")
	}
}

// onlyOwner checks that nobody else can read what was written, in any file.
func onlyOwner(t *testing.T, path string) {
	t.Helper()
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		i, err := os.Stat(name)
		if err != nil || i.Size() == 0 || i.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%s: %v %v", name, i, err)
		}
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	for _, name := range []string{path, path + "-wal"} { // as an earlier version left them
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Log(t.Context(), EventStart, "x", ""); err != nil {
			t.Error(err)
		}
		onlyOwner(t, path)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestResponsesOfNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("no database"), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	r := NewResponses(path, DefaultResponseLimits)
	if _, _, err := r.Get(t.Context(), "a", ""); err == nil {
		t.Error("no error")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkPutResponse(b *testing.B) {
	r := NewResponses(filepath.Join(b.TempDir(), "r.db"), DefaultResponseLimits)
	defer r.Close()
	data := bytes.Repeat([]byte("x"), 20_000)
	for i := 0; b.Loop(); i++ {
		if err := r.Put(b.Context(), fmt.Sprint("resp_", i), "ann", data); err != nil {
			b.Fatal(err)
		}
	}
}
