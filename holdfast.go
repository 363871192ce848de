package holdfast

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/engine/shape"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	_ "github.com/holdfast-llm/holdfast/internal/model/all" // the architectures
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// A Model is a loaded model. Its methods are safe for concurrent use.
type Model struct {
	file   *gguf.File
	team   *par.Team
	model  model.Model
	eng    *engine.Engine
	tok    *tokenizer.Tokenizer
	llm    *llm.Model
	shapes *shape.Shapes
	info   *Info
	disk   *diskcache.Store // nil without WithDiskCache

	closed    atomic.Bool
	closeOnce sync.Once
	closeErr  error
}

// Open loads a model from a GGUF file; of a model split into several files,
// any one of them.
func Open(path string, opts ...Option) (*Model, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	f, err := gguf.Open(path)
	if err != nil {
		return nil, publicErr(err)
	}
	return open(f, c)
}

// OpenBytes loads a model from memory, such as an embedded file; name stands
// for it in messages. data must not change while the model is open.
func OpenBytes(name string, data []byte, opts ...Option) (*Model, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	f, err := gguf.OpenBytes(name, data)
	if err != nil {
		return nil, publicErr(err)
	}
	return open(f, c)
}

// open builds a model from the ground up; what is built is closed if a later
// part fails.
func open(f *gguf.File, c *config) (*Model, error) {
	m := &Model{file: f}
	if err := m.build(c); err != nil {
		_ = m.release() // the first error is the one to tell
		return nil, publicErr(err)
	}
	return m, nil
}

func (m *Model) build(c *config) error {
	if !model.Supported(m.file.Arch()) {
		return &model.UnsupportedError{Arch: m.file.Arch(), Supported: model.Architectures()}
	}
	c.chooseKV(m.file.Arch())
	var err error
	if m.tok, err = tokenizer.FromGGUF(m.file); err != nil {
		return err
	}
	format, err := newFormat(m.file, m.tok, c)
	if err != nil && !errors.Is(err, chat.ErrNoTemplate) {
		return err
	}
	m.team = par.New(c.workers())
	o := c.modelOptions(m.team)
	plan, err := model.Plan(m.file, o)
	if err != nil {
		return err
	}
	if err := c.fits(plan); err != nil {
		return err
	}
	if m.model, err = model.Load(m.file, o); err != nil {
		return err
	}
	if err := m.openDisk(c); err != nil {
		return err
	}
	if m.eng, err = c.startEngine(m.model, m.disk); err != nil {
		return err
	}
	m.llm, m.shapes = llm.New(m.eng, m.tok, format), shape.New(m.tok)
	m.info = describe(m.file, m.tok, format, plan, c)
	m.info.Context = m.eng.Context()
	m.info.Memory = nil
	for _, p := range append(m.model.Memory(), m.eng.Memory()...) {
		m.info.Memory = append(m.info.Memory, MemoryPart(p))
	}
	return nil
}

// workers returns how many threads compute. One per core is best: the two
// threads of a core share its vector units and its path to memory.
func (c *config) workers() int {
	if c.threads > 0 {
		return c.threads
	}
	n := cpu.Usable()
	if p := cpu.Detect().Physical; p > 0 {
		n = min(n, p)
	}
	return max(n, 1)
}

func (c *config) modelOptions(team *par.Team) model.Options {
	o := model.Options{
		Team: team, CacheElem: c.kv, Exact: c.exact, Deterministic: c.same, KeepMapped: c.keepMapped, Progress: c.progress, Workers: c.workers(),
	}
	return o.WithDefaults()
}

// startEngine allocates the cache. Where nobody asked for a context, a shorter
// one that fits is better than none.
func (c *config) startEngine(m model.Model, disk *diskcache.Store) (*engine.Engine, error) {
	ec := engine.Config{Model: m, Context: c.context, Parallel: c.parallel, MaxRows: model.DefaultMaxRows, Disk: disk}
	if c.context == 0 {
		ec.Context = min(m.Config().Context, defaultContext)
	}
	eng, err := engine.New(ec)
	var short *engine.MemoryError
	const least = 512 // tokens, less than which is no use
	if c.context == 0 && errors.As(err, &short) && short.Fits()/(2*short.Parallel) >= least {
		ec.Context = short.Fits() / (2 * short.Parallel)
		eng, err = engine.New(ec)
	}
	return eng, err
}

// newFormat picks the prompt format of a model.
func newFormat(f *gguf.File, t *tokenizer.Tokenizer, c *config) (chat.Format, error) {
	template, _, err := f.String("tokenizer.chat_template")
	if err != nil {
		return nil, fmt.Errorf("holdfast: %w", err)
	}
	name, _, _ := f.String("general.name") // a name of another type is no name
	info := chat.ModelInfo{
		Arch: f.Arch(), Name: name, Template: template, AddBOS: t.AddBOS(),
		HasToken: func(text string) bool { _, ok := t.Lookup(text); return ok },
	}
	if id, ok := t.BOS(); ok {
		info.BOS = t.Piece(id)
	}
	if id, ok := t.EOS(); ok {
		info.EOS = t.Piece(id)
	}
	return chat.ForModel(info, chat.Options{Template: c.template, Jinja: c.jinja})
}

// Close stops all answers with ErrClosed and frees the memory. It may be called
// from any goroutine and more than once; it waits for the step that is being
// computed, which takes about a second at most.
func (m *Model) Close() error {
	m.closed.Store(true)
	m.closeOnce.Do(func() { m.closeErr = m.release() })
	return m.closeErr
}

// release closes the parts in the order in which they use each other.
func (m *Model) release() error {
	var errs []error
	if m.eng != nil {
		errs = append(errs, m.eng.Close())
	}
	if m.disk != nil {
		errs = append(errs, m.disk.Close())
	}
	if m.model != nil {
		errs = append(errs, m.model.Close())
	}
	if m.team != nil {
		m.team.Close()
	}
	errs = append(errs, m.file.Close())
	return errors.Join(errs...)
}
