package library

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/engine/shape"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// Options say how a Manager loads and keeps models. Opener is required.
type Options struct {
	Opener   Opener
	Dir      string        // folder of models; looked through again when a name is not known
	Context  int           // positions of one request; 0 is the model's, at most 8192 and what fits
	Parallel int           // sequences of full length that memory is counted for; 0 is 1
	Memory   int64         // bytes that all models may take; 0 asks the machine
	Keep     time.Duration // how long an unused model stays; negative is forever
	Log      *slog.Logger  // nil for none
	// Observe returns who is told what the engine of a model does; may be nil.
	Observe func(name string) engine.Observer
}

// A Manager has the models of this machine. Its methods are safe for
// concurrent use.
type Manager struct {
	o   Options
	log *slog.Logger

	// Lock order: loading before mu. loading is held while a model is loaded or
	// freed, so that two never fight for the same memory; mu guards the fields
	// below and is never held over anything slow.
	loading gate
	mu      sync.Mutex
	entries map[string]*entry // by lower-case name and alias
	order   []*entry          // in the order of their addition
	used    int64             // bytes of loaded models
	scanned time.Time
	closed  bool
	loads   sync.WaitGroup
}

// A gate lets one through at a time. It is a mutex that is held for as long as
// a model takes to load.
type gate chan struct{}

// Lock waits for its turn.
func (g gate) Lock() { g <- struct{}{} }

// Unlock lets the next one through.
func (g gate) Unlock() { <-g }

// An entry is one model of the list.
type entry struct {
	src      Source
	scanned  bool            // found in the folder of models
	recipe   *Recipe         // nil without one
	format   chat.FormatInfo // of the template of the recipe formatOf
	formatOf *Recipe
	desc     *Description // nil until first asked for
	view     *llm.Model   // viewOf with the recipe's prompt format
	viewOf   *llm.Model

	loaded  *Loaded
	shapes  *shape.Shapes // of loaded
	load    *load         // running now
	refs    int           // leases
	lastUse time.Time
	since   time.Time // when it was loaded
	took    time.Duration
	expires time.Time // when keep-alive ends; zero while in use or forever
	timer   *time.Timer
	need    int64
	context int
	keep    time.Duration
}

// A load is one attempt that several requests may wait for.
type load struct {
	done chan struct{}
	err  error
}

// New returns a manager without models.
func New(o Options) *Manager {
	m := &Manager{o: o, log: o.Log, entries: map[string]*entry{}, loading: make(gate, 1)}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	m.o.Parallel = max(1, o.Parallel)
	if o.Dir != "" {
		m.o.Dir = filepath.Clean(o.Dir)
	}
	return m
}

// Add puts a model on the list. A name that is taken is an error.
func (m *Manager) Add(s Source) error {
	if err := s.check(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.add(s)
}

func (m *Manager) add(s Source) error {
	names := append([]string{s.Name}, s.Aliases...)
	for _, n := range names {
		if old := m.entries[strings.ToLower(n)]; old != nil {
			return fmt.Errorf("library: the name %q is taken by %s", n, old.src.Path)
		}
	}
	e := &entry{src: s, keep: m.o.Keep}
	for _, n := range names {
		m.entries[strings.ToLower(n)] = e
	}
	m.order = append(m.order, e)
	return nil
}

// Alias gives a model one more name.
func (m *Manager) Alias(alias, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[strings.ToLower(name)]
	if e == nil {
		return m.notFound(name)
	}
	if m.entries[strings.ToLower(alias)] != nil {
		return fmt.Errorf("library: the name %q is taken", alias)
	}
	m.entries[strings.ToLower(alias)] = e
	e.src.Aliases = append(slices.Clip(e.src.Aliases), alias)
	return nil
}

// Rescan looks through the folder of models and makes the list follow it. Files
// of the same name in several folders are told apart by their folder.
func (m *Manager) Rescan() error {
	if m.o.Dir == "" {
		return nil
	}
	found, err := Scan(m.o.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // the first download makes it
		return err
	}
	recipes, bad := Recipes(m.o.Dir)
	if bad != nil {
		m.log.Warn("a recipe is left out", "error", bad)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scanned = time.Now()
	m.addFound(found)
	m.applyRecipes(recipes)
	return nil
}

// addFound puts the files of the folder on the list, and takes those off that
// have gone; mu is held.
func (m *Manager) addFound(found []Source) {
	there := map[string]bool{}
	for _, s := range found {
		there[s.Path] = true
	}
	m.prune(there)
	for _, s := range found {
		if s.check() != nil || m.hasPath(s.Path) {
			continue
		}
		if m.entries[strings.ToLower(s.Name)] != nil {
			s.Name = folderName(s.Path) + "/" + s.Name
		}
		if err := m.add(s); err != nil {
			m.log.Warn("a model is left out", "path", s.Path, "error", err)
			continue
		}
		m.order[len(m.order)-1].scanned = true
	}
}

func (m *Manager) hasPath(path string) bool {
	return slices.ContainsFunc(m.order, func(e *entry) bool { return e.src.Path == path })
}

// find looks a name up, and looks through the folder again if it is not there.
// Whoever asks for ":latest", as one program's clients do, means the model.
func (m *Manager) find(name string) (*entry, error) {
	if e := m.lookup(name); e != nil {
		return e, nil
	}
	const often = 2 * time.Second
	m.mu.Lock()
	due := m.o.Dir != "" && time.Since(m.scanned) > often
	m.mu.Unlock()
	if due {
		if err := m.Rescan(); err != nil {
			m.log.Warn("the folder of models cannot be read", "error", err)
		}
		if e := m.lookup(name); e != nil {
			return e, nil
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return nil, m.notFound(name)
}

func (m *Manager) lookup(name string) *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lookupLocked(name)
}

func (m *Manager) lookupLocked(name string) *entry {
	key := strings.ToLower(name)
	if e := m.entries[key]; e != nil {
		return e
	}
	return m.entries[strings.TrimSuffix(key, ":latest")]
}

func (m *Manager) notFound(name string) error {
	e := &NotFoundError{Name: name}
	for _, x := range m.order {
		e.Known = append(e.Known, x.src.Name)
	}
	return e
}

// Names returns the names of all models, without aliases, in order.
func (m *Manager) Names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]string, len(m.order))
	for i, e := range m.order {
		out[i] = e.src.Name
	}
	return out
}

