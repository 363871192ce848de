package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// filterTable and testTable hold the filters and tests by name. They are filled
// by init because their functions lead back to them.
var filterTable, testTable map[string]*builtin

func init() {
	filterTable = table(numberFilters())
	for _, list := range [][]*builtin{textFilters(), layoutFilters(), htmlFilters(), sequenceFilters(), itemFilters(), pickFilters(), sortFilters(), jsonFilters()} {
		for _, b := range list {
			filterTable[b.name] = b
		}
	}
	for alias, name := range map[string]string{"d": "default", "e": "escape", "count": "length"} {
		filterTable[alias] = filterTable[name]
	}
	testTable = tests()
}

// soft is the text that most text filters work on: strings stay, other values
// become str(v).
func (in *interp) soft(v Value) (Str, error) { return in.str(v) }

// softFn is a filter of one text.
func softFn(name string, f func(Str) (Value, error)) *builtin {
	return fn(name, "s", func(in *interp, a []Value) (Value, error) {
		s, err := in.soft(a[0])
		if err != nil {
			return nil, err
		}
		if err := in.text(int64(len(s.s))); err != nil {
			return nil, err
		}
		return f(s)
	})
}

func numberFilters() []*builtin {
	return []*builtin{
		fn("abs", "x", func(_ *interp, a []Value) (Value, error) {
			switch v := a[0].(type) {
			case float64:
				return math.Abs(v), nil
			case bool, int64, *big.Int:
				return normInt(new(big.Int).Abs(toBig(v))), nil
			}
			return nil, typeErrorf("bad operand type for abs(): '%s'", typeName(a[0]))
		}),
		fn("int", "value default? base?", func(_ *interp, a []Value) (Value, error) { return filterInt(a) }),
		fn("float", "value default?", func(_ *interp, a []Value) (Value, error) {
			def := a[1]
			if def == nil {
				def = 0.0
			}
			f, ok, err := asFloat(a[0])
			if err != nil || !ok {
				return def, err
			}
			return f, nil
		}),
		fn("round", "value precision? method?", func(in *interp, a []Value) (Value, error) { return in.filterRound(a) }),
		fn("filesizeformat", "value binary?", func(_ *interp, a []Value) (Value, error) {
			f, ok, err := asFloat(a[0])
			if err != nil {
				return nil, err
			}
			if !ok {
				return nil, valueErrorf("could not convert %s to float", reprText(a[0]))
			}
			return Text(fileSize(f, boolArg(a[1], false))), nil
		}),
	}
}

// asFloat is Python's float(v); ok is false where it fails.
func asFloat(v Value) (f float64, ok bool, err error) {
	if u, isU := v.(*undefined); isU {
		return 0, false, u.err()
	}
	if isNumber(v) {
		f, err := toFloat(v)
		return f, err == nil, err
	}
	s, isStr := v.(Str)
	if !isStr {
		return 0, false, nil
	}
	t := strings.TrimFunc(s.s, isSpace)
	if strings.ContainsAny(t, "xXpP") || digits(t, func(c byte) bool { return c != '_' }) != len(t) {
		return 0, false, nil
	}
	f, err = strconv.ParseFloat(strings.ReplaceAll(t, "_", ""), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false, nil
	}
	return f, true, nil
}

func filterInt(a []Value) (Value, error) {
	def := a[1]
	if def == nil {
		def = int64(0)
	}
	if u, ok := a[0].(*undefined); ok {
		return nil, u.err()
	}
	if s, ok := a[0].(Str); ok {
		base, err := intArg(a[2], 10)
		if n, ok := parseInt(s.s, base); ok && err == nil {
			return n, nil
		}
	}
	if isInt(a[0]) {
		return normInt(toBig(a[0])), nil
	}
	f, ok, err := asFloat(a[0])
	if err != nil {
		return nil, err
	}
	if !ok {
		return def, nil
	}
	n, err := floatToInt(f)
	if err != nil {
		if _, isStr := a[0].(Str); !isStr && math.IsInf(f, 0) {
			return nil, err
		}
		return def, nil
	}
	return n, nil
}

// parseInt is Python's int(s, base).
func parseInt(s string, base int64) (Value, bool) {
	t := strings.ToLower(strings.TrimFunc(s, isSpace))
	neg := strings.HasPrefix(t, "-")
	if neg || strings.HasPrefix(t, "+") {
		t = t[1:]
	}
	for prefix, b := range map[string]int64{"0x": 16, "0o": 8, "0b": 2} {
		if strings.HasPrefix(t, prefix) && (base == b || base == 0) {
			t, base = strings.TrimPrefix(t[2:], "_"), b
		}
	}
	if base == 0 {
		if base = 10; len(t) > 1 && t[0] == '0' && strings.Trim(t, "0_") != "" {
			return nil, false
		}
	}
	if base < 2 || base > 36 || t == "" || len(t) > maxIntDigits || digits(t, func(c byte) bool { return c != '_' }) != len(t) {
		return nil, false
	}
	n, ok := new(big.Int).SetString(strings.ReplaceAll(t, "_", ""), int(base))
	if !ok || t[0] == '-' || t[0] == '+' {
		return nil, false
	}
	if neg {
		n.Neg(n)
	}
	return normInt(n), true
}

func (in *interp) filterRound(a []Value) (Value, error) {
	places, err := intArg(a[1], 0)
	if err != nil {
		return nil, err
	}
	how, err := strArg(a[2], "common")
	if err != nil {
		return nil, err
	}
	if how.s != "common" && how.s != "ceil" && how.s != "floor" {
		return nil, errorf(KindRuntime, "method must be common, ceil or floor")
	}
	if !isNumber(a[0]) {
		return nil, typeErrorf("type %s doesn't define __round__ method", typeName(a[0]))
	}
	f, isFloat := a[0].(float64)
	if how.s == "common" {
		switch {
		case !isFloat:
			return roundInt(a[0], places), nil
		case a[1] == None: // round(x, None) gives an integer
			return floatToInt(math.RoundToEven(f))
		}
		return roundFloat(f, places), nil
	}
	unit, err := in.binary("**", int64(10), places)
	if err != nil {
		return nil, err
	}
	v, err := in.binary("*", a[0], unit)
	if err != nil {
		return nil, err
	}
	if f, ok := v.(float64); ok {
		if how.s == "ceil" {
			f = math.Ceil(f)
		} else {
			f = math.Floor(f)
		}
		if v, err = floatToInt(f); err != nil {
			return nil, err
		}
	}
	return in.binary("/", v, unit)
}

func fileSize(f float64, binary bool) string {
	base, units := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if binary {
		base, units = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	switch {
	case f == 1:
		return "1 Byte"
	case f < base:
		return strconv.FormatInt(int64(f), 10) + " Bytes"
	}
	unit := base
	for i, u := range units {
		unit *= base
		if f < unit || i == len(units)-1 {
			return strconv.FormatFloat(base*f/unit, 'f', 1, 64) + " " + u
		}
	}
	return ""
}
