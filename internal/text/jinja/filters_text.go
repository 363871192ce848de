package jinja

import (
	"strings"
	"unicode"
)

func textFilters() []*builtin {
	return []*builtin{
		softFn("upper", func(s Str) (Value, error) { return s.mapText(upperText), nil }),
		softFn("lower", func(s Str) (Value, error) { return lowerStr(s), nil }),
		softFn("capitalize", func(s Str) (Value, error) { return capitalize(s), nil }),
		softFn("title", func(s Str) (Value, error) { return titleWords(s), nil }),
		softFn("string", func(s Str) (Value, error) { return s, nil }),
		softFn("wordcount", func(s Str) (Value, error) {
			words := strings.FieldsFunc(s.s, func(r rune) bool { return !isWord(r) })
			return int64(len(words)), nil
		}),
		fn("trim", "value chars?", func(in *interp, a []Value) (Value, error) {
			s, err := in.soft(a[0])
			if err != nil {
				return nil, err
			}
			return strip(s, a[1], true, true)
		}),
		fn("replace", "s old new count?", func(in *interp, a []Value) (Value, error) {
			var t [3]Str
			for i := range t {
				var err error
				if t[i], err = in.soft(a[i]); err != nil {
					return nil, err
				}
			}
			count, err := intArg(a[3], -1)
			if err != nil {
				return nil, err
			}
			if in.escape && (t[0].safe || t[1].safe || t[2].safe) {
				t[0], t[1], t[2] = escape(t[0]), escape(t[1]), escape(t[2])
			} else {
				t[0].safe = false
			}
			return in.replace(t[0], t[1], t[2], count)
		}),
		rawFn("format", func(in *interp, a args) (Value, error) {
			if len(a.pos) > 1 && len(a.names) > 0 {
				return nil, errorf(KindRuntime, "can't handle positional and keyword arguments at the same time")
			}
			s, err := in.soft(a.pos[0])
			if err != nil {
				return nil, err
			}
			if len(a.names) > 0 {
				d := NewDict()
				for i, n := range a.names {
					d.Set(n, a.named[i])
				}
				return in.percent(s, d)
			}
			return in.percent(s, &Tuple{v: a.pos[1:]})
		}),
		fn("join", "value d? attribute?", func(in *interp, a []Value) (Value, error) { return in.filterJoin(a) }),
		fn("default", "value default_value? boolean?", func(_ *interp, a []Value) (Value, error) {
			_, missing := a[0].(*undefined)
			if !missing && (!boolArg(a[2], false) || truth(a[0])) {
				return a[0], nil
			}
			if a[1] == nil {
				return Str{}, nil
			}
			return a[1], nil
		}),
		softlyReversed(),
	}
}

// isWord is \w of a regular expression.
func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || isNumeric(r) }

func (in *interp) filterJoin(a []Value) (Value, error) {
	sep := Str{}
	if a[1] != nil {
		var err error
		if sep, err = in.soft(a[1]); err != nil {
			return nil, err
		}
	}
	items, err := in.list(a[0])
	if err != nil {
		return nil, err
	}
	parts := make([]Str, len(items))
	safe := sep.safe
	for i, v := range items {
		if a[2] != nil && a[2] != None {
			if v, err = in.path(v, a[2], nil); err != nil {
				return nil, err
			}
		}
		if parts[i], err = in.str(v); err != nil {
			return nil, err
		}
		safe = safe || parts[i].safe
	}
	if !in.escape || !safe {
		sep.safe = false
		return in.join(sep, parts)
	}
	for i := range parts {
		parts[i] = escape(parts[i])
	}
	return in.join(escape(sep), parts)
}

