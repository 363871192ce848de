package library

import (
	"path/filepath"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// An Info describes a model of the list.
type Info struct {
	Name    string
	Aliases []string
	Path    string // for people who run the server, not for its clients
	Size    int64  // bytes of its files
	Created time.Time
	Recipe  Recipe // zero without one

	// Description is nil when the file could not be read; Problem says why.
	*Description
	Problem error

	Loaded  bool
	Context int       // positions of one request: as loaded, or as it would be
	Memory  int64     // bytes that it takes while loaded
	Since   time.Time // when it was loaded
	Took    time.Duration
	Users   int       // leases
	Expires time.Time // when keep-alive ends; zero while in use, or forever
	Stats   engine.Stats
}

// List describes all models, in the order of their addition. The first call
// reads the metadata of every file.
func (m *Manager) List() []Info {
	if err := m.Rescan(); err != nil {
		m.log.Warn("the folder of models cannot be read", "error", err)
	}
	m.mu.Lock()
	order := append([]*entry(nil), m.order...)
	m.mu.Unlock()
	out := make([]Info, 0, len(order))
	for _, e := range order {
		d, err := m.describe(e)
		i := m.info(e, d)
		i.Problem = err
		out = append(out, i)
	}
	return out
}

// Info describes one model by name or alias, without loading it.
func (m *Manager) Info(name string) (Info, error) {
	e, err := m.find(name)
	if err != nil {
		return Info{}, err
	}
	d, err := m.describe(e)
	if err != nil {
		return Info{}, err
	}
	return m.info(e, d), nil
}

// Running describes the models that are loaded now, and reads no file.
func (m *Manager) Running() []Info {
	m.mu.Lock()
	var loaded []*entry
	for _, e := range m.order {
		if e.loaded != nil {
			loaded = append(loaded, e)
		}
	}
	m.mu.Unlock()
	out := make([]Info, 0, len(loaded))
	for _, e := range loaded {
		m.mu.Lock()
		d := e.desc
		m.mu.Unlock()
		if i := m.info(e, d); i.Loaded {
			out = append(out, i)
		}
	}
	return out
}

func (m *Manager) info(e *entry, d *Description) Info {
	m.mu.Lock()
	i := Info{
		Name: e.src.Name, Aliases: e.src.Aliases, Path: e.src.Path, Size: e.src.Size, Created: e.src.Created,
		Description: d, Users: e.refs, Context: m.o.Context,
	}
	if e.recipe != nil {
		i.Recipe, i.Description = *e.recipe, e.described(d)
	}
	if i.Recipe.From != "" {
		if base := m.lookupLocked(i.Recipe.From); base != nil {
			i.Size, e = base.src.Size, base
		}
	}
	l := e.loaded
	if l != nil {
		i.Loaded, i.Context, i.Memory, i.Since, i.Took, i.Expires = true, e.context, e.need, e.since, e.took, e.expires
	}
	m.mu.Unlock()
	if i.Context == 0 && d != nil {
		i.Context = min(d.Trained, defaultContext)
	}
	if l != nil {
		i.Stats = l.LLM.Engine().Stats()
	}
	return i
}

// described returns a description with the template of the entry's recipe, which
// decides about tools and reasoning; mu is held.
func (e *entry) described(d *Description) *Description {
	if d == nil || e.recipe.Template == "" {
		return d
	}
	if e.formatOf != e.recipe {
		f, err := parseTemplate(chat.ModelInfo{}, e.recipe.Template)
		if err != nil {
			return d // loading the model will tell
		}
		e.format, e.formatOf = f.Info(), e.recipe
	}
	c := *d
	c.Template, c.Format, c.Chat = e.recipe.Template, e.format, true
	return &c
}

func folderName(path string) string { return nameOf(filepath.Base(filepath.Dir(path))) }
