package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A state says what a .part file is a part of; it is kept beside it.
type state struct {
	URL      string `json:"url"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256,omitempty"`
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
}

func statePath(path string) string { return path + ".part.json" }

// readState returns the state of a file, the zero one if there is none.
func readState(path string) (s state) {
	data, err := os.ReadFile(statePath(path))
	if err != nil || json.Unmarshal(data, &s) != nil {
		return state{}
	}
	return s
}

func (s *state) write(path string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	if err := os.WriteFile(statePath(path), data, 0o600); err != nil { // an address may be secret
		return fmt.Errorf("pull: %w", err)
	}
	return nil
}

func removeState(path string) error {
	if err := os.Remove(statePath(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("pull: %w", err)
	}
	return nil
}

// matches reports that a .part file belongs to a file: the checksum is the same,
// or, where there is none, the address.
func (s *state) matches(f *File) bool {
	if f.SHA256 != "" || s.SHA256 != "" {
		return f.SHA256 == s.SHA256
	}
	return s.URL == f.URL && (f.Size == 0 || s.Size == f.Size)
}

// validator is what tells the server which version of the file was begun.
func (s *state) validator() string {
	if s.ETag != "" && !strings.HasPrefix(s.ETag, "W/") {
		return s.ETag
	}
	return s.Modified
}

// contentRange reads "bytes FROM-TO/TOTAL".
func contentRange(s string) (from, to, total int64, err error) {
	rest, ok := strings.CutPrefix(s, "bytes ")
	span, size, ok2 := strings.Cut(rest, "/")
	lo, hi, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 {
		return 0, 0, 0, fmt.Errorf("pull: %.100q is no range", s)
	}
	for _, v := range []struct {
		text string
		n    *int64
	}{{lo, &from}, {hi, &to}, {size, &total}} {
		if *v.n, err = strconv.ParseInt(v.text, 10, 64); err != nil || *v.n < 0 {
			return 0, 0, 0, fmt.Errorf("pull: %.100q is no range", s)
		}
	}
	if from > to || to >= total {
		return 0, 0, 0, fmt.Errorf("pull: %.100q is no range", s)
	}
	return from, to, total, nil
}

// watched is a body that is given up when nothing comes.
type watched struct {
	r      io.Reader
	after  time.Duration
	cancel func()
	timer  *time.Timer
	rang   atomic.Bool
}

// Read begins the wait anew.
func (w *watched) Read(p []byte) (int, error) {
	if w.timer == nil {
		w.timer = time.AfterFunc(w.after, func() { w.rang.Store(true); w.cancel() })
	}
	n, err := w.r.Read(p)
	if n > 0 {
		w.timer.Reset(w.after)
	}
	return n, err
}

func (w *watched) fired() bool { return w.rang.Load() }

func (w *watched) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (c *Client) stall() time.Duration {
	if c.Stall > 0 {
		return c.Stall
	}
	return defaultStall
}

// A readerFunc is a reader made of its method.
type readerFunc func(p []byte) (int, error)

// Read calls the function.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// until reads while the context lives.
func until(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return r.Read(p)
	})
}
