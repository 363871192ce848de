package jinja

import (
	"sort"
	"strings"
)

func sortFilters() []*builtin {
	return []*builtin{
		fn("sort", "value reverse? case_sensitive? attribute?", func(in *interp, a []Value) (Value, error) {
			items, err := in.list(a[0])
			if err != nil {
				return nil, err
			}
			key := func(v Value) (Value, error) { return in.multiPath(v, a[3], boolArg(a[2], false)) }
			reverse, err := flag(a[1])
			if err != nil {
				return nil, err
			}
			out, err := in.sorted(items, key, reverse)
			return &List{out}, err
		}),
		fn("dictsort", "value case_sensitive? by? reverse?", func(in *interp, a []Value) (Value, error) { return in.dictSort(a) }),
		fn("unique", "value case_sensitive? attribute?", func(in *interp, a []Value) (Value, error) { return in.unique(a) }),
		fn("groupby", "value attribute default? case_sensitive?", func(in *interp, a []Value) (Value, error) { return in.groupBy(a) }),
		extreme("min", -1), extreme("max", 1),
	}
}

// foldKey makes strings compare without regard to case.
func foldKey(v Value, caseSensitive bool) Value {
	if s, ok := v.(Str); ok && !caseSensitive {
		return lowerStr(s)
	}
	return v
}

// multiPath follows comma-separated paths and gives the list of their values.
func (in *interp) multiPath(v, attr Value, caseSensitive bool) (Value, error) {
	paths := []Value{attr}
	if s, ok := attr.(Str); ok {
		paths = paths[:0]
		for p := range strings.SplitSeq(s.s, ",") {
			paths = append(paths, Text(p))
		}
	}
	out := &List{}
	for _, p := range paths {
		x, err := in.path(v, p, nil)
		if err != nil {
			return nil, err
		}
		out.v = append(out.v, foldKey(x, caseSensitive))
	}
	return out, nil
}

// sorted sorts by a key, stably, also in reverse.
func (in *interp) sorted(items []Value, key func(Value) (Value, error), reverse bool) ([]Value, error) {
	type pair struct{ key, v Value }
	pairs := make([]pair, len(items))
	for i, v := range items {
		k, err := key(v)
		if err != nil {
			return nil, err
		}
		pairs[i] = pair{k, v}
	}
	var failed error
	sort.SliceStable(pairs, func(i, j int) bool {
		a, b := pairs[i].key, pairs[j].key
		if reverse {
			a, b = b, a
		}
		if failed != nil {
			return false
		}
		c, err := in.order("<", a, b)
		if err != nil {
			failed = err
		}
		return c == -1
	})
	out := make([]Value, len(items))
	for i, p := range pairs {
		out[i] = p.v
	}
	return out, failed
}

func (in *interp) dictSort(a []Value) (Value, error) {
	by, err := strArg(a[2], "key")
	at := map[string]int{"key": 0, "value": 1}
	pos, ok := at[by.s]
	if !ok || err != nil {
		return nil, errorf(KindRuntime, `you can only sort by either "key" or "value"`)
	}
	d, ok := a[0].(*Dict)
	if !ok {
		if u, ok := a[0].(*undefined); ok {
			return nil, u.err()
		}
		return nil, typeErrorf("'%s' object has no attribute 'items'", typeName(a[0]))
	}
	reverse, err := flag(a[3])
	if err != nil {
		return nil, err
	}
	items, err := in.list(&view{d, "items"})
	if err != nil {
		return nil, err
	}
	key := func(v Value) (Value, error) { return foldKey(v.(*Tuple).v[pos], boolArg(a[1], false)), nil }
	out, err := in.sorted(items, key, reverse)
	return &List{out}, err
}

func (in *interp) unique(a []Value) (Value, error) {
	seen := map[any]bool{}
	read, err := in.iter(a[0])
	if err != nil {
		return nil, err
	}
	return &generator{name: "generator", next: func() (Value, bool, error) {
		for {
			v, ok, err := read()
			if !ok || err != nil {
				return nil, false, err
			}
			k, err := in.path(v, a[2], nil)
			if err != nil {
				return nil, false, err
			}
			h, err := hashOf(foldKey(k, boolArg(a[1], false)))
			if err != nil {
				return nil, false, err
			}
			if err := in.step(1); err != nil {
				return nil, false, err
			}
			if !seen[h] {
				seen[h] = true
				return v, true, nil
			}
		}
	}}, nil
}

func (in *interp) groupBy(a []Value) (Value, error) {
	items, err := in.list(a[0])
	if err != nil {
		return nil, err
	}
	caseSensitive := boolArg(a[3], false)
	key := func(v Value) (Value, error) {
		k, err := in.path(v, a[1], a[2])
		return foldKey(k, caseSensitive), err
	}
	if items, err = in.sorted(items, key, false); err != nil {
		return nil, err
	}
	out := &List{}
	var last Value
	for _, v := range items {
		k, err := key(v)
		if err != nil {
			return nil, err
		}
		if last != nil {
			eq, err := in.equal(k, last)
			if err != nil {
				return nil, err
			}
			if eq {
				group := out.v[len(out.v)-1].(*Tuple).v[1].(*List)
				group.v = append(group.v, v)
				continue
			}
		}
		last = k
		label := k
		if !caseSensitive {
			if label, err = in.path(v, a[1], a[2]); err != nil {
				return nil, err
			}
		}
		out.v = append(out.v, &Tuple{v: []Value{label, &List{[]Value{v}}}, names: []string{"grouper", "list"}})
	}
	return out, nil
}

// extreme is min (sign -1) and max (sign 1).
func extreme(name string, sign int) *builtin {
	return fn(name, "value case_sensitive? attribute?", func(in *interp, a []Value) (Value, error) {
		var best, bestKey Value
		op := map[int]string{-1: "<", 1: ">"}[sign]
		err := in.scan(a[0], func(_ int64, v Value) (bool, error) {
			k, err := in.path(v, a[2], nil)
			if err != nil {
				return false, err
			}
			k = foldKey(k, boolArg(a[1], false))
			if best != nil {
				c, err := in.order(op, k, bestKey)
				if err != nil || c != sign {
					return true, err
				}
			}
			best, bestKey = v, k
			return true, nil
		})
		if err == nil && best == nil {
			return &undefined{hint: "no aggregated item, sequence was empty"}, nil
		}
		return best, err
	})
}
