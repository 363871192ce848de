package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Events of the audit log.
const (
	EventKeyAdded   = "key added"
	EventKeyRevoked = "key revoked"
	EventLimits     = "limits changed"
	EventStart      = "server started"
	EventStop       = "server stopped"
)

// An Entry of the audit log says what happened to whom.
type Entry struct {
	At      time.Time
	Event   string
	Subject string // a key's name, or the address of a server
	Detail  string
}

// Log adds an entry to the audit log.
func (s *Store) Log(ctx context.Context, event, subject, detail string) error {
	return s.in(ctx, func(tx *sql.Tx) error { return s.audit(ctx, tx, event, subject, detail) })
}

func (s *Store) audit(ctx context.Context, tx *sql.Tx, event, subject, detail string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO audit (at, event, subject, detail) VALUES (?, ?, ?, ?)", s.now().Unix(), event, subject, detail)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Audit returns the last entries of the audit log, the newest last.
func (s *Store) Audit(ctx context.Context, n int) (out []Entry, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT at, event, subject, detail FROM (SELECT * FROM audit ORDER BY id DESC LIMIT ?) ORDER BY id", n)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e Entry
		var at sql.NullInt64
		if err := rows.Scan(&at, &e.Event, &e.Subject, &e.Detail); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		e.At = fromUnix(at)
		out = append(out, e)
	}
	return out, rows.Err()
}

// String lists the limits that are set, such as "60 requests/min, priority 5".
func (l *Limits) String() string {
	var out []string
	add := func(n int64, what string) {
		if n != 0 {
			out = append(out, strconv.FormatInt(n, 10)+" "+what)
		}
	}
	add(l.RequestsPerMinute, "requests/min")
	add(l.TokensPerMinute, "tokens/min")
	add(l.TokensPerDay, "tokens/day")
	add(l.TokensPerMonth, "tokens/month")
	add(l.Concurrent, "at once")
	if l.Priority != 0 {
		out = append(out, "priority "+strconv.Itoa(l.Priority))
	}
	if len(l.Models) > 0 {
		out = append(out, "only "+strings.Join(l.Models, " "))
	}
	if l.Balance != nil {
		out = append(out, strconv.FormatInt(*l.Balance, 10)+" tokens left")
	}
	if l.Manage {
		out = append(out, "manages models")
	}
	return strings.Join(out, ", ")
}
