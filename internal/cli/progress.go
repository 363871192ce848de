package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-llm/holdfast/internal/app"
)

// A bar shows progress on standard error, if that is a terminal and it takes
// long enough to be worth a look. Its methods are safe for concurrent use.
type bar struct {
	a     *app.App
	what  string
	unit  func(int64) string
	mu    sync.Mutex
	start time.Time
	last  time.Time
	shown bool
	over  bool
}

// patience is how long work may take before a bar appears.
const patience = 300 * time.Millisecond

func newBar(a *app.App, what string, unit func(int64) string) *bar {
	return &bar{a: a, what: what, unit: unit, start: time.Now()}
}

// update shows that done of total is done.
func (b *bar) update(done, total int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if !b.a.IO.ErrTerminal || b.over || now.Sub(b.start) < patience || now.Sub(b.last) < 50*time.Millisecond || total <= 0 {
		return
	}
	b.last, b.shown = now, true
	const cells = 24
	full := int(min(done*cells/total, cells))
	line := fmt.Sprintf("%s %s%s %3d%%  %s of %s", b.what, strings.Repeat("█", full), strings.Repeat("░", cells-full),
		min(done*100/total, 100), b.unit(done), b.unit(total))
	if left := remaining(now.Sub(b.start), done, total); left >= time.Second {
		line += fmt.Sprintf("  %d s left", int(left.Seconds()))
	}
	if w := app.Width(b.a.IO.Err); len([]rune(line)) >= w {
		line = string([]rune(line)[:max(w-1, 0)])
	}
	fmt.Fprintf(b.a.IO.Err, "\r\x1b[K%s", line)
}

func remaining(spent time.Duration, done, total int64) time.Duration {
	if done <= 0 {
		return 0
	}
	return time.Duration(float64(spent) * float64(total-done) / float64(done))
}

// end removes the bar.
func (b *bar) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown && !b.over {
		fmt.Fprint(b.a.IO.Err, "\r\x1b[K")
	}
	b.over = true
}

// loading returns a bar for the loading of weights.
func loading(a *app.App) *bar { return newBar(a, "loading", bytesText) }
