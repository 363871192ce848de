package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// crashVariable makes the test binary the child that is going to be killed.
const crashVariable = "HOLDFAST_TEST_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashVariable); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever makes keys and uses them, and tells each that is safe.
func writeForever(path string) error {
	s, err := Open(path)
	if err != nil {
		return err
	}
	ctx := context.Background()
	for i := 0; ; i++ {
		name := fmt.Sprintf("key%d", i)
		k, _, err := s.AddKey(ctx, name, time.Time{}, Limits{})
		if err != nil {
			return err
		}
		s.Record(k.ID, "m", Usage{Requests: 1, Prompt: 5})
		if err := s.rec.flush(ctx); err != nil {
			return err
		}
		fmt.Println(name)
	}
}

// TestKill kills a process in the middle of its writes, again and again: what
// it said was written must be there, and nothing may be damaged.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for round := range 3 {
		if round > 0 { // names are free again
			for _, k := range keysOf(t, path) {
				revoke(t, path, k.Name)
			}
		}
		total += killAfter(t, self, path, 15+20*round)
		keys := len(keysOf(t, path))
		if keys < total {
			t.Fatalf("round %d: %d keys, but %d were written", round, keys, total)
		}
		total = keys
	}
}

// killAfter lets a child write for a while, kills it in the middle, and returns
// how many keys it had told.
func killAfter(t *testing.T, self, path string, lines int) (told int) {
	t.Helper()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), crashVariable+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for sc := bufio.NewScanner(out); sc.Scan(); {
		if told++; told == lines { // lines that are still in the pipe count too
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || strings.Contains(err.Error(), "exit status") {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return told
}

func keysOf(t *testing.T, path string) []Key {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var check string
	if err := s.db.QueryRow("PRAGMA integrity_check").Scan(&check); err != nil || check != "ok" {
		t.Fatalf("integrity: %s %v", check, err)
	}
	keys, err := s.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Usage(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	var used int64
	for _, r := range rows {
		used += r.Requests
	}
	if n := int64(len(keys)) - used; n < 0 || n > 3 { // the last one of each round may not have got so far
		t.Fatalf("%d keys, %d of them used", len(keys), used)
	}
	return keys
}

func revoke(t *testing.T, path, name string) {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_ = s.Revoke(t.Context(), name) // an older key of the name is revoked already
}
