package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// ResponseLimits bound what is kept of responses; see DefaultResponseLimits.
type ResponseLimits struct {
	Age      time.Duration // since they were made
	PerOwner int           // responses of one owner
	// OwnerBytes and Bytes bound the sizes of one owner's responses, and of all.
	OwnerBytes, Bytes int64
}

// DefaultResponseLimits keep a response as long as OpenAI does, and a thousand of
// each owner.
var DefaultResponseLimits = ResponseLimits{Age: 30 * 24 * time.Hour, PerOwner: 1000, OwnerBytes: 64 << 20, Bytes: 1 << 30}

// Responses keeps answers with their conversations, so that later requests can go on
// from them, in a file of its own: it holds what people wrote, and can be deleted
// without losing a key. The file is made when the first response is kept. A process
// that is killed loses none; a computer that loses its power may lose the last ones.
type Responses struct {
	path   string
	limits ResponseLimits
	now    func() time.Time

	mu   sync.Mutex
	db   *sql.DB // nil: not opened yet
	puts int
	shut bool
}

// NewResponses returns the responses of a file.
func NewResponses(path string, l ResponseLimits) *Responses {
	return &Responses{path: path, limits: l, now: time.Now}
}

var responseMigrations = []string{`
CREATE TABLE responses (
	id TEXT NOT NULL PRIMARY KEY,
	owner TEXT NOT NULL,      -- who may see it: a key's name
	created INTEGER NOT NULL, -- seconds since 1970
	size INTEGER NOT NULL,    -- bytes of data
	data BLOB NOT NULL
) STRICT;
CREATE INDEX responses_owner ON responses (owner, created, size);
CREATE INDEX responses_created ON responses (created, size);
`}

// errShut is returned by methods of closed Responses.
var errShut = errors.New("store: the responses are closed")

// open returns the database; nil if there is no file and none is to be made.
func (r *Responses) open(create bool) (*sql.DB, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shut {
		return nil, errShut
	}
	if r.db != nil {
		return r.db, nil
	}
	if _, err := os.Stat(r.path); errors.Is(err, fs.ErrNotExist) && !create {
		return nil, nil
	}
	if err := private(r.path); err != nil {
		return nil, err
	}
	db, err := openFile(r.path, responseMigrations, "synchronous(normal)", "secure_delete(on)")
	if err == nil {
		r.db = db
	}
	return db, err
}

// Close closes the file.
func (r *Responses) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shut = true
	if r.db == nil {
		return nil
	}
	err := r.db.Close()
	r.db = nil
	return err
}

// Put keeps a response, and forgets older ones that are more than the limits allow.
func (r *Responses) Put(ctx context.Context, id, owner string, data []byte) error {
	if int64(len(data)) > min(r.limits.OwnerBytes, r.limits.Bytes) {
		return nil // it would push all others out
	}
	db, err := r.open(true)
	if err != nil {
		return err
	}
	r.mu.Lock()
	all := r.puts%64 == 0
	r.puts++
	r.mu.Unlock()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // of no effect after a commit
	now := r.now().Unix()
	if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO responses (id, owner, created, size, data) VALUES (?, ?, ?, ?, ?)", id, owner, now, len(data), data); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := r.forget(ctx, tx, "WHERE owner = ?", owner, r.limits.PerOwner, r.limits.OwnerBytes); err != nil {
		return err
	}
	if all {
		if _, err := tx.ExecContext(ctx, "DELETE FROM responses WHERE created <= ?", now-int64(r.limits.Age.Seconds())); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if err := r.forget(ctx, tx, "WHERE ? = ''", "", -1, r.limits.Bytes); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// forget deletes the oldest of some responses, until so many of so many bytes are
// left; most below 0 is any number. Of many it forgets some more, so that it has
// nothing to do the next times.
func (r *Responses) forget(ctx context.Context, tx *sql.Tx, where, owner string, most int, bytes int64) error {
	var n, size int64
	if err := tx.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(size), 0) FROM responses "+where, owner).Scan(&n, &size); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if (most < 0 || n <= int64(most)) && size <= bytes {
		return nil
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM responses WHERE rowid IN (SELECT rowid FROM (
			SELECT rowid, row_number() OVER w AS place, sum(size) OVER w AS total FROM responses `+where+` WINDOW w AS (ORDER BY created DESC, rowid DESC)
		) WHERE place > ? AND ? >= 0 OR total > ?)`, owner, most-most/16, most, bytes)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Get returns a response of an owner; ok is false if there is none, or it is too old.
func (r *Responses) Get(ctx context.Context, id, owner string) (data []byte, ok bool, err error) {
	db, err := r.open(false)
	if db == nil || err != nil {
		return nil, false, err
	}
	err = db.QueryRowContext(ctx, "SELECT data FROM responses WHERE id = ? AND owner = ? AND created > ?", id, owner, r.now().Unix()-int64(r.limits.Age.Seconds())).Scan(&data)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("store: %w", err)
	}
	return data, true, nil
}

// Delete deletes a response of an owner, and reports whether there was one.
func (r *Responses) Delete(ctx context.Context, id, owner string) (bool, error) {
	db, err := r.open(false)
	if db == nil || err != nil {
		return false, err
	}
	res, err := db.ExecContext(ctx, "DELETE FROM responses WHERE id = ? AND owner = ?", id, owner)
	if err != nil {
		return false, fmt.Errorf("store: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
