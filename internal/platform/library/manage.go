package library

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// An InUseError says that a model cannot be removed now.
type InUseError struct {
	Name string
	Why  string
}

// Error names the model and the reason.
func (e *InUseError) Error() string {
	return fmt.Sprintf("library: %q cannot be removed: %s", e.Name, e.Why)
}

// A NameError says that a model cannot be called so.
type NameError struct{ Err error }

// Error tells why.
func (e *NameError) Error() string { return e.Err.Error() }

// ErrNoFolder is returned when the list cannot be changed because there is no
// folder of models.
var ErrNoFolder = errors.New("library: this server has no folder of models, so models can be neither made nor removed")

// Create makes a model of another one. A model that was made so before is
// replaced; one with a file of its own is not.
func (m *Manager) Create(r Recipe) error {
	if m.o.Dir == "" {
		return ErrNoFolder
	}
	r.Name = untagged(r.Name)
	if err := CheckName(r.Name); err != nil {
		return &NameError{err}
	}
	from, err := m.find(r.From)
	if err != nil {
		return err
	}
	m.mu.Lock()
	r.From = from.src.Name
	if from.recipe != nil && from.recipe.From != "" {
		r = r.over(from.recipe)
	}
	old := m.entries[strings.ToLower(r.Name)]
	taken := old != nil && (old.recipe == nil || old.recipe.From == "" || !strings.EqualFold(old.src.Name, r.Name))
	m.mu.Unlock()
	if taken {
		return &NameError{fmt.Errorf("library: the name %q is taken by a model with a file of its own", r.Name)}
	}
	if r.Created.IsZero() {
		r.Created = time.Now()
	}
	if err := r.Save(m.o.Dir); err != nil {
		return err
	}
	return m.Rescan()
}

// Copy gives a model one more name, with which it can be removed again.
func (m *Manager) Copy(from, to string) error { return m.Create(Recipe{Name: to, From: from}) }

// Remove deletes a model: its recipe, and its files if it has some. Only what is
// in the folder of models can be removed, and nothing that is in use or that
// others are made of.
func (m *Manager) Remove(name string) error {
	if m.o.Dir == "" {
		return ErrNoFolder
	}
	e, err := m.find(name)
	if err != nil {
		return err
	}
	if err := m.removable(e, name); err != nil {
		return err
	}
	if gone, err := m.Unload(name); err != nil || !gone {
		if err != nil {
			return err
		}
		return &InUseError{name, "it is answering; try again when it is done"}
	}
	if err := m.removeFiles(e); err != nil {
		return fmt.Errorf("library: %w", err)
	}
	return m.Rescan()
}

func (m *Manager) removable(e *entry, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.recipe != nil && e.recipe.From != "" {
		return nil
	}
	if !e.scanned {
		return &InUseError{name, "it was given to the server by hand, and is not in the folder of models"}
	}
	for _, other := range m.order {
		if r := other.recipe; r != nil && r.From != "" && m.lookupLocked(r.From) == e {
			return &InUseError{name, fmt.Sprintf("%q is made of it; remove that first", other.src.Name)}
		}
	}
	return nil
}

// removeFiles deletes what an entry is made of, the recipes first: without its
// file a recipe would be a model that cannot be loaded.
func (m *Manager) removeFiles(e *entry) error {
	m.mu.Lock()
	recipe, path := e.recipe, e.src.Path
	m.mu.Unlock()
	if recipe != nil {
		if err := os.Remove(recipe.path(m.o.Dir)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if recipe.From != "" {
			return nil
		}
	}
	for _, p := range Parts(path) {
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	// Folders that were made for the model go with it, if they are empty.
	for dir := filepath.Dir(path); strings.HasPrefix(dir, m.o.Dir+string(filepath.Separator)); dir = filepath.Dir(dir) {
		if os.Remove(dir) != nil {
			break
		}
	}
	return nil
}

// applyRecipes makes the list follow the recipes; mu is held.
func (m *Manager) applyRecipes(all []Recipe) {
	byName := map[string]*Recipe{}
	for i := range all {
		r := &all[i]
		byName[strings.ToLower(r.Name)] = r
		if r.File != "" {
			m.applyFile(r)
		}
	}
	for i := range all {
		if r := &all[i]; r.From != "" {
			m.applyMade(r)
		}
	}
	for _, e := range append([]*entry(nil), m.order...) {
		if e.recipe != nil && e.recipe.From != "" && byName[strings.ToLower(e.recipe.Name)] == nil {
			m.forget(e)
		}
	}
}

// applyFile gives a file the name of its recipe.
func (m *Manager) applyFile(r *Recipe) {
	path := filepath.Join(m.o.Dir, filepath.FromSlash(r.File))
	for _, e := range m.order {
		if e.src.Path != path || !e.scanned {
			continue
		}
		e.recipe = r
		key := strings.ToLower(untagged(r.Name))
		if m.entries[key] == nil {
			m.entries[key] = e
			e.src.Aliases = append(slices.Clip(e.src.Aliases), untagged(r.Name))
		}
	}
}

// applyMade puts a model that is made of another one on the list, or changes it.
func (m *Manager) applyMade(r *Recipe) {
	e := m.entries[strings.ToLower(r.Name)]
	switch {
	case e == nil:
		e = &entry{src: Source{Name: r.Name, Path: r.path(m.o.Dir), Created: r.Created}, keep: m.o.Keep}
		m.entries[strings.ToLower(r.Name)] = e
		m.order = append(m.order, e)
	case e.recipe == nil || e.recipe.From == "":
		m.log.Warn("a recipe is left out: its name is taken", "name", r.Name)
		return
	}
	if e.recipe == nil || !e.recipe.Created.Equal(r.Created) {
		e.desc, e.view = nil, nil
	}
	e.recipe, e.src.Created = r, r.Created
}

// forget takes an entry off the list; mu is held.
func (m *Manager) forget(e *entry) {
	for key, x := range m.entries {
		if x == e {
			delete(m.entries, key)
		}
	}
	for i, x := range m.order {
		if x == e {
			m.order = append(m.order[:i:i], m.order[i+1:]...)
			return
		}
	}
}

// prune takes entries off the list whose files have gone, and nobody uses; mu is held.
func (m *Manager) prune(found map[string]bool) {
	for _, e := range append([]*entry(nil), m.order...) {
		if e.scanned && !found[e.src.Path] && e.loaded == nil && e.load == nil && e.refs == 0 {
			m.forget(e)
		}
	}
}

// Locate finds the file of a model in a folder of models by one of its names,
// without reading any. Of a model that is made of another one with settings of
// its own it returns the recipe instead, and of one that is not there nothing.
func Locate(dir, name string) (path string, r *Recipe, err error) {
	m := New(Options{Dir: dir})
	if err := m.Rescan(); err != nil {
		return "", nil, err
	}
	e := m.lookup(name)
	if e == nil {
		return "", nil, nil
	}
	if r := e.recipe; r != nil && r.From != "" {
		if r.System != "" || r.Template != "" || len(r.Messages) > 0 || len(r.Parameters) > 0 {
			return "", r, nil
		}
		if e = m.lookup(r.From); e == nil {
			return "", nil, nil
		}
	}
	return e.src.Path, nil, nil
}
