package jinja

import (
	"math/big"
	"slices"
)

// method is a builtin whose first parameter is the value it belongs to.
type method struct {
	recv Value
	b    *builtin
}

func (m *method) invoke(in *interp, a args) (Value, error) {
	a.pos = append([]Value{m.recv}, a.pos...)
	return m.b.invoke(in, a)
}

// mutators are the methods that change a value in place. The sandbox refuses
// them by name.
var mutators = map[string][]string{
	"list": {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"},
	"dict": {"clear", "pop", "popitem", "setdefault", "update"},
}

// dunders are the attributes that every Python object has and that lead into
// its internals.
var dunders = []string{
	"__class__", "__delattr__", "__dict__", "__dir__", "__doc__", "__eq__", "__format__", "__ge__", "__getattribute__",
	"__getstate__", "__gt__", "__hash__", "__init__", "__init_subclass__", "__le__", "__lt__", "__ne__", "__new__", "__reduce__",
	"__reduce_ex__", "__repr__", "__setattr__", "__sizeof__", "__str__", "__subclasshook__",
}

// typeDunders are those of single types.
var typeDunders = map[string][]string{
	"str":   {"__add__", "__contains__", "__getitem__", "__getnewargs__", "__iter__", "__len__", "__mod__", "__mul__", "__rmod__", "__rmul__"},
	"list":  {"__add__", "__class_getitem__", "__contains__", "__delitem__", "__getitem__", "__iadd__", "__imul__", "__iter__", "__len__", "__mul__", "__reversed__", "__rmul__", "__setitem__"},
	"tuple": {"__add__", "__class_getitem__", "__contains__", "__getitem__", "__getnewargs__", "__iter__", "__len__", "__mul__", "__rmul__"},
	"dict":  {"__class_getitem__", "__contains__", "__delitem__", "__getitem__", "__ior__", "__iter__", "__len__", "__or__", "__reversed__", "__ror__", "__setitem__"},
	"int": {
		"__abs__", "__add__", "__and__", "__bool__", "__ceil__", "__divmod__", "__float__", "__floor__", "__floordiv__", "__index__", "__int__", "__invert__", "__lshift__",
		"__mod__", "__mul__", "__neg__", "__or__", "__pos__", "__pow__", "__round__", "__rshift__", "__sub__", "__truediv__", "__trunc__", "__xor__",
	},
	"float":                      {"__abs__", "__add__", "__bool__", "__float__", "__floordiv__", "__int__", "__mod__", "__mul__", "__neg__", "__pos__", "__pow__", "__round__", "__sub__", "__truediv__"},
	"type":                       {"__base__", "__bases__", "__call__", "__globals__", "__mro__", "__module__", "__name__", "__qualname__", "__subclasses__"},
	"builtin_function_or_method": {"__call__", "__name__", "__qualname__", "__self__", "__module__", "__text_signature__"},
}

// attribute looks up x.name among attributes and methods alone; nil means that
// there is none. What the sandbox refuses comes back as an undefined value
// whose use is a security error.
func (in *interp) attribute(x Value, name string) (Value, error) {
	kind := typeName(x)
	if name != "" && name[0] == '_' {
		if slices.Contains(dunders, name) || slices.Contains(typeDunders[baseType(kind)], name) {
			return unsafe(x, name), nil
		}
		if _, ok := x.(*namespace); !ok {
			return nil, nil
		}
	}
	if l, ok := x.(*List); ok && in.growing[l] && growingMethods[name] != nil {
		return &method{x, growingMethods[name]}, nil
	}
	if slices.Contains(mutators[kind], name) {
		return unsafe(x, name), nil
	}
	if m := methodTable[baseType(kind)][name]; m != nil {
		return &method{x, m}, nil
	}
	switch v := x.(type) {
	case bool, int64, *big.Int, float64:
		return numberAttr(x, name), nil
	case *Tuple:
		if i := indexOf(v.names, name); i >= 0 {
			return v.v[i], nil
		}
	case *rangeValue:
		switch name {
		case "start":
			return v.start, nil
		case "stop":
			return v.stop, nil
		case "step":
			return v.step, nil
		}
	case *view:
		if name == "mapping" {
			return v.d, nil
		}
	case *namespace:
		if a, ok := v.d.Get(name); ok {
			return a, nil
		}
	case *macro:
		return v.attr(name), nil
	case *loopContext:
		return v.attr(in, name)
	case *selfRef:
		return v.block(in, name), nil
	case *cycler:
		return v.attr(name), nil
	case *joiner:
		return v.attr(name), nil
	}
	return nil, nil
}

// baseType folds the type names that share their attributes.
func baseType(kind string) string {
	switch kind {
	case "Markup":
		return "str"
	case "bool":
		return "int"
	case "dict_keys", "dict_values", "dict_items":
		return "view"
	}
	return kind
}

func unsafe(x Value, name string) *undefined {
	return &undefined{
		hint: "access to attribute " + quoteRepr(name) + " of " + quoteRepr(typeName(x)) + " object is unsafe",
		obj:  x, name: Text(name), kind: KindSecurity,
	}
}

func numberAttr(x Value, name string) Value {
	_, float := x.(float64)
	switch {
	case name == "real":
		if float {
			return x
		}
		return normInt(toBig(x))
	case name == "imag" && float:
		return 0.0
	case name == "imag":
		return int64(0)
	case name == "numerator" && !float:
		return normInt(toBig(x))
	case name == "denominator" && !float:
		return int64(1)
	}
	return nil
}

// methodTable holds the methods of each type by name.
var methodTable map[string]map[string]*builtin

// The table is filled here and not where it is declared because its functions
// lead back to it.
func init() {
	methodTable = map[string]map[string]*builtin{
		"str":   strMethods(),
		"list":  table(listMethods()),
		"tuple": table(listMethods()[:2]),
		"range": table(listMethods()[:2]),
		"dict":  table(dictMethods()),
		"int":   table(intMethods()),
		"float": table(floatMethods()),
		"bytes": table([]*builtin{
			fn("decode", "self encoding? errors?", func(_ *interp, a []Value) (Value, error) { return Text(string(a[0].(bytesValue))), nil }),
			fn("hex", "self", func(_ *interp, a []Value) (Value, error) { return Text(hexText(string(a[0].(bytesValue)))), nil }),
		}),
	}
}

func table(list []*builtin) map[string]*builtin {
	m := make(map[string]*builtin, len(list))
	for _, b := range list {
		m[b.name] = b
	}
	return m
}

func listMethods() []*builtin {
	return []*builtin{
		fn("count", "self value", func(in *interp, a []Value) (Value, error) {
			n := int64(0)
			err := in.scan(a[0], func(_ int64, v Value) (bool, error) {
				eq, err := in.equal(v, a[1])
				if eq {
					n++
				}
				return true, err
			})
			return n, err
		}),
		fn("index", "self value start? stop?", func(in *interp, a []Value) (Value, error) {
			size, _ := length(a[0])
			lo, hi, err := window(a[2], a[3], size)
			if err != nil {
				return nil, err
			}
			at := int64(-1)
			err = in.scan(a[0], func(i int64, v Value) (bool, error) {
				if i < lo || i >= hi {
					return true, nil
				}
				eq, err := in.equal(v, a[1])
				if eq {
					at = i
				}
				return !eq, err
			})
			if err == nil && at < 0 {
				err = valueErrorf("%s is not in %s", reprText(a[1]), typeName(a[0]))
			}
			return at, err
		}),
		fn("copy", "self", func(_ *interp, a []Value) (Value, error) { return &List{a[0].(*List).v}, nil }),
	}
}

// scan calls f for each item of a sequence until it says no.
func (in *interp) scan(v Value, f func(i int64, v Value) (bool, error)) error {
	read, err := in.iter(v)
	if err != nil {
		return err
	}
	for i := int64(0); ; i++ {
		x, ok, err := read()
		if !ok || err != nil {
			return err
		}
		if err := in.step(1); err != nil {
			return err
		}
		if more, err := f(i, x); !more || err != nil {
			return err
		}
	}
}

// window resolves the start and stop arguments of find, index and the like.
func window(start, stop Value, n int64) (lo, hi int64, err error) {
	if lo, err = intArg(start, 0); err != nil {
		return 0, 0, err
	}
	if hi, err = intArg(stop, n); err != nil {
		return 0, 0, err
	}
	clip := func(i int64) int64 {
		if i < 0 {
			i = max(i+n, 0)
		}
		return i
	}
	return clip(lo), min(clip(hi), n), nil
}

func dictMethods() []*builtin {
	viewOf := func(what string) *builtin {
		return fn(what, "self", func(_ *interp, a []Value) (Value, error) { return &view{a[0].(*Dict), what}, nil })
	}
	return []*builtin{
		viewOf("keys"), viewOf("values"), viewOf("items"),
		fn("get", "self key default?", func(_ *interp, a []Value) (Value, error) {
			d := a[0].(*Dict)
			h, err := hashOf(a[1])
			if err != nil {
				return nil, err
			}
			if i, ok := d.at[h]; ok {
				return d.vals[i], nil
			}
			if a[2] != nil {
				return a[2], nil
			}
			return None, nil
		}),
		fn("copy", "self", func(in *interp, a []Value) (Value, error) {
			d := a[0].(*Dict)
			return d.copy(), in.items(int64(d.Len()))
		}),
		fn("fromkeys", "self keys value?", func(in *interp, a []Value) (Value, error) {
			keys, err := in.list(a[1])
			if err != nil {
				return nil, err
			}
			d := NewDict()
			for _, k := range keys {
				h, err := hashOf(k)
				if err != nil {
					return nil, err
				}
				v := a[2]
				if v == nil {
					v = None
				}
				d.put(k, h, v)
			}
			return d, nil
		}),
	}
}

func intMethods() []*builtin {
	return []*builtin{
		fn("bit_length", "self", func(_ *interp, a []Value) (Value, error) { return int64(toBig(a[0]).BitLen()), nil }),
		fn("bit_count", "self", func(_ *interp, a []Value) (Value, error) {
			n := int64(0)
			b := new(big.Int).Abs(toBig(a[0]))
			for i := range b.BitLen() {
				n += int64(b.Bit(i))
			}
			return n, nil
		}),
		fn("conjugate", "self", func(_ *interp, a []Value) (Value, error) { return normInt(toBig(a[0])), nil }),
		fn("as_integer_ratio", "self", func(_ *interp, a []Value) (Value, error) {
			return &Tuple{v: []Value{normInt(toBig(a[0])), int64(1)}}, nil
		}),
	}
}

func floatMethods() []*builtin {
	return []*builtin{
		fn("is_integer", "self", func(_ *interp, a []Value) (Value, error) {
			f := a[0].(float64)
			n, err := floatToInt(f)
			if err != nil {
				return false, nil
			}
			return compareNumbers(n, f) == 0, nil
		}),
		fn("conjugate", "self", func(_ *interp, a []Value) (Value, error) { return a[0], nil }),
		fn("as_integer_ratio", "self", func(_ *interp, a []Value) (Value, error) {
			r := new(big.Rat).SetFloat64(a[0].(float64))
			if r == nil {
				return nil, valueErrorf("cannot convert %s to integer ratio", floatRepr(a[0].(float64)))
			}
			return &Tuple{v: []Value{normInt(r.Num()), normInt(r.Denom())}}, nil
		}),
	}
}
