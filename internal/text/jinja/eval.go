package jinja

func (x *constExpr) eval(*interp, *scope) (Value, error) { return x.v, nil }

func (x *nameExpr) eval(in *interp, sc *scope) (Value, error) {
	if v, ok := sc.get(x.name); ok {
		return v, nil
	}
	if x.name == "self" {
		return &selfRef{}, nil
	}
	return undefinedName(x.name), nil
}

func evalAll(in *interp, sc *scope, items []expr) ([]Value, error) {
	if err := in.items(int64(len(items))); err != nil {
		return nil, err
	}
	out := make([]Value, len(items))
	for i, x := range items {
		v, err := x.eval(in, sc)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (x *tupleExpr) eval(in *interp, sc *scope) (Value, error) {
	v, err := evalAll(in, sc, x.items)
	return &Tuple{v: v}, err
}

func (x *listExpr) eval(in *interp, sc *scope) (Value, error) {
	v, err := evalAll(in, sc, x.items)
	return &List{v}, err
}

func (x *dictExpr) eval(in *interp, sc *scope) (Value, error) {
	if err := in.items(int64(len(x.keys))); err != nil {
		return nil, err
	}
	d := NewDict()
	for i := range x.keys {
		k, err := x.keys[i].eval(in, sc)
		if err != nil {
			return nil, err
		}
		v, err := x.vals[i].eval(in, sc)
		if err != nil {
			return nil, err
		}
		h, err := hashOf(k)
		if err != nil {
			return nil, err
		}
		d.put(k, h, v)
	}
	return d, nil
}

func (x *unaryExpr) eval(in *interp, sc *scope) (Value, error) {
	v, err := x.x.eval(in, sc)
	if err != nil {
		return nil, err
	}
	return unary(x.op, v)
}

func (x *binaryExpr) eval(in *interp, sc *scope) (Value, error) {
	if err := in.step(1); err != nil {
		return nil, err
	}
	l, err := x.l.eval(in, sc)
	if err != nil {
		return nil, err
	}
	r, err := x.r.eval(in, sc)
	if err != nil {
		return nil, err
	}
	return in.binary(x.op, l, r)
}

func (x *logicExpr) eval(in *interp, sc *scope) (Value, error) {
	l, err := x.l.eval(in, sc)
	if err != nil || truth(l) != x.and {
		return l, err
	}
	return x.r.eval(in, sc)
}

func (x *notExpr) eval(in *interp, sc *scope) (Value, error) {
	v, err := x.x.eval(in, sc)
	return !truth(v), err
}

func (x *concatExpr) eval(in *interp, sc *scope) (Value, error) {
	parts := make([]Str, len(x.parts))
	n, safe := 0, false
	for i, p := range x.parts {
		v, err := p.eval(in, sc)
		if err != nil {
			return nil, err
		}
		if parts[i], err = in.str(v); err != nil {
			return nil, err
		}
		n += len(parts[i].s)
		safe = safe || parts[i].safe
	}
	if err := in.text(int64(n)); err != nil {
		return nil, err
	}
	if in.escape && safe {
		for i := range parts {
			parts[i] = escape(parts[i])
		}
	}
	r := concat(parts...)
	r.safe = in.escape && safe
	return r, nil
}

func (x *compareExpr) eval(in *interp, sc *scope) (Value, error) {
	l, err := x.first.eval(in, sc)
	if err != nil {
		return nil, err
	}
	for i, op := range x.ops {
		r, err := x.rest[i].eval(in, sc)
		if err != nil {
			return nil, err
		}
		ok, err := in.compareOp(op, l, r)
		if err != nil || !ok {
			return false, err
		}
		l = r
	}
	return true, nil
}

func (x *condExpr) eval(in *interp, sc *scope) (Value, error) {
	t, err := x.test.eval(in, sc)
	if err != nil {
		return nil, err
	}
	switch {
	case truth(t):
		return x.yes.eval(in, sc)
	case x.no != nil:
		return x.no.eval(in, sc)
	}
	return &undefined{hint: "the inline if-expression evaluated to false and no else section was defined"}, nil
}

func (x *attrExpr) eval(in *interp, sc *scope) (Value, error) {
	if err := in.step(1); err != nil {
		return nil, err
	}
	v, err := x.x.eval(in, sc)
	if err != nil {
		return nil, err
	}
	return in.getAttr(v, x.name)
}

func (x *itemExpr) eval(in *interp, sc *scope) (Value, error) {
	if err := in.step(1); err != nil {
		return nil, err
	}
	v, err := x.x.eval(in, sc)
	if err != nil {
		return nil, err
	}
	i, err := x.index.eval(in, sc)
	if err != nil {
		return nil, err
	}
	if s, ok := i.(*sliceValue); ok {
		return in.slice(v, s)
	}
	return in.getItem(v, i)
}

func (x *sliceExpr) eval(in *interp, sc *scope) (Value, error) {
	bound := func(e expr) (Value, error) {
		if e == nil {
			return None, nil
		}
		return e.eval(in, sc)
	}
	lo, err := bound(x.lo)
	if err != nil {
		return nil, err
	}
	hi, err := bound(x.hi)
	if err != nil {
		return nil, err
	}
	step, err := bound(x.step)
	return &sliceValue{lo, hi, step}, err
}

// args are the evaluated arguments of a call.
type args struct {
	pos   []Value
	names []string
	named []Value
}

func (a *callArgs) eval(in *interp, sc *scope) (args, error) {
	var out args
	var err error
	if out.pos, err = evalAll(in, sc, a.pos); err != nil {
		return out, err
	}
	out.names = a.names
	if out.named, err = evalAll(in, sc, a.named); err != nil {
		return out, err
	}
	if a.star != nil {
		v, err := a.star.eval(in, sc)
		if err != nil {
			return out, err
		}
		more, err := in.list(v)
		if err != nil {
			return out, err
		}
		out.pos = append(out.pos, more...)
	}
	if a.starStar != nil {
		v, err := a.starStar.eval(in, sc)
		if err != nil {
			return out, err
		}
		return out, out.addAll(v)
	}
	return out, nil
}

// addAll adds the items of a dict as named arguments.
func (a *args) addAll(v Value) error {
	if u, ok := v.(*undefined); ok {
		return u.err()
	}
	d, ok := v.(*Dict)
	if !ok {
		return typeErrorf("argument after ** must be a mapping, not %s", typeName(v))
	}
	a.names = append([]string(nil), a.names...)
	for i, k := range d.keys {
		s, ok := k.(Str)
		if !ok {
			return typeErrorf("keywords must be strings")
		}
		for _, n := range a.names {
			if n == s.s {
				return typeErrorf("got multiple values for keyword argument '%s'", n)
			}
		}
		a.names, a.named = append(a.names, s.s), append(a.named, d.vals[i])
	}
	return nil
}

func (x *callExpr) eval(in *interp, sc *scope) (Value, error) {
	return in.callExprWith(x, sc, nil)
}

// callExprWith evaluates a call; caller is the body of a call block, or nil.
func (in *interp) callExprWith(x *callExpr, sc *scope, caller *macro) (Value, error) {
	if err := in.step(1); err != nil {
		return nil, err
	}
	fn, err := x.fn.eval(in, sc)
	if err != nil {
		return nil, err
	}
	a, err := x.callArgs.eval(in, sc)
	if err != nil {
		return nil, at(err, in.t.name, x.line)
	}
	if caller != nil {
		a.names = append(append([]string(nil), a.names...), "caller")
		a.named = append(a.named, caller)
	}
	v, err := in.invoke(fn, a)
	return v, at(err, in.t.name, x.line)
}

// callable is what can be called.
type callable interface {
	invoke(in *interp, a args) (Value, error)
}

// invoke calls a value.
func (in *interp) invoke(fn Value, a args) (Value, error) {
	if u, ok := fn.(*undefined); ok {
		return nil, u.err()
	}
	c, ok := fn.(callable)
	if !ok {
		return nil, typeErrorf("'%s' object is not callable", typeName(fn))
	}
	return c.invoke(in, a)
}

func (x *filterExpr) eval(in *interp, sc *scope) (Value, error) {
	if err := in.step(1); err != nil {
		return nil, err
	}
	var v Value
	var err error
	if x.x == nil {
		v, _ = sc.get(bodyName)
	} else if v, err = x.x.eval(in, sc); err != nil {
		return nil, err
	}
	a, err := x.callArgs.eval(in, sc)
	if err != nil {
		return nil, err
	}
	return in.filter(x.name, v, a)
}

// filter applies a filter by name.
func (in *interp) filter(name string, v Value, a args) (Value, error) {
	f := filterTable[name]
	if f == nil {
		return nil, errorf(KindRuntime, "no filter named %s found", quoteRepr(name))
	}
	a.pos = append([]Value{v}, a.pos...)
	return f.invoke(in, a)
}

func (x *testExpr) eval(in *interp, sc *scope) (Value, error) {
	if err := in.step(1); err != nil {
		return nil, err
	}
	v, err := x.x.eval(in, sc)
	if err != nil {
		return nil, err
	}
	a, err := x.callArgs.eval(in, sc)
	if err != nil {
		return nil, err
	}
	r, err := in.test(x.name, v, a)
	if err != nil {
		return nil, err
	}
	return truth(r) != x.not, nil
}

// test applies a test by name.
func (in *interp) test(name string, v Value, a args) (Value, error) {
	t := testTable[name]
	if t == nil {
		return nil, errorf(KindRuntime, "no test named %s found", quoteRepr(name))
	}
	a.pos = append([]Value{v}, a.pos...)
	return t.invoke(in, a)
}
