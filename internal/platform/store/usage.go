package store

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Usage is what was used, in requests and tokens.
type Usage struct {
	Requests   int64
	Prompt     int64 // tokens of prompts
	Cached     int64 // of those, found in the cache
	Completion int64 // tokens of answers
	Reasoning  int64 // of those, thinking
}

// Computed returns the tokens that count: what was found in the cache is free.
func (u Usage) Computed() int64 { return max(0, u.Prompt-u.Cached) + u.Completion }

// Add adds another usage.
func (u *Usage) Add(o Usage) {
	u.Requests += o.Requests
	u.Prompt += o.Prompt
	u.Cached += o.Cached
	u.Completion += o.Completion
	u.Reasoning += o.Reasoning
}

// A Row is what a key used of a model on a day.
type Row struct {
	Day   string // 2026-11-24, UTC
	Key   string // its name
	Model string
	Usage
}

// A Query chooses rows of usage.
type Query struct {
	From, To string // first and last day; empty is open
	Key      string // name; empty is all, revoked ones included
}

const dayFormat = "2006-01-02"

// Day returns the day that a time counts to.
func Day(t time.Time) string { return t.UTC().Format(dayFormat) }

// Usage returns what was used, by day, key and model. What a running server
// has not written yet, up to a second, is missing.
func (s *Store) Usage(ctx context.Context, q Query) (out []Row, err error) {
	if err := s.rec.flush(ctx); err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, `SELECT u.day, k.name, u.model, sum(u.requests), sum(u.prompt), sum(u.cached), sum(u.completion), sum(u.reasoning)
		FROM usage u JOIN keys k ON k.id = u.key
		WHERE (?1 = '' OR u.day >= ?1) AND (?2 = '' OR u.day <= ?2) AND (?3 = '' OR k.name = ?3)
		GROUP BY u.day, k.name, u.model ORDER BY u.day, k.name, u.model`, q.From, q.To, q.Key)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r Row
		if err := rows.Scan(&r.Day, &r.Key, &r.Model, &r.Requests, &r.Prompt, &r.Cached, &r.Completion, &r.Reasoning); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// computed returns the tokens that a key used from a day on.
func (s *Store) computed(ctx context.Context, key int64, from string) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT coalesce(sum(max(0, prompt - cached) + completion), 0) FROM usage WHERE key = ? AND day >= ?", key, from).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("store: %w", err)
	}
	return n, nil
}

// WriteCSV writes rows with a line of headings.
func WriteCSV(w io.Writer, rows []Row) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"day", "key", "model", "requests", "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens"}) // c.Error has it
	for _, r := range rows {
		rec := []string{r.Day, r.Key, plainCell(r.Model)}
		for _, n := range []int64{r.Requests, r.Prompt, r.Cached, r.Completion, r.Reasoning} {
			rec = append(rec, strconv.FormatInt(n, 10))
		}
		_ = c.Write(rec)
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// plainCell keeps a spreadsheet from taking a name for a formula.
func plainCell(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@') {
		return "'" + s
	}
	return s
}