// softlyReversed is the filter reverse.
func softlyReversed() *builtin {
	return fn("reverse", "value", func(in *interp, a []Value) (Value, error) {
		if s, ok := a[0].(Str); ok {
			return in.slice(s, &sliceValue{None, None, int64(-1)})
		}
		items, err := in.list(a[0])
		if err != nil {
			if KindOf(err) == KindType {
				return nil, errorf(KindRuntime, "argument must be iterable")
			}
			return nil, err
		}
		n := int64(len(items))
		rev := slots(n, func(i int64) Value { return items[n-1-i] })
		switch a[0].(type) {
		case *generator:
			return &List{pick(items, n-1, n, -1)}, nil
		case *List:
			return &generator{rev, "list_reverseiterator"}, nil
		}
		return &generator{rev, "reversed"}, nil
	})
}

func layoutFilters() []*builtin {
	return []*builtin{
		fn("center", "value width?", func(in *interp, a []Value) (Value, error) {
			s, err := in.soft(a[0])
			if err != nil {
				return nil, err
			}
			width, err := intArg(a[1], 80)
			if err != nil {
				return nil, err
			}
			return in.center(s, width, Text(" "))
		}),
		fn("indent", "s width? first? blank?", func(in *interp, a []Value) (Value, error) { return in.indent(a) }),
		fn("truncate", "s length? killwords? end? leeway?", func(in *interp, a []Value) (Value, error) { return in.truncate(a) }),
		fn("wordwrap", "s width? break_long_words? wrapstring? break_on_hyphens?", func(in *interp, a []Value) (Value, error) { return in.wordwrap(a) }),
		fn("pprint", "value", func(in *interp, a []Value) (Value, error) {
			var b strBuilder
			err := in.pprint(&b, a[0], 0, 0, 0)
			return b.str(), err
		}),
	}
}

func (in *interp) indent(a []Value) (Value, error) {
	s, ok := a[0].(Str)
	if !ok {
		if u, ok := a[0].(*undefined); ok {
			return nil, u.err()
		}
		return nil, typeErrorf("unsupported operand type(s) for +=: '%s' and 'str'", typeName(a[0]))
	}
	by, isStr := a[1].(Str)
	if !isStr {
		n, err := intArg(a[1], 4)
		if err != nil {
			return nil, err
		}
		if by, err = in.pad(Str{}, n, 0, Text(" ")); err != nil {
			return nil, err
		}
	}
	if s.safe {
		by = escape(by)
	}
	first, blank := boolArg(a[2], false), boolArg(a[3], false)
	lines := splitLines(concat(s, Text("\n")), false)
	if err := in.text(int64(len(s.s)) + int64(len(lines))*int64(len(by.s)+1)); err != nil {
		return nil, err
	}
	var b strBuilder
	for i, l := range lines {
		if i > 0 {
			b.write("\n", false)
		}
		if i > 0 && (l.s != "" || blank) || i == 0 && first {
			b.add(by)
		}
		b.add(l)
	}
	r := b.str()
	r.safe = s.safe
	return r, nil
}

func (in *interp) truncate(a []Value) (Value, error) {
	size, err := intArg(a[1], 255)
	if err != nil {
		return nil, err
	}
	end, err := strArg(a[3], "...")
	if err != nil {
		return nil, err
	}
	leeway, err := intArg(a[4], 5)
	if err != nil {
		return nil, err
	}
	keep := size - int64(end.runeLen())
	if keep < 0 || leeway < 0 {
		return nil, errorf(KindRuntime, "expected length >= %d and leeway >= 0, got %d and %d", end.runeLen(), size, leeway)
	}
	n, ok := length(a[0])
	if !ok {
		return nil, typeErrorf("object of type '%s' has no len()", typeName(a[0]))
	}
	if n-leeway <= size {
		return a[0], nil
	}
	s, ok := a[0].(Str)
	if !ok {
		return nil, typeErrorf("a %s cannot be truncated", typeName(a[0]))
	}
	cut := s.slice(0, s.offset(int(keep)))
	if !boolArg(a[2], false) {
		if i := strings.LastIndexByte(cut.s, ' '); i >= 0 {
			cut = cut.slice(0, i)
		}
	}
	return concat(cut, end), nil
}
