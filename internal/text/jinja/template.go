package jinja

import (
	"errors"
	"time"
)

// Template is a parsed template. It does not change and may be rendered by
// several goroutines at once.
type Template struct {
	name   string
	body   []stmt
	blocks map[string]*blockStmt
}

// Segment is a part of the output.
type Segment struct {
	Text string
	User bool // it came from a value that was marked by User
}

// Options are the surroundings of a rendering. The zero value is usable.
type Options struct {
	// Clock is what strftime_now shows; nil means that it fails, so that a
	// rendering depends on nothing but its input.
	Clock func() time.Time
	// MaxSteps and MaxBytes bound the work and the text made on the way; zero
	// means the defaults.
	MaxSteps, MaxBytes int
}

// Parse parses a template. The name is for messages. Errors are *Error of
// KindSyntax.
func Parse(name, source string) (*Template, error) {
	toks, err := lex(source)
	if err != nil {
		return nil, named(err, name)
	}
	p := &parser{toks: toks, blocks: map[string]*blockStmt{}}
	body, err := p.template()
	if err != nil {
		return nil, named(err, name)
	}
	return &Template{name: name, body: body, blocks: p.blocks}, nil
}

func named(err error, name string) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Name == "" {
		e.Name = name
	}
	return err
}

// Render runs the template with the variables of ctx and returns its output in
// order. Adjacent segments differ in User. Errors are *Error.
func (t *Template) Render(ctx *Dict, o Options) ([]Segment, error) {
	out, err := t.render(ctx, o)
	if err != nil {
		return nil, named(err, t.name)
	}
	var segs []Segment
	out.pieces(func(text string, user bool) { segs = append(segs, Segment{text, user}) })
	return segs, nil
}

// RenderText is Render without the marks.
func (t *Template) RenderText(ctx *Dict, o Options) (string, error) {
	out, err := t.render(ctx, o)
	return out.s, named(err, t.name)
}

func (t *Template) render(ctx *Dict, o Options) (Str, error) {
	if o.MaxSteps == 0 {
		o.MaxSteps = DefaultMaxSteps
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	in := &interp{t: t, clock: o.Clock, limits: limits{o.MaxSteps, o.MaxBytes}, out: &strBuilder{}}
	root := &scope{ctx: ctx}
	in.root = root
	if _, err := in.run(t.body, root); err != nil {
		return Str{}, err
	}
	return in.out.str(), nil
}

// interp is the state of one rendering.
type interp struct {
	limits
	t      *Template
	clock  func() time.Time
	out    *strBuilder
	root   *scope
	depth  int // calls within calls
	escape bool

	growing map[*List]bool // see keep
}

// scope holds variables; a name that is not here is looked for outside.
type scope struct {
	vars   []variable // few, so that a list beats a map
	ctx    *Dict      // the variables of the rendering, in the root only
	parent *scope
}

type variable struct {
	name string
	v    Value
}

func (s *scope) set(name string, v Value) {
	for i := range s.vars {
		if s.vars[i].name == name {
			s.vars[i].v = v
			return
		}
	}
	s.vars = append(s.vars, variable{name, v})
}

// own returns a variable of this scope alone.
func (s *scope) own(name string) (Value, bool) {
	for i := range s.vars {
		if s.vars[i].name == name {
			return s.vars[i].v, true
		}
	}
	return nil, false
}

func (s *scope) get(name string) (Value, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.own(name); ok {
			return v, true
		}
		if s.ctx != nil {
			if v, ok := s.ctx.Get(name); ok {
				return v, true
			}
		}
	}
	v, ok := globals[name]
	return v, ok
}

// capture runs f with an output of its own and returns what it wrote.
func (in *interp) capture(f func() error) (Str, error) {
	saved := in.out
	in.out = &strBuilder{}
	defer func() { in.out = saved }()
	if err := f(); err != nil {
		return Str{}, err
	}
	s := in.out.str()
	s.safe = in.escape
	return s, nil
}

// call enters a function: f runs one level deeper.
func (in *interp) call(f func() error) error {
	in.depth++
	defer func() { in.depth-- }()
	if in.depth > maxCalls {
		return errorf(KindLimit, "more than %d calls within each other", maxCalls)
	}
	return f()
}
