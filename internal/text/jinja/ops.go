package jinja

import (
	"math"
	"math/big"
	"unicode/utf8"
)

// truth is Python's bool(v).
func truth(v Value) bool {
	switch v := v.(type) {
	case noneType, *undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case *big.Int:
		return v.Sign() != 0
	case float64:
		return v != 0
	}
	n, ok := length(v)
	return !ok || n != 0
}

// length is Python's len(v); ok is false for what has none.
func length(v Value) (int64, bool) {
	switch v := v.(type) {
	case Str:
		return int64(v.runeLen()), true
	case bytesValue:
		return int64(len(v)), true
	case *List:
		return int64(len(v.v)), true
	case *Tuple:
		return int64(len(v.v)), true
	case *Dict:
		return int64(v.Len()), true
	case *view:
		return int64(v.d.Len()), true
	case *rangeValue:
		return v.n, true
	case *undefined:
		return 0, true
	}
	return 0, false
}

// slots returns an iterator over n values given by at.
func slots(n int64, at func(i int64) Value) iterator {
	i := int64(0)
	return func() (Value, bool, error) {
		if i >= n {
			return nil, false, nil
		}
		i++
		return at(i - 1), true, nil
	}
}

// iter is Python's iter(v).
func (in *interp) iter(v Value) (iterator, error) {
	switch v := v.(type) {
	case *List:
		items := v.v // what is there now, even if the list grows
		return slots(int64(len(items)), func(i int64) Value { return items[i] }), nil
	case *Tuple:
		return slots(int64(len(v.v)), func(i int64) Value { return v.v[i] }), nil
	case *Dict:
		return slots(int64(v.Len()), func(i int64) Value { return v.keys[i] }), nil
	case *view:
		return slots(int64(v.d.Len()), func(i int64) Value { return v.at(int(i)) }), nil
	case *rangeValue:
		return slots(v.n, func(i int64) Value { return v.at(i) }), nil
	case bytesValue:
		return slots(int64(len(v)), func(i int64) Value { return int64(v[i]) }), nil
	case *undefined:
		return slots(0, nil), nil
	case *generator:
		return v.next, nil
	case *loopContext:
		return v.iterate(), nil
	case Str:
		pos := 0
		return func() (Value, bool, error) {
			if pos >= len(v.s) {
				return nil, false, nil
			}
			_, n := utf8.DecodeRuneInString(v.s[pos:])
			pos += n
			return v.slice(pos-n, pos), true, nil
		}, nil
	}
	return nil, typeErrorf("'%s' object is not iterable", typeName(v))
}

// list reads a sequence to its end.
func (in *interp) list(v Value) ([]Value, error) {
	if n, ok := length(v); ok {
		if err := in.items(n); err != nil {
			return nil, err
		}
	}
	switch v := v.(type) {
	case *List:
		return v.v, nil
	case *Tuple:
		return v.v, nil
	}
	next, err := in.iter(v)
	if err != nil {
		return nil, err
	}
	var out []Value
	for {
		x, ok, err := next()
		if !ok || err != nil {
			return out, err
		}
		if len(out) >= maxItems {
			return nil, in.items(int64(len(out)) + 1)
		}
		if err := in.items(1); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
}

// binary evaluates an arithmetic operator.
func (in *interp) binary(op string, l, r Value) (Value, error) {
	if isNumber(l) && isNumber(r) {
		return arith(op, l, r)
	}
	if s, ok := l.(Str); ok && op == "%" {
		return in.percent(s, r)
	}
	for _, v := range []Value{l, r} {
		if u, ok := v.(*undefined); ok {
			return nil, u.err()
		}
	}
	switch op {
	case "+":
		return in.add(l, r)
	case "*":
		if n, ok := index(r); ok {
			return in.repeat(l, n, r)
		}
		if n, ok := index(l); ok {
			return in.repeat(r, n, l)
		}
		if !isNumber(r) || isSequence(l) {
			if isSequence(l) || isSequence(r) {
				other := r
				if !isSequence(l) {
					other = l
				}
				return nil, typeErrorf("can't multiply sequence by non-int of type '%s'", typeName(other))
			}
		}
	}
	return nil, unsupported(map[string]string{"**": "** or pow()"}[op]+map[bool]string{true: op}[op != "**"], l, r)
}

func isSequence(v Value) bool {
	switch v.(type) {
	case Str, *List, *Tuple, bytesValue:
		return true
	}
	return false
}

func (in *interp) add(l, r Value) (Value, error) {
	switch a := l.(type) {
	case Str:
		b, ok := r.(Str)
		if !ok {
			return nil, typeErrorf("can only concatenate str (not \"%s\") to str", typeName(r))
		}
		if a.safe != b.safe {
			a, b = escape(a), escape(b)
		}
		if err := in.text(int64(len(a.s) + len(b.s))); err != nil {
			return nil, err
		}
		return concat(a, b), nil
	case *List:
		b, ok := r.(*List)
		if !ok {
			return nil, typeErrorf("can only concatenate list (not \"%s\") to list", typeName(r))
		}
		if err := in.items(int64(len(a.v) + len(b.v))); err != nil {
			return nil, err
		}
		return &List{append(append(make([]Value, 0, len(a.v)+len(b.v)), a.v...), b.v...)}, nil
	case *Tuple:
		b, ok := r.(*Tuple)
		if !ok {
			return nil, typeErrorf("can only concatenate tuple (not \"%s\") to tuple", typeName(r))
		}
		if err := in.items(int64(len(a.v) + len(b.v))); err != nil {
			return nil, err
		}
		return &Tuple{v: append(append(make([]Value, 0, len(a.v)+len(b.v)), a.v...), b.v...)}, nil
	}
	return nil, unsupported("+", l, r)
}

// repeat is a sequence times n.
func (in *interp) repeat(v Value, n int64, count Value) (Value, error) {
	n = max(n, 0)
	size, ok := length(v)
	if s, isStr := v.(Str); isStr {
		size = int64(len(s.s))
	}
	if !ok || !isSequence(v) {
		return nil, unsupported("*", v, count)
	}
	if size > 0 && n > math.MaxInt32 {
		return nil, errorf(KindLimit, "a sequence repeated %d times", n)
	}
	if size == 0 {
		n = 0
	}
	switch v := v.(type) {
	case Str:
		if err := in.text(size * n); err != nil {
			return nil, err
		}
		parts := make([]Str, n)
		for i := range parts {
			parts[i] = v
		}
		return join(Str{safe: v.safe}, parts), nil
	case *List:
		out, err := in.repeatItems(v.v, n)
		return &List{out}, err
	case *Tuple:
		out, err := in.repeatItems(v.v, n)
		return &Tuple{v: out}, err
	}
	return nil, unsupported("*", v, count)
}

func (in *interp) repeatItems(v []Value, n int64) ([]Value, error) {
	if err := in.items(int64(len(v)) * n); err != nil {
		return nil, err
	}
	out := make([]Value, 0, int64(len(v))*n)
	for range n {
		out = append(out, v...)
	}
	return out, nil
}

// unary evaluates a sign.
func unary(op string, v Value) (Value, error) {
	if u, ok := v.(*undefined); ok {
		return nil, u.err()
	}
	if f, ok := v.(float64); ok {
		if op == "-" {
			return -f, nil
		}
		return f, nil
	}
	if !isInt(v) {
		return nil, typeErrorf("bad operand type for unary %s: '%s'", op, typeName(v))
	}
	if op == "-" {
		return normInt(new(big.Int).Neg(toBig(v))), nil
	}
	return normInt(toBig(v)), nil
}
