package jinja

import (
	"math"
	"math/big"
	"strings"
)

// equal is Python's ==.
func (in *interp) equal(a, b Value) (bool, error) { return in.equalDepth(a, b, 0) }

func (in *interp) equalDepth(a, b Value, depth int) (bool, error) {
	if depth > maxDepth {
		return false, errorf(KindLimit, "values nested deeper than %d", maxDepth)
	}
	if err := in.step(1); err != nil {
		return false, err
	}
	if isNumber(a) && isNumber(b) {
		return compareNumbers(a, b) == 0, nil
	}
	switch a := a.(type) {
	case noneType:
		return b == None, nil
	case Str:
		s, ok := b.(Str)
		return ok && a.s == s.s, nil
	case bytesValue:
		s, ok := b.(bytesValue)
		return ok && a == s, nil
	case *List:
		l, ok := b.(*List)
		if !ok {
			return false, nil
		}
		return in.equalSeq(a.v, l.v, depth)
	case *Tuple:
		t, ok := b.(*Tuple)
		if !ok {
			return false, nil
		}
		return in.equalSeq(a.v, t.v, depth)
	case *Dict:
		d, ok := b.(*Dict)
		if !ok {
			return false, nil
		}
		return in.equalDict(a, d, depth)
	case *rangeValue:
		r, ok := b.(*rangeValue)
		return ok && a.n == r.n && (a.n == 0 || a.start == r.start && (a.n == 1 || a.step == r.step)), nil
	case *undefined:
		_, ok := b.(*undefined)
		return ok, nil
	}
	return same(a, b), nil
}

