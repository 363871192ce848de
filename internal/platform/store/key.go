package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

// A Key is what is known of an API key. The key itself is not: only its hash is
// kept, so that a copy of the file lets nobody in.
type Key struct {
	ID       int64
	Name     string
	Prefix   string // how the key begins, to recognise it
	Created  time.Time
	Expires  time.Time // zero is never
	Revoked  time.Time // zero is not
	LastUsed time.Time // zero is never
	Limits   Limits
}

// Limits bound what a key may do; 0 is no bound. Tokens are those that were
// computed: of prompts without those found in the cache, and of answers.
type Limits struct {
	RequestsPerMinute int64
	TokensPerMinute   int64
	TokensPerDay      int64 // days and months are UTC's
	TokensPerMonth    int64
	Concurrent        int64    // requests at once
	Priority          int      // higher goes first
	Models            []string // names; empty is all
	Balance           *int64   // tokens that are left; nil is no bound
	Manage            bool     // may download, change and delete models
}

// Errors of keys.
var (
	ErrUnknownKey = errors.New("store: the key is not valid")
	ErrRevokedKey = errors.New("store: the key was revoked")
	ErrExpiredKey = errors.New("store: the key has expired")
	ErrNoName     = errors.New("store: there is no key of that name")
	ErrNameTaken  = errors.New("store: the name is taken")
)

// KeyBegin is how every key begins.
const KeyBegin = "sk-hf-"

// prefixLen is how much of a key is kept for people: not enough to help a guess.
const prefixLen = len(KeyBegin) + 4

var goodName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// PriorityBound bounds priorities on both sides.
const PriorityBound = 100

// check refuses limits that make no sense.
func (l *Limits) check() error {
	for _, v := range []struct {
		name string
		n    int64
	}{
		{"requests per minute", l.RequestsPerMinute},
		{"tokens per minute", l.TokensPerMinute},
		{"tokens per day", l.TokensPerDay},
		{"tokens per month", l.TokensPerMonth},
		{"concurrent requests", l.Concurrent},
	} {
		if v.n < 0 || v.n > math.MaxInt32*1000 {
			return fmt.Errorf("store: %s is %d, expected 0 (no limit) or more", v.name, v.n)
		}
	}
	if l.Priority < -PriorityBound || l.Priority > PriorityBound {
		return fmt.Errorf("store: priority is %d, expected -%d to %d", l.Priority, PriorityBound, PriorityBound)
	}
	for _, m := range l.Models {
		if m == "" || strings.ContainsAny(m, "\n\r") {
			return fmt.Errorf("store: %q is no name of a model", m)
		}
	}
	return nil
}

// hash is what is kept of a key. A plain hash is enough: keys are 130 random
// bits, which nobody can try out, unlike passwords.
func hash(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// AddKey makes a key and returns it as text: the only time that it can be seen.
// A zero expires is never.
func (s *Store) AddKey(ctx context.Context, name string, expires time.Time, l Limits) (k Key, secret string, err error) {
	if !goodName.MatchString(name) {
		return k, "", fmt.Errorf("store: %q is no name for a key: expected up to 64 letters, digits and . _ @ -, beginning with a letter or digit", name)
	}
	if err := l.check(); err != nil {
		return k, "", err
	}
	if !expires.IsZero() && !expires.After(s.now()) {
		return k, "", fmt.Errorf("store: the key would have expired already, at %s", expires.UTC().Format(time.RFC3339))
	}
	secret = KeyBegin + rand.Text()
	err = s.in(ctx, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM keys WHERE name = ? AND revoked IS NULL", name).Scan(&n); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if n > 0 {
			return fmt.Errorf("%w: %s", ErrNameTaken, name)
		}
		res, err := tx.ExecContext(ctx, "INSERT INTO keys (name, prefix, hash, created, expires) VALUES (?, ?, ?, ?, ?)",
			name, secret[:prefixLen], hash(secret), s.now().Unix(), unix(expires))
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		id, err := res.LastInsertId()
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if err := putLimits(ctx, tx, id, &l); err != nil {
			return err
		}
		if err := s.audit(ctx, tx, EventKeyAdded, name, l.String()); err != nil {
			return err
		}
		k, err = oneKey(tx.QueryRowContext(ctx, selectKey+" WHERE id = ?", id))
		return err
	})
	if err != nil {
		return Key{}, "", err
	}
	return k, secret, nil
}

