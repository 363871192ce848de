package jinja

import (
	"math/big"
	"unicode"
)

// tests are the tests by name, with the spellings that mean the same.
func tests() map[string]*builtin {
	is := func(name string, f func(Value) bool) *builtin {
		return fn(name, "value", func(_ *interp, a []Value) (Value, error) { return f(a[0]), nil })
	}
	list := []*builtin{
		is("defined", func(v Value) bool { _, u := v.(*undefined); return !u }),
		is("undefined", func(v Value) bool { _, u := v.(*undefined); return u }),
		is("none", func(v Value) bool { return v == None }),
		is("boolean", func(v Value) bool { _, ok := v.(bool); return ok }),
		is("true", func(v Value) bool { b, ok := v.(bool); return ok && b }),
		is("false", func(v Value) bool { b, ok := v.(bool); return ok && !b }),
		is("integer", func(v Value) bool { _, b := v.(bool); return isInt(v) && !b }),
		is("float", func(v Value) bool { _, ok := v.(float64); return ok }),
		is("number", isNumber),
		is("string", func(v Value) bool { _, ok := v.(Str); return ok }),
		is("mapping", func(v Value) bool { _, ok := v.(*Dict); return ok }),
		is("callable", func(v Value) bool {
			_, u := v.(*undefined)
			_, ok := v.(callable)
			return ok || u
		}),
		is("sequence", func(v Value) bool {
			switch v.(type) {
			case *view, *loopContext:
				return false
			}
			_, ok := length(v)
			return ok
		}),
		is("escaped", func(v Value) bool { s, ok := v.(Str); return ok && s.safe }),
		fn("filter", "value", func(_ *interp, a []Value) (Value, error) { return known(filterTable, a[0]) }),
		fn("test", "value", func(_ *interp, a []Value) (Value, error) { return known(testTable, a[0]) }),
		fn("iterable", "value", func(in *interp, a []Value) (Value, error) {
			_, err := in.iter(a[0])
			return err == nil, nil
		}),
		fn("sameas", "value other", func(_ *interp, a []Value) (Value, error) { return sameType(a[0], a[1]) && same(a[0], a[1]), nil }),
		fn("lower", "value", cased(unicode.IsLower, unicode.IsUpper)),
		fn("upper", "value", cased(unicode.IsUpper, unicode.IsLower)),
		fn("odd", "value", func(in *interp, a []Value) (Value, error) { return in.remainder(a[0], int64(2), 1) }),
		fn("even", "value", func(in *interp, a []Value) (Value, error) { return in.remainder(a[0], int64(2), 0) }),
		fn("divisibleby", "value num", func(in *interp, a []Value) (Value, error) { return in.remainder(a[0], a[1], 0) }),
		fn("in", "value seq", func(in *interp, a []Value) (Value, error) { return in.contains(a[1], a[0]) }),
	}
	m := table(list)
	for op, names := range map[string][]string{
		"==": {"eq", "equalto"}, "!=": {"ne"}, "<": {"lt", "lessthan"}, "<=": {"le"}, ">": {"gt", "greaterthan"}, ">=": {"ge"},
	} {
		t := fn(op, "value other", func(in *interp, a []Value) (Value, error) { return in.compareOp(op, a[0], a[1]) })
		for _, n := range append(names, op) {
			m[n] = t
		}
	}
	return m
}

// known reports whether v is a name in the table.
func known(table map[string]*builtin, v Value) (Value, error) {
	s, ok := v.(Str)
	_, err := hashOf(v)
	return ok && table[s.s] != nil, err
}

// sameType keeps 1 from being the same as True or 1.0.
func sameType(a, b Value) bool { return typeName(a) == typeName(b) }

func cased(is, not func(rune) bool) func(*interp, []Value) (Value, error) {
	return func(in *interp, a []Value) (Value, error) {
		s, err := in.str(a[0])
		return isCased(s.s, is, func(r rune) bool { return not(r) || unicode.IsTitle(r) }), err
	}
}

// remainder reports whether a % b is want.
func (in *interp) remainder(a, b Value, want int64) (Value, error) {
	v, err := in.binary("%", a, b)
	if err != nil {
		return nil, err
	}
	switch v.(type) {
	case int64, *big.Int, float64:
		return compareNumbers(v, want) == 0, nil
	}
	return false, nil
}
