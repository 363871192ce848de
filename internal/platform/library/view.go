package library

import (
	"fmt"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// root returns the entry that has the weights of another: itself, or what it is
// made of.
func (m *Manager) root(e *entry) (*entry, error) {
	m.mu.Lock()
	r := e.recipe
	m.mu.Unlock()
	if r == nil || r.From == "" {
		return e, nil
	}
	base, err := m.find(r.From)
	if err != nil {
		return nil, fmt.Errorf("library: the model %q is made of %q: %w", r.Name, r.From, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if base == e || base.recipe != nil && base.recipe.From != "" {
		return nil, &LoadError{Name: r.Name, Err: fmt.Errorf("it is made of %q, which is made of another model itself", r.From)}
	}
	return base, nil
}

// seen turns a lease on an entry's weights into one on the entry: with the
// prompt format of its recipe.
func (m *Manager) seen(e *entry, l *Lease) (*Lease, error) {
	if e == l.e {
		return l, nil
	}
	m.mu.Lock()
	l.name, l.recipe = e.src.Name, e.recipe
	if e.view != nil && e.viewOf == l.llm {
		l.llm = e.view
		m.mu.Unlock()
		return l, nil
	}
	m.mu.Unlock()
	base := l.llm
	if l.recipe.Template != "" {
		if err := l.UseTemplate(l.recipe.Template); err != nil {
			l.Release()
			return nil, &LoadError{Name: l.name, Err: err}
		}
	}
	if f := l.llm.Format(); f != nil {
		l.llm = llm.New(base.Engine(), base.Tokenizer(), recipeFormat{f, l.recipe})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e.view, e.viewOf = l.llm, base
	return l, nil
}

// UseTemplate makes this lease use another chat template: Jinja, or the name of
// a format.
func (l *Lease) UseTemplate(template string) error {
	t := l.llm.Tokenizer()
	info := chat.ModelInfo{AddBOS: t.AddBOS(), HasToken: func(text string) bool { _, ok := t.Lookup(text); return ok }}
	info.BOS, info.EOS = piece(t, t.BOS), piece(t, t.EOS)
	if l.desc != nil {
		info.Arch, info.Name = l.desc.Arch, l.desc.FullName
	}
	f, err := parseTemplate(info, template)
	if err != nil {
		return err
	}
	l.llm = llm.New(l.llm.Engine(), t, f)
	return nil
}

func piece(t *tokenizer.Tokenizer, id func() (int32, bool)) string {
	if i, ok := id(); ok {
		return t.Piece(i)
	}
	return ""
}

// A Continuation is what goes on after an exchange that is known by its tokens.
type Continuation struct {
	Tokens  []int32     // of the new conversation, to be put behind the old ones
	Parser  chat.Parser // reads the answer's text
	Options llm.Options
}

// Continue prepares a conversation that is to be put behind the tokens of an
// earlier one, for who submits them by himself.
func (l *Lease) Continue(r *chat.Request, o llm.Options) (*Continuation, error) {
	p, ids, err := l.llm.Render(r)
	if err != nil {
		return nil, promptError(err)
	}
	mask, err := l.constrain(r)
	if err != nil {
		return nil, err
	}
	if mask != nil {
		o.Mask = mask
	}
	po := r.ParserOptions()
	po.Stop = append(slices.Clip(po.Stop), p.Stop...)
	return &Continuation{Tokens: ids, Parser: l.llm.Format().NewParser(p.Start, po), Options: o}, nil
}
