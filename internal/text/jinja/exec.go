package jinja

// run executes statements until one leaves a loop.
func (in *interp) run(body []stmt, sc *scope) (control, error) {
	for _, s := range body {
		if err := in.step(1); err != nil {
			return next, err
		}
		if c, err := s.exec(in, sc); c != next || err != nil {
			return c, err
		}
	}
	return next, nil
}

// emit writes to the output.
func (in *interp) emit(s Str) error {
	if err := in.text(int64(len(s.s))); err != nil {
		return err
	}
	in.out.add(s)
	return in.grew(in.out)
}

func (s *dataStmt) exec(in *interp, _ *scope) (control, error) {
	return next, in.emit(Text(s.text))
}

func (s *printStmt) exec(in *interp, sc *scope) (control, error) {
	v, err := s.x.eval(in, sc)
	if err != nil {
		return next, at(err, in.t.name, s.line)
	}
	text, err := in.str(v)
	if err != nil {
		return next, at(err, in.t.name, s.line)
	}
	if in.escape {
		text = escape(text)
	}
	return next, in.emit(text)
}

func (s *ifStmt) exec(in *interp, sc *scope) (control, error) {
	for i, test := range s.tests {
		v, err := test.eval(in, sc)
		if err != nil {
			return next, at(err, in.t.name, s.line)
		}
		if truth(v) {
			return in.run(s.bodies[i], sc)
		}
	}
	return in.run(s.other, sc)
}

func (s *setStmt) exec(in *interp, sc *scope) (control, error) {
	v, err := s.x.eval(in, sc)
	if err == nil {
		err = in.assign(sc, s.target, v)
	}
	return next, at(err, in.t.name, s.line)
}

func (s *setBlockStmt) exec(in *interp, sc *scope) (control, error) {
	v, err := in.filtered(s.filter, s.body, sc)
	if err == nil {
		err = in.assign(sc, s.target, v)
	}
	return next, at(err, in.t.name, s.line)
}

func (s *filterStmt) exec(in *interp, sc *scope) (control, error) {
	v, err := in.filtered(s.filter, s.body, sc)
	if err != nil {
		return next, at(err, in.t.name, s.line)
	}
	text, err := in.str(v)
	if err != nil {
		return next, err
	}
	return next, in.emit(text)
}

// bodyName is the variable under which a filter chain without an operand finds
// the body it applies to. No template can spell it.
const bodyName = "|body"

// filtered captures a body and sends it through a filter chain, if there is one.
func (in *interp) filtered(filter expr, body []stmt, sc *scope) (Value, error) {
	inner := &scope{parent: sc}
	text, err := in.capture(func() error {
		_, err := in.run(body, inner)
		return err
	})
	if err != nil || filter == nil {
		return text, err
	}
	fs := &scope{parent: sc}
	fs.set(bodyName, text)
	return filter.eval(in, fs)
}

// assign sets a target to a value.
func (in *interp) assign(sc *scope, t target, v Value) error {
	switch {
	case t.attr != "":
		obj, _ := sc.get(t.name)
		ns, ok := obj.(*namespace)
		if !ok {
			return errorf(KindRuntime, "cannot assign attribute on non-namespace object")
		}
		return in.keep(ns, t.attr, v)
	case t.items == nil:
		sc.set(t.name, v)
		return nil
	}
	if _, ok := v.(*undefined); !ok {
		if _, err := in.iter(v); err != nil {
			return typeErrorf("cannot unpack non-iterable %s object", typeName(v))
		}
	}
	vals, err := in.list(v)
	if err != nil {
		return err
	}
	if len(vals) > len(t.items) {
		return valueErrorf("too many values to unpack (expected %d)", len(t.items))
	}
	if len(vals) < len(t.items) {
		return valueErrorf("not enough values to unpack (expected %d, got %d)", len(t.items), len(vals))
	}
	for i, item := range t.items {
		if err := in.assign(sc, item, vals[i]); err != nil {
			return err
		}
	}
	return nil
}

// set gives a namespace's attribute a value. Names with an underscore in front
// are refused, as in the reference's restricted form.
func (n *namespace) set(name string, v Value) error {
	if name != "" && name[0] == '_' {
		return errorf(KindSecurity, "chat templates cannot store underscore-prefixed attributes on a namespace, but got %s", quoteRepr(name))
	}
	n.d.Set(name, v)
	return nil
}

func (s *macroStmt) exec(in *interp, sc *scope) (control, error) {
	sc.set(s.name, &macro{def: s, scope: sc})
	return next, nil
}

func (s *callStmt) exec(in *interp, sc *scope) (control, error) {
	v, err := in.callExprWith(s.call, sc, &macro{def: s.body, scope: sc})
	if err != nil {
		return next, at(err, in.t.name, s.line)
	}
	text, err := in.str(v)
	if err != nil {
		return next, at(err, in.t.name, s.line)
	}
	return next, in.emit(text)
}

func (s *withStmt) exec(in *interp, sc *scope) (control, error) {
	inner := &scope{parent: sc}
	vals := make([]Value, len(s.values))
	for i, x := range s.values {
		v, err := x.eval(in, sc)
		if err != nil {
			return next, at(err, in.t.name, s.line)
		}
		vals[i] = v
	}
	for i, t := range s.targets {
		if err := in.assign(inner, t, vals[i]); err != nil {
			return next, at(err, in.t.name, s.line)
		}
	}
	return in.run(s.body, inner)
}

func (s *blockStmt) exec(in *interp, sc *scope) (control, error) {
	if s.required {
		return next, at(errorf(KindRuntime, "required block %s not found", quoteRepr(s.name)), in.t.name, s.line)
	}
	outer := in.root
	if s.scoped {
		outer = sc
	}
	err := in.call(func() error {
		_, err := in.run(s.body, &scope{parent: outer})
		return err
	})
	return next, at(err, in.t.name, s.line)
}

func (s *autoescapeStmt) exec(in *interp, sc *scope) (control, error) {
	v, err := s.on.eval(in, sc)
	if err != nil {
		return next, at(err, in.t.name, s.line)
	}
	saved := in.escape
	in.escape = truth(v)
	defer func() { in.escape = saved }()
	return in.run(s.body, &scope{parent: sc})
}

func (s *groupStmt) exec(in *interp, sc *scope) (control, error) {
	return in.run(s.body, sc)
}

func (s *controlStmt) exec(*interp, *scope) (control, error) { return s.c, nil }

func (s *loadStmt) exec(in *interp, _ *scope) (control, error) {
	return next, at(typeErrorf("no loader for this environment specified: %s is not available to chat templates", s.what), in.t.name, s.line)
}
