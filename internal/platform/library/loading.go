package library

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/shape"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/model"
)

// run loads a model for all who wait for it.
func (m *Manager) run(e *entry, l *load) {
	defer m.loads.Done()
	m.loading.Lock()
	defer m.loading.Unlock()
	start := time.Now()
	loaded, err := m.bring(e)
	m.mu.Lock()
	defer m.mu.Unlock()
	e.load, l.err = nil, err
	if err == nil {
		e.shapes = shape.New(loaded.LLM.Tokenizer())
		e.loaded, e.since, e.took, e.lastUse = loaded, time.Now(), time.Since(start), time.Now()
		m.idle(e, afterLoad(e.keep)) // a lease stops the timer
		m.log.Info("model loaded", "model", e.src.Name, "seconds", e.took.Seconds(), "context", e.context, "bytes", e.need)
	} else {
		m.log.Error("model not loaded", "model", e.src.Name, "error", err)
	}
	close(l.done)
}

// handover is how long a model that has just been loaded stays at least: those
// who waited for it need a moment to take it, or a keep-alive of zero would
// unload it before they do, and they would wait for it again.
const handover = 10 * time.Second

func afterLoad(keep time.Duration) time.Duration {
	if keep < 0 {
		return keep // forever
	}
	return max(keep, handover)
}

// bring makes room and loads.
func (m *Manager) bring(e *entry) (*Loaded, error) {
	d, err := m.describe(e)
	if err != nil {
		return nil, err
	}
	positions, need, err := m.makeRoom(e, d)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	closed := m.closed
	m.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	var obs engine.Observer
	if m.o.Observe != nil {
		obs = m.o.Observe(e.src.Name)
	}
	loaded, err := m.o.Opener.Load(&e.src, positions, obs)
	var short *engine.MemoryError
	switch {
	case errors.As(err, &short):
		return nil, &MemoryError{Name: e.src.Name, Need: short.Need, Limit: short.Usable}
	case errors.Is(err, mem.ErrFull):
		return nil, &MemoryError{Name: e.src.Name, Need: need, Limit: m.limit(m.usedNow())}
	case err != nil:
		return nil, &LoadError{Name: e.src.Name, Err: err}
	}
	m.mu.Lock()
	e.need, e.context = need, positions
	m.used += need
	m.mu.Unlock()
	return loaded, nil
}

func (m *Manager) usedNow() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

// makeRoom evicts idle models until a model fits, and says with how long a
// context. A context that nobody asked for is shortened before a model that
// could run is refused, but not before all idle ones are gone.
func (m *Manager) makeRoom(e *entry, d *Description) (positions int, need int64, err error) {
	positions = m.o.Context
	if positions == 0 {
		positions = min(d.Trained, defaultContext)
	}
	for {
		used := m.usedNow()
		limit := m.limit(used)
		need = m.need(d, positions)
		if limit == 0 || used+need <= limit {
			return positions, need, nil
		}
		if v := m.evictable(e); v != nil {
			if err := m.free(v); err != nil {
				m.log.Error("unloading failed", "model", v.src.Name, "error", err)
			}
			continue
		}
		if m.o.Context == 0 {
			if n := m.longest(d, limit-used, positions); n >= leastContext {
				return n, m.need(d, n), nil
			}
		}
		return 0, 0, &MemoryError{Name: e.src.Name, Need: need, Limit: limit, InUse: used}
	}
}

// need is what a model takes with a context: one more cache block for each
// sequence of a batch is the engine's, see its Config.
func (m *Manager) need(d *Description, positions int) int64 {
	const seqs = 16
	rows := int64(positions)*int64(m.o.Parallel) + int64(seqs*model.DefaultBlockTokens)
	return d.Base + rows*d.PerToken
}

// longest returns the longest context, in whole blocks, that fits into free bytes.
func (m *Manager) longest(d *Description, free int64, most int) int {
	if d.PerToken <= 0 {
		return 0
	}
	left := free - m.need(d, 0)
	n := left / d.PerToken / int64(m.o.Parallel)
	return int(max(0, min(n, int64(most)))) / model.DefaultBlockTokens * model.DefaultBlockTokens
}

// idle starts the keep-alive of a model that nobody uses; mu is held.
func (m *Manager) idle(e *entry, keep time.Duration) {
	stop(e.timer)
	e.timer, e.expires = nil, time.Time{}
	if keep < 0 || m.closed {
		return
	}
	e.expires = time.Now().Add(keep)
	e.timer = time.AfterFunc(keep, func() { m.expire(e) })
}

// expire unloads a model whose keep-alive has ended, unless it is in use again.
func (m *Manager) expire(e *entry) {
	m.loading.Lock()
	defer m.loading.Unlock()
	m.mu.Lock()
	due := !m.closed && e.loaded != nil && e.refs == 0 && !e.expires.IsZero() && !time.Now().Before(e.expires)
	m.mu.Unlock()
	if !due {
		return
	}
	if err := m.free(e); err != nil {
		m.log.Error("unloading failed", "model", e.src.Name, "error", err)
	}
}

// Preload loads a model and lets its keep-alive begin.
func (m *Manager) Preload(ctx context.Context, name string) error {
	l, err := m.Acquire(ctx, name)
	if err != nil {
		return err
	}
	l.Release()
	return nil
}
