package jinja

import (
	"maps"
	"math/big"
)

// Value is what a template computes with: None, bool, int64, *big.Int (outside
// of int64 only), float64, Str, *List, *Tuple, *Dict, and values that only a
// template makes, such as macros and ranges. Lists and dicts never change once
// a rendering has begun, but for a template's own lists; see keep.
type Value any

type noneType struct{}

// None is Python's None and JSON's null.
var None Value = noneType{}

// List is a list of values.
type List struct{ v []Value }

// NewList returns a list of the values, which it keeps.
func NewList(v ...Value) *List { return &List{v} }

// Len returns the number of items.
func (l *List) Len() int { return len(l.v) }

// At returns item i.
func (l *List) At(i int) Value { return l.v[i] }

// Append adds items to a list that is still being built.
func (l *List) Append(v ...Value) { l.v = append(l.v, v...) }

// Tuple is an immutable list with its own way to print.
type Tuple struct {
	v     []Value
	names []string // names of the fields: grouper and list for groupby
}

// Dict maps keys to values in the order of insertion. Keys follow Python's
// equality: 1, 1.0 and True are the same key, strings compare by text alone.
type Dict struct {
	keys []Value
	vals []Value
	at   map[any]int
}

// NewDict returns an empty dict.
func NewDict() *Dict { return &Dict{at: map[any]int{}} }

// Len returns the number of keys.
func (d *Dict) Len() int { return len(d.keys) }

// Set sets the value of a string key. A new key goes to the end.
func (d *Dict) Set(key string, v Value) *Dict {
	d.put(Text(key), key, v)
	return d
}

// SetValue is Set with a key that may be marked as user text.
func (d *Dict) SetValue(key Str, v Value) { d.put(key, key.s, v) }

// Get returns the value of a string key.
func (d *Dict) Get(key string) (Value, bool) {
	i, ok := d.at[key]
	if !ok {
		return nil, false
	}
	return d.vals[i], true
}

// put sets the value under a hash made by hashOf.
func (d *Dict) put(key Value, hash any, v Value) {
	if i, ok := d.at[hash]; ok {
		d.vals[i] = v
		return
	}
	d.at[hash] = len(d.keys)
	d.keys = append(d.keys, key)
	d.vals = append(d.vals, v)
}

// copy returns a dict of its own with the same items.
func (d *Dict) copy() *Dict {
	c := &Dict{
		keys: append([]Value(nil), d.keys...),
		vals: append([]Value(nil), d.vals...),
		at:   make(map[any]int, len(d.at)),
	}
	maps.Copy(c.at, d.at)
	return c
}

// view is a dict's keys(), values() or items().
type view struct {
	d    *Dict
	what string // "keys", "values", "items"
}

func (v *view) at(i int) Value {
	switch v.what {
	case "keys":
		return v.d.keys[i]
	case "values":
		return v.d.vals[i]
	}
	return &Tuple{v: []Value{v.d.keys[i], v.d.vals[i]}}
}

// rangeValue is Python's range: n values from start by step.
type rangeValue struct{ start, stop, step, n int64 }

func (r *rangeValue) at(i int64) int64 { return r.start + i*r.step }

// iterator yields values one by one; ok is false at the end.
type iterator func() (v Value, ok bool, err error)

// generator is a lazy sequence that can be read once, as map and select give.
type generator struct {
	next iterator
	name string // the Python type's name
}

// bytesValue is what str.encode gives.
type bytesValue string

// undefined stands for a missing variable, attribute or item. Using it in any
// way but printing, testing and iterating is an error.
type undefined struct {
	hint string
	obj  Value // what the name was looked up in; nil for a variable
	name Value
	kind Kind
}

func (u *undefined) err() error {
	k := u.kind
	if k == "" {
		k = KindUndefined
	}
	return errorf(k, "%s", u.message())
}

func (u *undefined) message() string {
	if u.hint != "" {
		return u.hint
	}
	s, isStr := u.name.(Str)
	switch {
	case u.obj == nil:
		return quoteRepr(s.s) + " is undefined"
	case !isStr:
		return objectName(u.obj) + " has no element " + reprText(u.name)
	}
	return quoteRepr(objectName(u.obj)) + " has no attribute " + quoteRepr(s.s)
}

func undefinedName(name string) *undefined { return &undefined{name: Text(name)} }

// namespace is the one value whose attributes a template can set.
type namespace struct{ d *Dict }

// normInt returns a big integer as int64 if it fits.
func normInt(b *big.Int) Value {
	if b.IsInt64() {
		return b.Int64()
	}
	return b
}

// objectName is how an error message calls a value: "list object", "None".
func objectName(v Value) string {
	if v == None {
		return "None"
	}
	return typeName(v) + " object"
}

// typeName returns the name of the value's Python type.
func typeName(v Value) string {
	switch v := v.(type) {
	case noneType:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case Str:
		if v.safe {
			return "Markup"
		}
		return "str"
	case *List:
		return "list"
	case *Tuple:
		return "tuple"
	case *Dict:
		return "dict"
	case *view:
		return "dict_" + v.what
	case *rangeValue:
		return "range"
	case *generator:
		return v.name
	case bytesValue:
		return "bytes"
	case *undefined:
		return "Undefined"
	case *namespace:
		return "TemplateNamespace"
	}
	return objectTypeName(v)
}

func objectTypeName(v Value) string {
	switch v := v.(type) {
	case *builtin:
		if v.class {
			return "type"
		}
		return "builtin_function_or_method"
	case *macro:
		return "Macro"
	case *loopContext:
		return "LoopContext"
	case *cycler:
		return "Cycler"
	case *joiner:
		return "Joiner"
	case *selfRef:
		return "TemplateReference"
	}
	return "object"
}
