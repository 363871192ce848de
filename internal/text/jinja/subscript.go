package jinja

import "math"

// getItem is x[i]: the item first, then an attribute of that name.
func (in *interp) getItem(x, i Value) (Value, error) {
	if u, ok := x.(*undefined); ok {
		return nil, u.err()
	}
	v, err := in.item(x, i)
	if v != nil || err != nil {
		return v, err
	}
	if s, ok := i.(Str); ok {
		if v, err := in.attribute(x, s.s); v != nil || err != nil {
			return v, err
		}
	}
	return &undefined{obj: x, name: i}, nil
}

// getAttr is x.name: the attribute first, then an item of that name.
func (in *interp) getAttr(x Value, name string) (Value, error) {
	if u, ok := x.(*undefined); ok {
		return nil, u.err()
	}
	v, err := in.attribute(x, name)
	if v != nil || err != nil {
		return v, err
	}
	if v, err = in.item(x, Text(name)); v != nil || err != nil {
		return v, err
	}
	return &undefined{obj: x, name: Text(name)}, nil
}

// item looks up x[i]; nil means that there is no such item.
func (in *interp) item(x, i Value) (Value, error) {
	switch x := x.(type) {
	case *Dict:
		h, err := hashOf(i)
		if err != nil {
			return nil, nil
		}
		if at, ok := x.at[h]; ok {
			return x.vals[at], nil
		}
		return nil, nil
	case *loopContext, *macro, *namespace:
		return nil, nil
	}
	n, ok := length(x)
	if !ok {
		return nil, nil
	}
	if _, isView := x.(*view); isView {
		return nil, nil
	}
	at, ok := index(i)
	if !ok {
		return nil, nil
	}
	if at < 0 {
		at += n
	}
	if at < 0 || at >= n {
		return nil, nil
	}
	switch x := x.(type) {
	case Str:
		lo := x.offset(int(at))
		r := x.slice(lo, len(x.s))
		return r.slice(0, r.offset(1)), nil
	case *List:
		return x.v[at], nil
	case *Tuple:
		return x.v[at], nil
	case *rangeValue:
		return x.at(at), nil
	case bytesValue:
		return int64(x[at]), nil
	}
	return nil, nil
}

// sliceValue is what lo:hi:step makes. The bounds are None where left out.
type sliceValue struct{ lo, hi, step Value }

// sliceSpan is a slice resolved for a sequence: the first place, the place to stop
// at, the number of items and the step.
type sliceSpan struct{ start, stop, count, step int64 }

func (s *sliceValue) bounds(n int64) (r sliceSpan, err error) {
	for _, v := range []Value{s.lo, s.hi, s.step} {
		if _, ok := index(v); !ok && v != None {
			return r, typeErrorf("slice indices must be integers or None or have an __index__ method")
		}
	}
	r.step = 1
	if s.step != None {
		r.step, _ = index(s.step)
		r.step = max(r.step, -math.MaxInt64)
	}
	if r.step == 0 {
		return r, valueErrorf("slice step cannot be zero")
	}
	lowest, highest := int64(0), n
	if r.step < 0 {
		lowest, highest = -1, n-1
	}
	clip := func(v Value, none int64) int64 {
		if v == None {
			return none
		}
		i, _ := index(v)
		if i < 0 {
			if i += n; i < lowest {
				return lowest
			}
			return i
		}
		return min(i, highest)
	}
	if r.step > 0 {
		r.start, r.stop = clip(s.lo, lowest), clip(s.hi, highest)
		if r.stop > r.start {
			r.count = (r.stop-r.start-1)/r.step + 1
		}
		return r, nil
	}
	r.start, r.stop = clip(s.lo, highest), clip(s.hi, lowest)
	if r.stop < r.start {
		r.count = (r.start-r.stop-1)/-r.step + 1
	}
	return r, nil
}

// slice is x[lo:hi:step]. Unlike an index it is an error where it makes no
// sense.
func (in *interp) slice(x Value, s *sliceValue) (Value, error) {
	if u, ok := x.(*undefined); ok {
		return nil, u.err()
	}
	n, ok := length(x)
	if _, isDict := x.(*Dict); isDict || !ok {
		return nil, typeErrorf("'%s' object cannot be sliced", typeName(x))
	}
	r, err := s.bounds(n)
	if err != nil {
		return nil, err
	}
	start, count, step := r.start, r.count, r.step
	switch x := x.(type) {
	case Str:
		if err := in.text(int64(len(x.s))); err != nil {
			return nil, err
		}
		if step == 1 {
			lo := x.offset(int(start))
			rest := x.slice(lo, len(x.s))
			return rest.slice(0, rest.offset(int(count))), nil
		}
		chars := x.chars()
		return join(Str{safe: x.safe}, pick(chars, start, count, step)), nil
	case *List:
		return &List{pick(x.v, start, count, step)}, in.items(count)
	case *Tuple:
		return &Tuple{v: pick(x.v, start, count, step)}, in.items(count)
	case *rangeValue:
		return newRange(x.at(start), x.at(r.stop), step*x.step), nil
	case bytesValue:
		return bytesValue(pick([]byte(x), start, count, step)), nil
	}
	return nil, typeErrorf("'%s' object is not subscriptable", typeName(x))
}

func pick[T any](v []T, start, count, step int64) []T {
	if step == 1 {
		return v[start : start+count : start+count]
	}
	out := make([]T, 0, count)
	for i := range count {
		out = append(out, v[start+i*step])
	}
	return out
}
