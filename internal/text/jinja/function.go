package jinja

import "strings"

// builtin is a function, a method, a filter or a test written in Go.
type builtin struct {
	name   string
	class  bool // Python makes it a type: range, dict, namespace
	params []string
	need   int // how many parameters have no default
	fn     func(in *interp, a []Value) (Value, error)

	// raw, if not nil, is called instead of fn with the arguments as they are.
	raw func(in *interp, a args) (Value, error)
}

// fn makes a builtin. The signature lists the parameters; those with a ? may be
// left out and are nil then.
func fn(name, signature string, f func(in *interp, a []Value) (Value, error)) *builtin {
	b := &builtin{name: name, fn: f}
	for p := range strings.FieldsSeq(signature) {
		opt := strings.HasSuffix(p, "?")
		if !opt {
			b.need++
		}
		b.params = append(b.params, strings.TrimSuffix(p, "?"))
	}
	return b
}

func rawFn(name string, f func(in *interp, a args) (Value, error)) *builtin {
	return &builtin{name: name, raw: f}
}

func (b *builtin) invoke(in *interp, a args) (Value, error) {
	if err := in.step(1); err != nil {
		return nil, err
	}
	if b.raw != nil {
		return b.raw(in, a)
	}
	if len(a.pos) > len(b.params) {
		return nil, typeErrorf("%s() takes at most %d arguments (%d given)", b.name, len(b.params), len(a.pos))
	}
	bound := make([]Value, len(b.params))
	copy(bound, a.pos)
	for i, n := range a.names {
		at := indexOf(b.params, n)
		switch {
		case at < 0:
			return nil, typeErrorf("%s() got an unexpected keyword argument '%s'", b.name, n)
		case bound[at] != nil:
			return nil, typeErrorf("%s() got multiple values for argument '%s'", b.name, n)
		}
		bound[at] = a.named[i]
	}
	for i, v := range bound[:b.need] {
		if v == nil {
			return nil, typeErrorf("%s() missing required argument: '%s'", b.name, b.params[i])
		}
	}
	return b.fn(in, bound)
}

func indexOf(list []string, s string) int {
	for i, x := range list {
		if x == s {
			return i
		}
	}
	return -1
}

// Arguments that were left out are nil; these give a default for them.

func boolArg(v Value, def bool) bool {
	if v == nil {
		return def
	}
	return truth(v)
}

// flag returns an argument that Python wants to be a number or a boolean.
func flag(v Value) (bool, error) {
	if v == nil {
		return false, nil
	}
	n, err := number(v)
	return n != 0, err
}

// number returns an integer argument for which None is none.
func number(v Value) (int64, error) {
	n, ok := index(v)
	if !ok {
		return 0, typeErrorf("'%s' object cannot be interpreted as an integer", typeName(v))
	}
	return n, nil
}

// intArg returns an integer argument; None counts as left out.
func intArg(v Value, def int64) (int64, error) {
	if v == nil || v == None {
		return def, nil
	}
	if u, ok := v.(*undefined); ok {
		return 0, u.err()
	}
	n, ok := index(v)
	if !ok {
		return 0, typeErrorf("'%s' object cannot be interpreted as an integer", typeName(v))
	}
	return n, nil
}

func strArg(v Value, def string) (Str, error) {
	if v == nil {
		return Text(def), nil
	}
	s, ok := v.(Str)
	if !ok {
		return Str{}, typeErrorf("must be str, not %s", typeName(v))
	}
	return s, nil
}

// macro is a macro or the body of a call block, with the scope it was made in.
type macro struct {
	def   *macroStmt
	scope *scope
}

func (m *macro) invoke(in *interp, a args) (Value, error) {
	sc := &scope{parent: m.scope}
	rest, kwargs, err := m.bind(in, sc, a)
	if err != nil {
		return nil, err
	}
	if m.def.varargs {
		sc.set("varargs", &Tuple{v: rest})
	}
	if m.def.kwargs {
		sc.set("kwargs", kwargs)
	}
	var out Str
	err = in.call(func() error {
		out, err = in.capture(func() error {
			_, err := in.run(m.def.body, sc)
			return err
		})
		return err
	})
	return out, err
}

// bind sets the parameters and returns the arguments that are left.
func (m *macro) bind(in *interp, sc *scope, a args) ([]Value, *Dict, error) {
	d := m.def
	given := NewDict()
	for i, n := range a.names {
		given.Set(n, a.named[i])
	}
	kwargs := NewDict()
	var missing []int
	for i, p := range d.params {
		switch v, ok := given.Get(p); {
		case i < len(a.pos):
			sc.set(p, a.pos[i])
		case ok:
			sc.set(p, v)
		default:
			missing = append(missing, i)
			sc.set(p, &undefined{hint: "parameter " + quoteRepr(p) + " was not provided", name: Text(p)})
		}
	}
	for i, n := range a.names {
		at := indexOf(d.params, n)
		switch {
		case n == "caller" && d.caller && at < 0:
			sc.set("caller", a.named[i])
		case at < 0 || at < len(a.pos):
			kwargs.Set(n, a.named[i])
		}
	}
	if _, ok := sc.own("caller"); d.caller && !ok {
		sc.set("caller", &undefined{hint: "no caller defined", name: Text("caller")})
	}
	if kwargs.Len() > 0 && !d.kwargs {
		return nil, nil, typeErrorf("macro %s takes no keyword argument %s", quoteRepr(d.name), reprText(kwargs.keys[0]))
	}
	var rest []Value
	if len(a.pos) > len(d.params) {
		if rest = a.pos[len(d.params):]; !d.varargs {
			return nil, nil, typeErrorf("macro %s takes not more than %d argument(s)", quoteRepr(d.name), len(d.params))
		}
	}
	for _, i := range missing {
		at := i - (len(d.params) - len(d.defaults))
		if at < 0 {
			continue
		}
		v, err := d.defaults[at].eval(in, sc)
		if err != nil {
			return nil, nil, err
		}
		sc.set(d.params[i], v)
	}
	return rest, kwargs, nil
}

// attr returns an attribute of the macro.
func (m *macro) attr(name string) Value {
	switch name {
	case "name":
		return Text(m.def.name)
	case "arguments":
		t := &Tuple{}
		for _, p := range m.def.params {
			t.v = append(t.v, Text(p))
		}
		return t
	case "catch_kwargs":
		return m.def.kwargs
	case "catch_varargs":
		return m.def.varargs
	case "caller":
		return m.def.caller
	}
	return nil
}

// selfRef is the variable self: its attributes are the template's blocks.
type selfRef struct{}

func (*selfRef) block(in *interp, name string) Value {
	b := in.t.blocks[name]
	if b == nil {
		return nil
	}
	return rawFn(name, func(in *interp, _ args) (Value, error) {
		var out Str
		err := in.call(func() error {
			var err error
			out, err = in.capture(func() error {
				_, err := in.run(b.body, &scope{parent: in.root})
				return err
			})
			return err
		})
		return out, err
	})
}
