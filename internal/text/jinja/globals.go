package jinja

import (
	"strings"
)

// globals are the names that every template knows.
var globals map[string]Value

func init() {
	g := []*builtin{
		rawFn("raise_exception", func(in *interp, a args) (Value, error) {
			var msg Str
			if len(a.pos) > 0 {
				var err error
				if msg, err = in.str(a.pos[0]); err != nil {
					return nil, err
				}
			} else if len(a.named) > 0 {
				var err error
				if msg, err = in.str(a.named[0]); err != nil {
					return nil, err
				}
			}
			return nil, errorf(KindRaise, "%s", msg.s)
		}),
		fn("strftime_now", "format", func(in *interp, a []Value) (Value, error) {
			format, err := strArg(a[0], "")
			if err != nil {
				return nil, err
			}
			if in.clock == nil {
				return nil, errorf(KindRuntime, "strftime_now: this rendering has no clock")
			}
			s, err := strftime(in.clock(), format.s)
			return Text(s), err
		}),
		fn("range", "start stop? step?", func(_ *interp, a []Value) (Value, error) { return makeRange(a) }),
		rawFn("dict", func(in *interp, a args) (Value, error) { return in.makeDict("dict", a) }),
		rawFn("namespace", func(in *interp, a args) (Value, error) {
			d, err := in.makeDict("namespace", a)
			if err != nil {
				return nil, err
			}
			ns := &namespace{NewDict()}
			for i, k := range d.keys {
				name, ok := k.(Str)
				if !ok {
					return nil, typeErrorf("attribute names must be strings, not %s", typeName(k))
				}
				if err := in.keep(ns, name.s, d.vals[i]); err != nil {
					return nil, err
				}
			}
			return ns, nil
		}),
		rawFn("cycler", func(_ *interp, a args) (Value, error) {
			if len(a.pos) == 0 {
				return nil, errorf(KindRuntime, "at least one item has to be provided")
			}
			return &cycler{items: a.pos}, nil
		}),
		fn("joiner", "sep?", func(in *interp, a []Value) (Value, error) {
			sep, err := strArg(a[0], ", ")
			return &joiner{sep: sep}, err
		}),
		fn("lipsum", "n? html? min? max?", func(in *interp, a []Value) (Value, error) { return in.lipsum(a) }),
	}
	globals = make(map[string]Value, len(g))
	for _, b := range g {
		switch b.name {
		case "range", "dict", "namespace", "cycler", "joiner":
			b.class = true
		}
		globals[b.name] = b
	}
}

func newRange(start, stop, step int64) *rangeValue {
	r := &rangeValue{start: start, stop: stop, step: step}
	switch {
	case step > 0 && start < stop:
		r.n = (stop-start-1)/step + 1
	case step < 0 && start > stop:
		r.n = (start-stop-1)/-step + 1
	}
	return r
}

func makeRange(a []Value) (Value, error) {
	n := [3]int64{0, 0, 1}
	for i, v := range a {
		if v == nil {
			continue
		}
		x, ok := index(v)
		if !ok {
			if u, ok := v.(*undefined); ok {
				return nil, typeErrorf("'%s' object cannot be interpreted as an integer", typeName(u))
			}
			return nil, typeErrorf("'%s' object cannot be interpreted as an integer", typeName(v))
		}
		if x > 1<<60 || x < -1<<60 {
			return nil, errorf(KindLimit, "range(%s) is too big", reprText(v))
		}
		n[i] = x
	}
	if a[1] == nil {
		n[0], n[1] = 0, n[0]
	}
	if n[2] == 0 {
		return nil, valueErrorf("range() arg 3 must not be zero")
	}
	r := newRange(n[0], n[1], n[2])
	if r.n > maxRange {
		return nil, errorf(KindLimit, "a range of %d items: at most %d are allowed", r.n, maxRange)
	}
	return r, nil
}

// makeDict is dict(mapping or pairs, name=value, ...).
func (in *interp) makeDict(name string, a args) (*Dict, error) {
	if len(a.pos) > 1 {
		return nil, typeErrorf("%s expected at most 1 argument, got %d", name, len(a.pos))
	}
	d := NewDict()
	if len(a.pos) == 1 {
		switch v := a.pos[0].(type) {
		case *Dict:
			if err := in.items(int64(v.Len())); err != nil {
				return nil, err
			}
			d = v.copy()
		default:
			if err := in.addPairs(d, v); err != nil {
				return nil, err
			}
		}
	}
	for i, n := range a.names {
		d.Set(n, a.named[i])
	}
	return d, nil
}

func (in *interp) addPairs(d *Dict, v Value) error {
	return in.scan(v, func(i int64, x Value) (bool, error) {
		pair, err := in.list(x)
		if err != nil {
			return false, err
		}
		if len(pair) != 2 {
			return false, valueErrorf("dictionary update sequence element #%d has length %d; 2 is required", i, len(pair))
		}
		h, err := hashOf(pair[0])
		if err != nil {
			return false, err
		}
		d.put(pair[0], h, pair[1])
		return true, in.items(1)
	})
}

// cycler goes through its items again and again.
type cycler struct {
	items []Value
	pos   int
}

func (c *cycler) attr(name string) Value {
	switch name {
	case "current":
		return c.items[c.pos]
	case "pos":
		return int64(c.pos)
	case "items":
		return &Tuple{v: c.items}
	case "next":
		return fn(name, "", func(*interp, []Value) (Value, error) {
			v := c.items[c.pos]
			c.pos = (c.pos + 1) % len(c.items)
			return v, nil
		})
	case "reset":
		return fn(name, "", func(*interp, []Value) (Value, error) {
			c.pos = 0
			return None, nil
		})
	}
	return nil
}

// joiner gives nothing at its first call and its separator afterwards.
type joiner struct {
	sep  Str
	used bool
}

func (j *joiner) invoke(_ *interp, a args) (Value, error) {
	if len(a.pos)+len(a.names) > 0 {
		return nil, typeErrorf("joiner takes no arguments")
	}
	if !j.used {
		j.used = true
		return Str{}, nil
	}
	return j.sep, nil
}

func (j *joiner) attr(name string) Value {
	switch name {
	case "sep":
		return j.sep
	case "used":
		return j.used
	}
	return nil
}

// lipsum makes filler text, the same each time.
func (in *interp) lipsum(a []Value) (Value, error) {
	n, err := intArg(a[0], 5)
	if err != nil {
		return nil, err
	}
	const text = "Lorem ipsum dolor sit amet, consectetuer adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua."
	markup := boolArg(a[1], true)
	if err := in.text(max(n, 0) * int64(len(text)+8)); err != nil {
		return nil, err
	}
	var parts []string
	for range n {
		p := text
		if markup {
			p = "<p>" + p + "</p>"
		}
		parts = append(parts, p)
	}
	sep := "\n\n"
	if markup {
		sep = "\n"
	}
	return Str{s: strings.Join(parts, sep), safe: markup}, nil
}
