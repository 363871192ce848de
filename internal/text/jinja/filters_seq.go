package jinja

import (
	"slices"
	"strconv"
	"strings"
)

func sequenceFilters() []*builtin {
	return []*builtin{
		fn("length", "obj", func(in *interp, a []Value) (Value, error) {
			if l, ok := a[0].(*loopContext); ok {
				return l.length(in)
			}
			n, ok := length(a[0])
			if !ok {
				return nil, typeErrorf("object of type '%s' has no len()", typeName(a[0]))
			}
			return n, nil
		}),
		fn("list", "value", func(in *interp, a []Value) (Value, error) {
			items, err := in.list(a[0])
			return &List{slices.Clip(items)}, err
		}),
		fn("first", "seq", func(in *interp, a []Value) (Value, error) {
			read, err := in.iter(a[0])
			if err != nil {
				return nil, err
			}
			v, ok, err := read()
			if err == nil && !ok {
				return &undefined{hint: "no first item, sequence was empty"}, nil
			}
			return v, err
		}),
		fn("last", "seq", func(in *interp, a []Value) (Value, error) {
			n, ok := length(a[0])
			if !ok {
				return nil, typeErrorf("'%s' object is not reversible", typeName(a[0]))
			}
			if n == 0 {
				return &undefined{hint: "no last item, sequence was empty"}, nil
			}
			switch v := a[0].(type) {
			case *Dict:
				return v.keys[n-1], nil
			case *view:
				return v.at(int(n - 1)), nil
			}
			return in.item(a[0], n-1)
		}),
	}
}

func itemFilters() []*builtin {
	return []*builtin{
		// A rendering must give the same prompt each time: the filter random
		// takes the first item.
		fn("random", "seq", func(in *interp, a []Value) (Value, error) {
			n, ok := length(a[0])
			if !ok {
				return nil, typeErrorf("object of type '%s' has no len()", typeName(a[0]))
			}
			if n == 0 {
				return &undefined{hint: "no random item, sequence was empty"}, nil
			}
			return in.item(a[0], int64(0))
		}),
		fn("items", "value", func(in *interp, a []Value) (Value, error) {
			switch d := a[0].(type) {
			case *undefined:
				return &generator{slots(0, nil), "generator"}, nil
			case *Dict:
				read, err := in.iter(&view{d, "items"})
				return &generator{read, "generator"}, err
			}
			return nil, typeErrorf("can only get item pairs from a mapping")
		}),
		fn("sum", "iterable attribute? start?", func(in *interp, a []Value) (Value, error) {
			total := a[2]
			if total == nil {
				total = int64(0)
			}
			if _, ok := total.(Str); ok {
				return nil, typeErrorf("sum() can't sum strings [use ''.join(seq) instead]")
			}
			err := in.scan(a[0], func(_ int64, v Value) (bool, error) {
				v, err := in.path(v, a[1], nil)
				if err == nil {
					total, err = in.binary("+", total, v)
				}
				return true, err
			})
			return total, err
		}),
		fn("attr", "obj name", func(in *interp, a []Value) (Value, error) {
			name, ok := a[1].(Str)
			if !ok {
				return nil, typeErrorf("attribute name must be string, not '%s'", typeName(a[1]))
			}
			if u, ok := a[0].(*undefined); ok {
				return nil, u.err()
			}
			v, err := in.attribute(a[0], name.s)
			if v == nil && err == nil {
				return &undefined{obj: a[0], name: name}, nil
			}
			return v, err
		}),
		fn("batch", "value linecount fill_with?", func(in *interp, a []Value) (Value, error) { return in.batch(a) }),
		fn("slice", "value slices fill_with?", func(in *interp, a []Value) (Value, error) { return in.columns(a) }),
	}
}

// path follows an attribute path such as "a.b.0"; nil and None are the value
// itself. def, if not nil, replaces what is missing on the way.
func (in *interp) path(v, attr, def Value) (Value, error) {
	if attr == nil || attr == None {
		return v, nil
	}
	parts := []Value{attr}
	if s, ok := attr.(Str); ok {
		parts = parts[:0]
		for p := range strings.SplitSeq(s.s, ".") {
			if n, err := strconv.ParseInt(p, 10, 64); err == nil && isDecimal(p[0]) {
				parts = append(parts, n)
			} else {
				parts = append(parts, Text(p))
			}
		}
	}
	for _, p := range parts {
		var err error
		if v, err = in.getItem(v, p); err != nil {
			return nil, err
		}
		if _, ok := v.(*undefined); ok && def != nil && def != None {
			v = def
		}
	}
	return v, in.step(len(parts))
}

// fillArg is a fill_with argument: None means none.
func fillArg(v Value) Value {
	if v == None {
		return nil
	}
	return v
}