func putLimits(ctx context.Context, tx *sql.Tx, id int64, l *Limits) error {
	_, err := tx.ExecContext(ctx, `UPDATE keys SET requests_minute = ?, tokens_minute = ?, tokens_day = ?, tokens_month = ?,
		concurrent = ?, priority = ?, models = ?, balance = ?, manage = ? WHERE id = ?`,
		l.RequestsPerMinute, l.TokensPerMinute, l.TokensPerDay, l.TokensPerMonth, l.Concurrent, l.Priority, strings.Join(l.Models, "\n"), l.Balance, l.Manage, id)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

const selectKey = `SELECT id, name, prefix, created, expires, revoked, last_used, requests_minute, tokens_minute, tokens_day,
	tokens_month, concurrent, priority, models, balance, manage FROM keys`

// oneKey reads a row of selectKey.
func oneKey(row interface{ Scan(...any) error }) (k Key, err error) {
	var created, expires, revoked, used sql.NullInt64
	var models string
	l := &k.Limits
	err = row.Scan(&k.ID, &k.Name, &k.Prefix, &created, &expires, &revoked, &used, &l.RequestsPerMinute, &l.TokensPerMinute, &l.TokensPerDay,
		&l.TokensPerMonth, &l.Concurrent, &l.Priority, &models, &l.Balance, &l.Manage)
	if err != nil {
		return k, fmt.Errorf("store: %w", err)
	}
	k.Created, k.Expires, k.Revoked, k.LastUsed = fromUnix(created), fromUnix(expires), fromUnix(revoked), fromUnix(used)
	if models != "" {
		l.Models = strings.Split(models, "\n")
	}
	return k, nil
}

// Find returns the key that a request carries. A key that must not be used any
// more is ErrRevokedKey or ErrExpiredKey, any other text ErrUnknownKey.
func (s *Store) Find(ctx context.Context, secret string) (Key, error) {
	// The hash is looked up, not the key: how long that takes says nothing of it.
	k, err := oneKey(s.find.QueryRowContext(ctx, hash(secret)))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Key{}, ErrUnknownKey
	case err != nil:
		return Key{}, err
	case !k.Revoked.IsZero():
		return k, ErrRevokedKey
	case !k.Expires.IsZero() && !s.now().Before(k.Expires):
		return k, ErrExpiredKey
	}
	return k, nil
}

// Key returns the key with a name that is not revoked, or ErrNoName.
func (s *Store) Key(ctx context.Context, name string) (Key, error) {
	k, err := oneKey(s.db.QueryRowContext(ctx, selectKey+" WHERE name = ? AND revoked IS NULL", name))
	if errors.Is(err, sql.ErrNoRows) {
		return Key{}, fmt.Errorf("%w: %s", ErrNoName, name)
	}
	return k, err
}

// Keys returns all keys in the order of their creation; revoked ones too.
func (s *Store) Keys(ctx context.Context) (out []Key, err error) {
	rows, err := s.db.QueryContext(ctx, selectKey+" ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		k, err := oneKey(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// Revoke ends a key for good; what it used stays on record.
func (s *Store) Revoke(ctx context.Context, name string) error {
	return s.in(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE keys SET revoked = ? WHERE name = ? AND revoked IS NULL", s.now().Unix(), name)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("%w: %s", ErrNoName, name))
		}
		return s.audit(ctx, tx, EventKeyRevoked, name, "")
	})
}

// SetLimits lets f change the limits of a key. What a running server used of
// the balance and has not written yet is not lost: see [Store.Record].
func (s *Store) SetLimits(ctx context.Context, name string, f func(*Limits)) (k Key, err error) {
	err = s.in(ctx, func(tx *sql.Tx) error {
		k, err = oneKey(tx.QueryRowContext(ctx, selectKey+" WHERE name = ? AND revoked IS NULL", name))
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("%w: %s", ErrNoName, name)
		}
		if err != nil {
			return err
		}
		f(&k.Limits)
		if err := k.Limits.check(); err != nil {
			return err
		}
		if err := putLimits(ctx, tx, k.ID, &k.Limits); err != nil {
			return err
		}
		return s.audit(ctx, tx, EventLimits, name, k.Limits.String())
	})
	return k, err
}