// limit returns how many bytes all models may take together.
func (m *Manager) limit(used int64) int64 {
	if m.o.Memory > 0 {
		return m.o.Memory
	}
	usable := mem.Budget().Usable()
	if usable == 0 {
		return 0 // the system does not tell
	}
	// What is loaded is not free, but could be.
	return usable + used
}

// Close unloads everything and refuses what comes later. Answers that are
// running end with engine.ErrClosed.
func (m *Manager) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.loads.Wait()
	m.loading.Lock()
	defer m.loading.Unlock()
	m.mu.Lock()
	var all []*entry
	for _, e := range m.order {
		if e.loaded != nil {
			all = append(all, e)
		}
	}
	m.mu.Unlock()
	var first error
	for _, e := range all {
		if err := m.free(e); first == nil {
			first = err
		}
	}
	return first
}

// free unloads an entry; loading is held.
func (m *Manager) free(e *entry) error {
	m.mu.Lock()
	l := e.loaded
	e.loaded = nil
	stop(e.timer)
	e.timer, e.expires = nil, time.Time{}
	m.mu.Unlock()
	if l == nil {
		return nil
	}
	err := l.Close()
	m.mu.Lock()
	m.used -= e.need
	m.mu.Unlock()
	m.log.Info("model unloaded", "model", e.src.Name)
	return err
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}

// Unload frees a model now if nobody uses it. It reports whether the model is
// not loaded afterwards.
func (m *Manager) Unload(name string) (bool, error) {
	e, err := m.find(name)
	if err == nil {
		e, err = m.root(e)
	}
	if err != nil {
		return false, err
	}
	m.loading.Lock()
	defer m.loading.Unlock()
	m.mu.Lock()
	busy := e.refs > 0
	m.mu.Unlock()
	if busy {
		return false, nil
	}
	return true, m.free(e)
}

// evictable returns the model that was not used for the longest time, or nil.
func (m *Manager) evictable(except *entry) *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	var idle []*entry
	for _, e := range m.order {
		if e != except && e.loaded != nil && e.refs == 0 {
			idle = append(idle, e)
		}
	}
	if len(idle) == 0 {
		return nil
	}
	return slices.MinFunc(idle, func(a, b *entry) int { return cmp.Compare(a.lastUse.UnixNano(), b.lastUse.UnixNano()) })
}

// describe returns what is known of an entry, reading its file the first time.
func (m *Manager) describe(e *entry) (*Description, error) {
	m.mu.Lock()
	d, recipe := e.desc, e.recipe
	m.mu.Unlock()
	if d != nil {
		return d, nil
	}
	root, err := m.root(e)
	if err != nil {
		return nil, err
	}
	if root != e {
		if d, err = m.describe(root); err != nil {
			return nil, err
		}
		c := *d
		if recipe.Template != "" {
			c.Template, c.Chat = recipe.Template, true
		}
		d = &c
	} else if d, err = m.o.Opener.Describe(&e.src); err != nil {
		return nil, &LoadError{Name: e.src.Name, Err: err}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e.desc = d
	return d, nil
}

// Acquire returns a lease on a model, loading it first if need be. Waiting for
// a load ends with ctx; the load goes on for whoever comes next.
func (m *Manager) Acquire(ctx context.Context, name string) (*Lease, error) {
	asked, err := m.find(name)
	if err != nil {
		return nil, err
	}
	e, err := m.root(asked)
	if err != nil {
		return nil, err
	}
	for {
		l, wait, err := m.try(e)
		if err != nil {
			return nil, err
		}
		if l != nil {
			return m.seen(asked, l)
		}
		select {
		case <-wait.done:
			if wait.err != nil {
				return nil, wait.err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// try returns a lease if the model is loaded, otherwise the load to wait for.
func (m *Manager) try(e *entry) (*Lease, *load, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, nil, ErrClosed
	}
	if e.loaded != nil {
		e.refs++
		e.lastUse, e.expires = time.Now(), time.Time{}
		stop(e.timer)
		return &Lease{m: m, e: e, llm: e.loaded.LLM, shapes: e.shapes, desc: e.desc, keep: e.keep}, nil, nil
	}
	if e.load == nil {
		e.load = &load{done: make(chan struct{})}
		m.loads.Add(1)
		go m.run(e, e.load)
	}
	return nil, e.load, nil
}