func (in *interp) batch(a []Value) (Value, error) {
	size, err := intArg(a[1], 0)
	if err != nil {
		return nil, err
	}
	items, err := in.list(a[0])
	if err != nil {
		return nil, err
	}
	var rows []Value
	for lo := 0; lo < len(items); {
		hi := len(items)
		if size > 0 {
			hi = min(lo+int(min(size, maxItems)), hi)
		}
		row := append([]Value(nil), items[lo:hi]...)
		if fill := fillArg(a[2]); fill != nil && int64(len(row)) < size {
			if err := in.items(size - int64(len(row))); err != nil {
				return nil, err
			}
			for int64(len(row)) < size {
				row = append(row, fill)
			}
		}
		rows = append(rows, &List{row})
		lo = hi
	}
	return &generator{slots(int64(len(rows)), func(i int64) Value { return rows[i] }), "generator"}, nil
}

// columns is the filter slice: a number of lists of about equal length.
func (in *interp) columns(a []Value) (Value, error) {
	n, err := intArg(a[1], 0)
	if err != nil {
		return nil, err
	}
	items, err := in.list(a[0])
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errorf(KindZero, "integer division or modulo by zero")
	}
	if err := in.items(max(n, 0)); err != nil {
		return nil, err
	}
	size := int64(len(items))
	var cols []Value
	at := int64(0)
	for i := range n {
		count := size / n
		if i < size%n {
			count++
		}
		col := append([]Value(nil), items[at:at+count]...)
		at += count
		if fill := fillArg(a[2]); fill != nil && i >= size%n {
			col = append(col, fill)
		}
		cols = append(cols, &List{col})
	}
	return &generator{slots(int64(len(cols)), func(i int64) Value { return cols[i] }), "generator"}, nil
}

func pickFilters() []*builtin {
	return []*builtin{
		rawFn("map", func(in *interp, a args) (Value, error) { return in.filterMap(a) }),
		rawFn("select", func(in *interp, a args) (Value, error) { return in.choose(a, true, false) }),
		rawFn("reject", func(in *interp, a args) (Value, error) { return in.choose(a, false, false) }),
		rawFn("selectattr", func(in *interp, a args) (Value, error) { return in.choose(a, true, true) }),
		rawFn("rejectattr", func(in *interp, a args) (Value, error) { return in.choose(a, false, true) }),
	}
}

// lazy makes a generator over seq. Nothing is looked at before the first item
// is asked for, as with Python's generators; prepare runs then. f says what
// becomes of an item and whether it stays.
func (in *interp) lazy(seq Value, prepare func() error, f func(Value) (Value, bool, error)) Value {
	var read iterator
	return &generator{name: "generator", next: func() (Value, bool, error) {
		if read == nil {
			if !truth(seq) {
				return nil, false, nil
			}
			if err := prepare(); err != nil {
				return nil, false, err
			}
			var err error
			if read, err = in.iter(seq); err != nil {
				return nil, false, err
			}
		}
		for {
			v, ok, err := read()
			if !ok || err != nil {
				return nil, false, err
			}
			if err := in.step(1); err != nil {
				return nil, false, err
			}
			if v, ok, err = f(v); ok || err != nil {
				return v, ok, err
			}
		}
	}}
}

func (in *interp) filterMap(a args) (Value, error) {
	seq, rest := a.pos[0], a.pos[1:]
	if at := indexOf(a.names, "attribute"); len(rest) == 0 && at >= 0 {
		var def Value
		check := func() error {
			for i, n := range a.names {
				switch n {
				case "attribute":
				case "default":
					def = a.named[i]
				default:
					return errorf(KindRuntime, "unexpected keyword argument %s", quoteRepr(n))
				}
			}
			return nil
		}
		return in.lazy(seq, check, func(v Value) (Value, bool, error) {
			v, err := in.path(v, a.named[at], def)
			return v, true, err
		}), nil
	}
	check := func() error {
		if len(rest) == 0 {
			return errorf(KindRuntime, "map requires a filter argument")
		}
		return nil
	}
	return in.lazy(seq, check, func(v Value) (Value, bool, error) {
		name, _ := rest[0].(Str)
		v, err := in.filter(name.s, v, args{rest[1:], a.names, a.named})
		return v, true, err
	}), nil
}

// choose is select, reject and their attr forms.
func (in *interp) choose(a args, keep, byAttr bool) (Value, error) {
	seq, rest := a.pos[0], a.pos[1:]
	var attr Value
	if byAttr && len(rest) > 0 {
		attr, rest = rest[0], rest[1:]
	}
	check := func() error {
		if byAttr && attr == nil {
			return errorf(KindRuntime, "missing parameter for attribute name")
		}
		return nil
	}
	return in.lazy(seq, check, func(v Value) (Value, bool, error) {
		x, err := in.path(v, attr, nil)
		if err == nil && len(rest) > 0 {
			name, _ := rest[0].(Str)
			x, err = in.test(name.s, x, args{rest[1:], a.names, a.named})
		}
		if err != nil {
			return nil, false, err
		}
		return v, truth(x) == keep, nil
	}), nil
}
