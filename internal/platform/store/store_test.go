package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A clock is moved by hand.
type clock struct{ t time.Time }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func fresh(t *testing.T) (*Store, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	s, err := open(filepath.Join(t.TempDir(), "a b?#%.db"), c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

func add(t *testing.T, s *Store, name string, l Limits) (k Key, secret string) {
	t.Helper()
	k, secret, err := s.AddKey(t.Context(), name, time.Time{}, l)
	if err != nil {
		t.Fatal(err)
	}
	return k, secret
}

func TestKeys(t *testing.T) {
	s, c := fresh(t)
	ctx := t.Context()
	left := int64(1000)
	limits := Limits{RequestsPerMinute: 1, TokensPerMinute: 2, TokensPerDay: 3, TokensPerMonth: 4, Concurrent: 5, Priority: -6, Models: []string{"a", "b"}, Balance: &left, Manage: true}
	k, secret := add(t, s, "ann", limits)
	if !strings.HasPrefix(secret, KeyBegin) || len(secret) < 30 || !strings.HasPrefix(secret, k.Prefix) || len(k.Prefix) > 10 {
		t.Errorf("key %q, prefix %q", secret, k.Prefix)
	}
	found, err := s.Find(ctx, secret)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(k, found); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(limits, found.Limits); diff != "" {
		t.Error(diff)
	}
	for _, wrong := range []string{"", "x", secret + " ", strings.ToLower(secret), k.Prefix} {
		if _, err := s.Find(ctx, wrong); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, _, err := s.AddKey(ctx, "ann", time.Time{}, Limits{}); !errors.Is(err, ErrNameTaken) {
		t.Errorf("a second ann: %v", err)
	}
	if err := s.Revoke(ctx, "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(ctx, secret); !errors.Is(err, ErrRevokedKey) {
		t.Errorf("revoked: %v", err)
	}
	if err := s.Revoke(ctx, "ann"); !errors.Is(err, ErrNoName) {
		t.Errorf("revoked twice: %v", err)
	}
	if again, _ := add(t, s, "ann", Limits{}); again.ID == k.ID {
		t.Error("the name's new key is the old one")
	}
	_, brief, err := s.AddKey(ctx, "brief", c.now().Add(time.Hour), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	c.advance(time.Hour)
	if _, err := s.Find(ctx, brief); !errors.Is(err, ErrExpiredKey) {
		t.Errorf("expired: %v", err)
	}
	all, err := s.Keys(ctx)
	if err != nil || len(all) != 3 {
		t.Errorf("%d keys, %v", len(all), err)
	}
}

func TestTheFileHoldsNoKey(t *testing.T) {
	s, _ := fresh(t)
	_, secret := add(t, s, "ann", Limits{})
	if err := s.rec.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{s.path, s.path + "-wal"} {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(secret)) || bytes.Contains(b, []byte(secret[prefixLen:])) {
			t.Errorf("%s holds the key", f)
		}
	}
}

func TestRefusals(t *testing.T) {
	s, c := fresh(t)
	f := func(name string, expires time.Time, l Limits) {
		t.Helper()
		if _, _, err := s.AddKey(t.Context(), name, expires, l); err == nil || !strings.HasPrefix(err.Error(), "store: ") {
			t.Errorf("%q %v %+v: %v", name, expires, l, err)
		}
	}
	f("", time.Time{}, Limits{})
	f("-x", time.Time{}, Limits{})
	f("a\x00b", time.Time{}, Limits{})
	f(strings.Repeat("x", 65), time.Time{}, Limits{})
	f("x", c.now(), Limits{})
	f("x", time.Time{}, Limits{TokensPerDay: -1})
	f("x", time.Time{}, Limits{Priority: 101})
	f("x", time.Time{}, Limits{Models: []string{"a\nb"}})
	if _, err := s.SetLimits(t.Context(), "nobody", func(*Limits) {}); !errors.Is(err, ErrNoName) {
		t.Error(err)
	}
}

func TestUsage(t *testing.T) {
	s, c := fresh(t)
	left := int64(100)
	ann, _ := add(t, s, "ann", Limits{Balance: &left})
	bob, _ := add(t, s, "bob", Limits{})
	s.Record(ann.ID, "m", Usage{Requests: 1, Prompt: 30, Cached: 10, Completion: 5, Reasoning: 2})
	s.Record(ann.ID, "m", Usage{Requests: 1, Prompt: 3, Completion: 1})
	s.Record(bob.ID, "=cmd()", Usage{Requests: 1, Prompt: 1})
	c.advance(12 * time.Hour) // another day
	s.Record(ann.ID, "m", Usage{Requests: 1, Prompt: 7})
	if l, ok := s.Left(&ann); !ok || l != 100-29-7 {
		t.Errorf("left before it is written: %d", l)
	}
	f := func(q Query, want string) {
		t.Helper()
		rows, err := s.Usage(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := WriteCSV(&b, rows); err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(b.String(), "\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v: %s", q, diff)
		}
	}
	day1, day2 := "2026-11-24,ann,m,2,33,10,6,2\n2026-11-24,bob,'=cmd(),1,1,0,0,0\n", "2026-11-25,ann,m,1,7,0,0,0\n"
	f(Query{}, day1+day2)
	f(Query{From: "2026-11-25"}, day2)
	f(Query{To: "2026-11-24"}, day1)
	f(Query{Key: "ann", From: "2026-11-25", To: "2026-11-25"}, day2)
	f(Query{Key: "x"}, "")
	k, err := s.Key(t.Context(), "ann")
	if err != nil || *k.Limits.Balance != 100-29-7 || !k.LastUsed.Equal(c.now()) {
		t.Errorf("%+v %v", k, err)
	}
	if l, _ := s.Left(&k); l != 100-29-7 {
		t.Errorf("left after it was written: %d", l)
	}
}

// TestRecordedUsageIsWritten checks the goroutine, and that Close writes the rest.
func TestRecordedUsageIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	k, _ := add(t, s, "ann", Limits{})
	s.Record(k.ID, "m", Usage{Requests: 1})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var n int
		if err := s.db.QueryRow("SELECT count(*) FROM usage").Scan(&n); err != nil || time.Now().After(end) {
			t.Fatalf("not written: %v", err)
		}
		if n == 1 {
			break
		}
	}
	s.Record(k.ID, "m", Usage{Requests: 1})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(path); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if rows, err := s.Usage(t.Context(), Query{}); err != nil || len(rows) != 1 || rows[0].Requests != 2 {
		t.Errorf("%+v %v", rows, err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read the file: %v %v", fi.Mode(), err)
	}
}

func TestUsageSurvivesADiskThatFails(t *testing.T) {
	s, _ := fresh(t)
	k, _ := add(t, s, "ann", Limits{})
	s.Record(k.ID, "m", Usage{Requests: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.rec.flush(ctx); err == nil || s.Problem() == nil {
		t.Fatal("no error")
	}
	s.Record(k.ID, "m", Usage{Requests: 1})
	if rows, err := s.Usage(t.Context(), Query{}); err != nil || len(rows) != 1 || rows[0].Requests != 2 || s.Problem() != nil {
		t.Errorf("%+v %v %v", rows, err, s.Problem())
	}
}

func TestAudit(t *testing.T) {
	s, _ := fresh(t)
	_, secret := add(t, s, "ann", Limits{Concurrent: 2})
	if _, err := s.SetLimits(t.Context(), "ann", func(l *Limits) { l.Priority = 3 }); err != nil {
		t.Fatal(err)
	}
	if err := s.Log(t.Context(), EventStart, "127.0.0.1:1", ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Revoke(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	f := func(n int, want ...string) {
		t.Helper()
		entries, err := s.Audit(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Event+" "+e.Subject+" "+e.Detail)
			if strings.Contains(e.Detail, secret) {
				t.Error("the log holds the key")
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	f(100, "key added ann 2 at once", "limits changed ann 2 at once, priority 3", "server started 127.0.0.1:1 ", "key revoked ann ")
	f(1, "key revoked ann ")
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenExisting(filepath.Join(dir, "none.db")); !errors.Is(err, ErrNotThere) {
		t.Error(err)
	}
	if _, err := Open(""); err == nil {
		t.Error("no path: no error")
	}
	junk := filepath.Join(dir, "junk.db")
	if err := os.WriteFile(junk, bytes.Repeat([]byte("junk "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(junk); err == nil || !strings.Contains(err.Error(), "junk.db") {
		t.Errorf("junk: %v", err)
	}
	newer := filepath.Join(dir, "newer.db")
	s, err := Open(newer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Open(newer); err == nil || !strings.Contains(err.Error(), "newer holdfast") {
		t.Errorf("newer: %v", err)
	}
}

func TestOtherFilesAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("no database "), 500), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path+" is not a database of ours") || strings.Contains(err.Error(), "pragma") {
		t.Errorf("%v", err)
	}
}