func (in *interp) equalSeq(a, b []Value, depth int) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	for i := range a {
		if ok, err := in.equalDepth(a[i], b[i], depth+1); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (in *interp) equalDict(a, b *Dict, depth int) (bool, error) {
	if a.Len() != b.Len() {
		return false, nil
	}
	for h, i := range a.at {
		j, ok := b.at[h]
		if !ok {
			return false, nil
		}
		if ok, err := in.equalDepth(a.vals[i], b.vals[j], depth+1); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// same is Python's "is": identity of objects, equality of constants.
func same(a, b Value) bool {
	switch a := a.(type) {
	case Str:
		s, ok := b.(Str)
		return ok && a.s == s.s
	case *big.Int:
		n, ok := b.(*big.Int)
		return ok && a.Cmp(n) == 0
	}
	if _, ok := b.(Str); ok {
		return false
	}
	return a == b // pointers, numbers, booleans and None are comparable
}

// compareNumbers returns the sign of a-b, or 2 if they have no order (NaN).
func compareNumbers(a, b Value) int {
	fa, aIsFloat := a.(float64)
	fb, bIsFloat := b.(float64)
	switch {
	case !aIsFloat && !bIsFloat:
		if x, ok := a.(int64); ok {
			if y, ok := b.(int64); ok {
				return compareOrdered(x, y)
			}
		}
		return toBig(a).Cmp(toBig(b))
	case aIsFloat && bIsFloat:
		if math.IsNaN(fa) || math.IsNaN(fb) {
			return 2
		}
		return compareOrdered(fa, fb)
	case bIsFloat:
		if c := compareNumbers(b, a); c != 2 {
			return -c
		}
		return 2
	}
	switch {
	case math.IsNaN(fa):
		return 2
	case math.IsInf(fa, 0):
		return int(math.Copysign(1, fa))
	}
	return new(big.Float).SetFloat64(fa).Cmp(new(big.Float).SetInt(toBig(b)))
}

func compareOrdered[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// order compares for <, <=, > and >=: the sign of a-b, 2 for NaN.
func (in *interp) order(op string, a, b Value) (int, error) {
	return in.orderDepth(op, a, b, 0)
}

func (in *interp) orderDepth(op string, a, b Value, depth int) (int, error) {
	if depth > maxDepth {
		return 0, errorf(KindLimit, "values nested deeper than %d", maxDepth)
	}
	if err := in.step(1); err != nil {
		return 0, err
	}
	for _, v := range []Value{a, b} {
		if u, ok := v.(*undefined); ok {
			return 0, u.err()
		}
	}
	if isNumber(a) && isNumber(b) {
		return compareNumbers(a, b), nil
	}
	switch x := a.(type) {
	case Str:
		if y, ok := b.(Str); ok {
			return strings.Compare(x.s, y.s), nil // the order of UTF-8 is that of code points
		}
	case *List:
		if y, ok := b.(*List); ok {
			return in.orderSeq(op, x.v, y.v, depth)
		}
	case *Tuple:
		if y, ok := b.(*Tuple); ok {
			return in.orderSeq(op, x.v, y.v, depth)
		}
	}
	return 0, typeErrorf("'%s' not supported between instances of '%s' and '%s'", op, typeName(a), typeName(b))
}

func (in *interp) orderSeq(op string, a, b []Value, depth int) (int, error) {
	for i := range min(len(a), len(b)) {
		eq, err := in.equalDepth(a[i], b[i], depth+1)
		if err != nil {
			return 0, err
		}
		if !eq {
			return in.orderDepth(op, a[i], b[i], depth+1)
		}
	}
	return compareOrdered(int64(len(a)), int64(len(b))), nil
}

// compareOp evaluates one comparison operator.
func (in *interp) compareOp(op string, a, b Value) (bool, error) {
	switch op {
	case "==":
		return in.equal(a, b)
	case "!=":
		eq, err := in.equal(a, b)
		return !eq, err
	case "in":
		return in.contains(b, a)
	case "not in":
		ok, err := in.contains(b, a)
		return !ok, err
	}
	c, err := in.order(op, a, b)
	if err != nil || c == 2 {
		return false, err
	}
	switch op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	}
	return c >= 0, nil
}

// contains is "item in box".
func (in *interp) contains(box, item Value) (bool, error) {
	switch b := box.(type) {
	case Str:
		s, ok := item.(Str)
		if !ok {
			if u, ok := item.(*undefined); ok {
				return false, typeErrorf("'in <string>' requires string as left operand, not %s", typeName(u))
			}
			return false, typeErrorf("'in <string>' requires string as left operand, not %s", typeName(item))
		}
		return strings.Contains(b.s, s.s), nil
	case *Dict:
		h, err := hashOf(item)
		if err != nil {
			return false, err
		}
		_, ok := b.at[h]
		return ok, nil
	case *rangeValue:
		if f, ok := item.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<62 {
			item = int64(f)
		}
		n, ok := index(item)
		if !ok || b.n == 0 {
			return false, nil
		}
		i := (n - b.start) / b.step
		return i >= 0 && i < b.n && b.at(i) == n, nil
	}
	next, err := in.iter(box)
	if err != nil {
		return false, typeErrorf("argument of type '%s' is not iterable", typeName(box))
	}
	for {
		v, ok, err := next()
		if !ok || err != nil {
			return false, err
		}
		if eq, err := in.equal(v, item); eq || err != nil {
			return eq, err
		}
	}
}

type (
	floatKey uint64
	bigKey   string
	tupleKey string
	kindKey  string
)

// hashOf returns a comparable Go value that is the same for keys that Python
// holds to be the same.
func hashOf(v Value) (any, error) {
	switch v := v.(type) {
	case Str:
		return v.s, nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case int64, noneType:
		return v, nil
	case *big.Int:
		return bigKey(v.String()), nil
	case float64:
		if v == math.Trunc(v) && !math.IsInf(v, 0) {
			n, err := floatToInt(v)
			if err != nil {
				return nil, err
			}
			return hashOf(n)
		}
		return floatKey(math.Float64bits(v)), nil
	case *Tuple:
		var b strings.Builder
		for _, x := range v.v {
			if _, err := hashOf(x); err != nil {
				return nil, err
			}
			b.WriteString(typeName(x) + ":" + reprText(x) + ",")
		}
		return tupleKey(b.String()), nil
	case *undefined:
		return kindKey("undefined"), nil
	case *view:
		if v.what != "values" {
			return nil, typeErrorf("unhashable type: '%s'", typeName(v))
		}
	case *List, *Dict:
		return nil, typeErrorf("unhashable type: '%s'", typeName(v))
	case bytesValue:
		return kindKey(v), nil
	}
	return v, nil // pointers
}
