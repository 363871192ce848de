// Package store keeps who may use a server, how much, and what they used: API
// keys, limits, usage and an audit log, in one SQLite file.
//
// The file is safe against a process that is killed at any moment: it has a
// write-ahead log, and every commit reaches the disk before it counts. Several
// processes may have it open, such as a server and `holdfast keys`.
//
// What answers used is gathered in memory and written once a second, by one
// goroutine: no token waits for the disk. See [Store.Record].
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	_ "github.com/ncruces/go-sqlite3/driver" // the driver "sqlite3"
)

// A Store is an open file. Its methods are safe for concurrent use.
type Store struct {
	path string
	db   *sql.DB
	find *sql.Stmt // the key with a hash: asked by every request
	now  func() time.Time
	rec  *recorder
}

// ErrNotThere is returned by OpenExisting when there is no file.
var ErrNotThere = errors.New("store: there are no keys yet")

// Open opens the file, makes it if it is not there, and brings it to this
// version's form. The file and its folder are for their owner alone.
func Open(path string) (*Store, error) {
	if path == "" {
		return nil, errors.New("store: there is no folder for the database; set HOLDFAST_HOME")
	}
	if err := private(path); err != nil {
		return nil, err
	}
	return open(path, time.Now)
}

// private makes a database's files, if they are not there, so that their owner
// alone can read them. The driver would give the log and its index, which hold the
// same things for a while, the mode that any new file has.
func private(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		err = f.Close()
		if runtime.GOOS != "windows" { // an earlier version left them open to others
			err = errors.Join(err, os.Chmod(name, 0o600))
		}
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	return nil
}

// OpenExisting is Open for a file that must be there: otherwise the error is
// ErrNotThere, and nothing is made.
func OpenExisting(path string) (*Store, error) {
	if _, err := os.Stat(path); path == "" || errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotThere
	}
	return Open(path)
}

// openFile opens a database, and brings it to this version's form.
func openFile(path string, steps []string, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_pragma": append([]string{"busy_timeout(5000)", "journal_mode(wal)", "foreign_keys(on)"}, pragmas...), "_txlock": {"immediate"}}
	if runtime.GOOS != "windows" {
		q.Set("modeof", path) // the log is made anew again and again
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: strings.ReplaceAll(q.Encode(), "+", "%20")} // SQLite takes a plus for itself
	db, err := sql.Open("sqlite3", u.String())
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(2)
	if err := migrate(context.Background(), db, path, steps); err != nil {
		if errors.Is(err, sqlite3.NOTADB) {
			err = fmt.Errorf("store: %s is not a database of ours; move it away, and a new one is made: %w", path, sqlite3.NOTADB)
		}
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func open(path string, now func() time.Time) (*Store, error) {
	db, err := openFile(path, migrations, "synchronous(full)")
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, db: db, now: now}
	if s.find, err = db.PrepareContext(context.Background(), selectKey+" WHERE hash = ?"); err != nil {
		return nil, errors.Join(fmt.Errorf("store: %w", err), db.Close())
	}
	s.rec = newRecorder(s)
	return s, nil
}

// Path returns where the file is.
func (s *Store) Path() string { return s.path }

// Close writes what was recorded and closes the file.
func (s *Store) Close() error {
	return errors.Join(s.rec.close(), s.find.Close(), s.db.Close())
}

// migrations bring a file from one version to the next; its version is the
// number of those that it has seen (SQLite's user_version). Only append here.
var migrations = []string{`
CREATE TABLE keys (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	prefix TEXT NOT NULL,          -- how the key begins, for people
	hash BLOB NOT NULL UNIQUE,     -- SHA-256 of the key
	created INTEGER NOT NULL,      -- times are seconds since 1970
	expires INTEGER,
	revoked INTEGER,
	last_used INTEGER,
	manage INTEGER NOT NULL DEFAULT 0, -- 1 may download, change and delete models
	requests_minute INTEGER NOT NULL DEFAULT 0, -- 0 is no limit
	tokens_minute INTEGER NOT NULL DEFAULT 0,
	tokens_day INTEGER NOT NULL DEFAULT 0,
	tokens_month INTEGER NOT NULL DEFAULT 0,
	concurrent INTEGER NOT NULL DEFAULT 0,
	priority INTEGER NOT NULL DEFAULT 0,
	models TEXT NOT NULL DEFAULT '', -- one a line; empty is all
	balance INTEGER                  -- tokens that are left; NULL is no limit
) STRICT;
CREATE UNIQUE INDEX keys_name ON keys (name) WHERE revoked IS NULL;
CREATE TABLE usage (
	day TEXT NOT NULL,   -- 2026-11-24, UTC
	key INTEGER NOT NULL REFERENCES keys (id),
	model TEXT NOT NULL,
	requests INTEGER NOT NULL,
	prompt INTEGER NOT NULL,
	cached INTEGER NOT NULL,
	completion INTEGER NOT NULL,
	reasoning INTEGER NOT NULL,
	PRIMARY KEY (day, key, model)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
	id INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	event TEXT NOT NULL,
	subject TEXT NOT NULL,
	detail TEXT NOT NULL
) STRICT;
`}

// migrate brings a file to this version's form, in one transaction each.
func migrate(ctx context.Context, db *sql.DB, path string, steps []string) error {
	for {
		done, err := step(ctx, db, steps)
		if err != nil {
			return fmt.Errorf("store: %s: %w", path, err)
		}
		if done {
			return nil
		}
	}
}

func step(ctx context.Context, db *sql.DB, steps []string) (done bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() //nolint:errcheck // of no effect after a commit
	var v int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v); err != nil {
		return false, err
	}
	switch {
	case v == len(steps):
		return true, nil
	case v > len(steps):
		return false, fmt.Errorf("the file is of version %d, but this program knows up to %d; a newer holdfast wrote it", v, len(steps))
	}
	if _, err := tx.ExecContext(ctx, steps[v]); err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(v+1)); err != nil {
		return false, err
	}
	return false, tx.Commit()
}

// in runs f in a transaction.
func (s *Store) in(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // of no effect after a commit
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// unix is a time for a column that may be NULL.
func unix(t time.Time) sql.NullInt64 { return sql.NullInt64{Int64: t.Unix(), Valid: !t.IsZero()} }

func fromUnix(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.Unix(n.Int64, 0).UTC()
}
