package jinja

import (
	"math/big"
	"slices"
)

// The sandbox refuses whatever changes a list. Published templates, Kimi-K2's
// among them, keep a queue in a namespace all the same:
//
//	{% set queue = namespace(ids=[]) %}{% set _ = queue.ids.append(x) %}
//
// This is allowed for lists that a namespace has from the start, empty. They belong
// to one rendering, nothing of the caller's is in them, and as they hold texts and
// numbers only none can come to hold itself.

// keep gives a namespace's attribute a value. An empty list is one that grows.
func (in *interp) keep(ns *namespace, name string, v Value) error {
	if l, ok := v.(*List); ok && len(l.v) == 0 {
		l = &List{}
		if in.growing == nil {
			in.growing = map[*List]bool{}
		}
		in.growing[l] = true
		v = l
	}
	return ns.set(name, v)
}

var growingMethods = map[string]*builtin{
	"append": fn("append", "self value", func(in *interp, a []Value) (Value, error) {
		l := a[0].(*List)
		switch a[1].(type) {
		case Str, bool, int64, *big.Int, float64, noneType:
		default:
			return nil, errorf(KindSecurity, "a %s cannot be appended to a list: only texts and numbers can", typeName(a[1]))
		}
		if err := in.items(int64(len(l.v) + 1)); err != nil {
			return nil, err
		}
		l.v = append(slices.Clip(l.v), a[1]) // whoever reads the old list goes on reading it
		return None, nil
	}),
	"pop": fn("pop", "self index?", func(in *interp, a []Value) (Value, error) {
		l := a[0].(*List)
		n := int64(len(l.v))
		at, err := intArg(a[1], n-1)
		if err != nil {
			return nil, err
		}
		if at < 0 {
			at += n
		}
		if at < 0 || at >= n {
			return nil, errorf(KindRuntime, "pop index out of range: the list has %d items", n)
		}
		x := l.v[at]
		if err := in.items(n); err != nil {
			return nil, err
		}
		l.v = slices.Concat(l.v[:at], l.v[at+1:])
		return x, nil
	}),
}
