package jinja

// loopContext is the variable loop. It reads the sequence one item ahead, and
// only when asked, so that a loop's condition sees what the body did before.
type loopContext struct {
	stmt  *forStmt
	scope *scope // outside of the loop
	seq   Value  // before the condition
	read  iterator

	i           int64 // index0 of the current item
	prev, cur   Value // nil where there is none
	ahead       Value
	total       int64 // -1 until it was asked for
	depth0      int64
	changedFrom []Value
	hasChanged  bool
}

func (s *forStmt) exec(in *interp, sc *scope) (control, error) {
	seq, err := s.iter.eval(in, sc)
	if err != nil {
		return next, at(err, in.t.name, s.line)
	}
	return next, at(s.loop(in, sc, seq, 0), in.t.name, s.line)
}

// loop runs the body for each item of seq.
func (s *forStmt) loop(in *interp, sc *scope, seq Value, depth int64) error {
	read, err := in.iter(seq)
	if err != nil {
		return err
	}
	l := &loopContext{stmt: s, scope: sc, seq: seq, read: read, i: -1, total: -1, depth0: depth}
	if s.test != nil {
		l.seq = nil
		l.read = s.filtered(in, sc, read)
	}
	for {
		v, ok, err := l.advance()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := in.step(1); err != nil {
			return err
		}
		inner := &scope{parent: sc, vars: make([]variable, 0, 4)}
		inner.set("loop", l)
		if err := in.assign(inner, s.target, v); err != nil {
			return err
		}
		c, err := in.run(s.body, inner)
		if err != nil {
			return err
		}
		if c == breakLoop {
			return nil
		}
	}
	if l.i < 0 {
		_, err = in.run(s.other, &scope{parent: sc})
	}
	return err
}

// filtered reads only the items that meet the loop's condition.
func (s *forStmt) filtered(in *interp, sc *scope, read iterator) iterator {
	return func() (Value, bool, error) {
		for {
			v, ok, err := read()
			if !ok || err != nil {
				return nil, false, err
			}
			inner := &scope{parent: sc}
			if err := in.assign(inner, s.target, v); err != nil {
				return nil, false, err
			}
			t, err := s.test.eval(in, inner)
			if err != nil {
				return nil, false, err
			}
			if err := in.step(1); err != nil {
				return nil, false, err
			}
			if truth(t) {
				return v, true, nil
			}
		}
	}
}

func (l *loopContext) advance() (Value, bool, error) {
	v := l.ahead
	l.ahead = nil
	if v == nil {
		var ok bool
		var err error
		if v, ok, err = l.read(); !ok || err != nil {
			return nil, false, err
		}
	}
	l.i++
	l.prev, l.cur = l.cur, v
	return v, true, nil
}

// peek returns the next item, or nil at the end.
func (l *loopContext) peek() (Value, error) {
	if l.ahead == nil {
		v, ok, err := l.read()
		if !ok || err != nil {
			return nil, err
		}
		l.ahead = v
	}
	return l.ahead, nil
}

// length counts the items, which may mean reading them all.
func (l *loopContext) length(in *interp) (int64, error) {
	if l.total >= 0 {
		return l.total, nil
	}
	if n, ok := length(l.seq); ok && l.seq != nil {
		l.total = n
		return n, nil
	}
	rest, err := in.list(&generator{next: l.read})
	if err != nil {
		return 0, err
	}
	l.read, _ = in.iter(&List{rest})
	l.total = int64(len(rest)) + l.i + 1
	if l.ahead != nil {
		l.total++
	}
	return l.total, nil
}

// iterate lets a template loop over loop itself, which consumes it.
func (l *loopContext) iterate() iterator {
	return func() (Value, bool, error) {
		v, ok, err := l.advance()
		return &Tuple{v: []Value{v, l}}, ok, err
	}
}

func (l *loopContext) invoke(in *interp, a args) (Value, error) {
	if !l.stmt.recursive {
		return nil, typeErrorf("the loop must have the 'recursive' marker to be called recursively")
	}
	if len(a.pos) != 1 || len(a.names) > 0 {
		return nil, typeErrorf("loop() takes exactly one argument (%d given)", len(a.pos)+len(a.names))
	}
	var out Str
	err := in.call(func() error {
		var err error
		out, err = in.capture(func() error { return l.stmt.loop(in, l.scope, a.pos[0], l.depth0+1) })
		return err
	})
	return out, err
}

// attr returns an attribute of loop, or nil.
func (l *loopContext) attr(in *interp, name string) (Value, error) {
	switch name {
	case "index0":
		return l.i, nil
	case "index":
		return l.i + 1, nil
	case "first":
		return l.i == 0, nil
	case "depth0":
		return l.depth0, nil
	case "depth":
		return l.depth0 + 1, nil
	case "last":
		v, err := l.peek()
		return v == nil, err
	case "length", "revindex", "revindex0":
		n, err := l.length(in)
		switch name {
		case "revindex":
			n -= l.i
		case "revindex0":
			n -= l.i + 1
		}
		return n, err
	case "previtem":
		if l.i == 0 {
			return &undefined{hint: "there is no previous item"}, nil
		}
		return l.prev, nil
	case "nextitem":
		v, err := l.peek()
		if v == nil {
			return &undefined{hint: "there is no next item"}, err
		}
		return v, err
	case "cycle":
		return rawFn(name, l.cycle), nil
	case "changed":
		return rawFn(name, l.changed), nil
	}
	return nil, nil
}

func (l *loopContext) cycle(_ *interp, a args) (Value, error) {
	if len(a.pos) == 0 {
		return nil, typeErrorf("no items for cycling given")
	}
	return a.pos[l.i%int64(len(a.pos))], nil
}

func (l *loopContext) changed(in *interp, a args) (Value, error) {
	if l.hasChanged {
		eq, err := in.equalSeq(l.changedFrom, a.pos, 0)
		if err != nil || eq {
			return false, err
		}
	}
	l.changedFrom, l.hasChanged = a.pos, true
	return true, nil
}
