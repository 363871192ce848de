package jinja

import (
	"strings"
	"unicode/utf8"
)

// maxWidth bounds the width that text is padded to.
const maxWidth = 1 << 20

// pad puts left and right copies of fill around s.
func (in *interp) pad(s Str, left, right int64, fill Str) (Str, error) {
	left, right = max(left, 0), max(right, 0)
	if left > maxWidth || right > maxWidth {
		return Str{}, errorf(KindLimit, "padding to more than %d characters", maxWidth)
	}
	if err := in.text((left+right)*int64(len(fill.s)) + int64(len(s.s))); err != nil {
		return Str{}, err
	}
	var b strBuilder
	for range left {
		b.add(fill)
	}
	b.add(s)
	for range right {
		b.add(fill)
	}
	r := b.str()
	r.safe = s.safe
	return r, nil
}

// center divides the padding as Python does: an odd one goes left if the width
// is odd.
func (in *interp) center(s Str, width int64, fill Str) (Str, error) {
	n := width - int64(s.runeLen())
	if n <= 0 {
		return s, nil
	}
	left := n/2 + n&width&1
	return in.pad(s, left, n-left, fill)
}

func padMethods() []*builtin {
	one := func(name string, f func(in *interp, s Str, n, width int64, fill Str) (Str, error)) *builtin {
		return fn(name, "self width fillchar?", func(in *interp, a []Value) (Value, error) {
			s := a[0].(Str)
			width, err := number(a[1])
			if err != nil {
				return nil, err
			}
			fill, err := strArg(a[2], " ")
			if err != nil {
				return nil, err
			}
			if utf8.RuneCountInString(fill.s) != 1 {
				return nil, typeErrorf("the fill character must be exactly one character long")
			}
			return f(in, s, width-int64(s.runeLen()), width, fill)
		})
	}
	return []*builtin{
		one("ljust", func(in *interp, s Str, n, _ int64, fill Str) (Str, error) { return in.pad(s, 0, n, fill) }),
		one("rjust", func(in *interp, s Str, n, _ int64, fill Str) (Str, error) { return in.pad(s, n, 0, fill) }),
		one("center", func(in *interp, s Str, _, width int64, fill Str) (Str, error) { return in.center(s, width, fill) }),
		fn("zfill", "self width", func(in *interp, a []Value) (Value, error) {
			s := a[0].(Str)
			width, err := number(a[1])
			if err != nil {
				return nil, err
			}
			sign := 0
			if s.s != "" && (s.s[0] == '-' || s.s[0] == '+') {
				sign = 1
			}
			rest, err := in.pad(s.slice(sign, len(s.s)), width-int64(s.runeLen()), 0, Text("0"))
			return concat(s.slice(0, sign), rest), err
		}),
		fn("expandtabs", "self tabsize?", func(in *interp, a []Value) (Value, error) {
			if a[1] == nil {
				a[1] = int64(8)
			}
			size, err := number(a[1])
			if err != nil {
				return nil, err
			}
			return in.expandTabs(a[0].(Str), size)
		}),
	}
}

func (in *interp) expandTabs(s Str, size int64) (Value, error) {
	if size > maxWidth {
		return nil, errorf(KindLimit, "tabs of more than %d columns", maxWidth)
	}
	if err := in.text(int64(len(s.s)) + int64(strings.Count(s.s, "\t"))*max(size, 0)); err != nil {
		return nil, err
	}
	col := int64(0)
	return byRune(s, func(_ int, c string) string {
		switch c {
		case "\t":
			if size <= 0 {
				return ""
			}
			n := size - col%size
			col += n
			return strings.Repeat(" ", int(n))
		case "\n", "\r":
			col = 0
		default:
			col++
		}
		return c
	}), nil
}

// replace is str.replace; count < 0 replaces all.
func (in *interp) replace(s, old, repl Str, count int64) (Str, error) {
	n := int64(strings.Count(s.s, old.s))
	if count >= 0 {
		n = min(n, count)
	}
	if err := in.text(int64(len(s.s)) + n*int64(len(repl.s))); err != nil {
		return Str{}, err
	}
	var b strBuilder
	pos := 0
	for i := range n {
		at := pos
		if old.s == "" {
			if i > 0 { // before each character, and after the last
				_, w := utf8.DecodeRuneInString(s.s[pos:])
				at = pos + w
			}
		} else {
			at = pos + strings.Index(s.s[pos:], old.s)
		}
		b.add(s.slice(pos, at))
		b.add(repl)
		pos = at + len(old.s)
	}
	b.add(s.slice(pos, len(s.s)))
	r := b.str()
	r.safe = s.safe
	return r, nil
}

func restMethods() []*builtin {
	return []*builtin{
		fn("replace", "self old new count?", func(in *interp, a []Value) (Value, error) {
			s := a[0].(Str)
			old, err := strArg(a[1], "")
			if err != nil {
				return nil, typeErrorf("replace() argument 1 must be str, not %s", typeName(a[1]))
			}
			repl, err := strArg(a[2], "")
			if err != nil {
				return nil, typeErrorf("replace() argument 2 must be str, not %s", typeName(a[2]))
			}
			count, err := intArg(a[3], -1)
			if err != nil {
				return nil, err
			}
			if s.safe {
				old, repl = escape(old), escape(repl)
			}
			return in.replace(s, old, repl, count)
		}),
		fn("join", "self iterable", func(in *interp, a []Value) (Value, error) {
			sep := a[0].(Str)
			items, err := in.list(a[1])
			if err != nil {
				return nil, err
			}
			parts := make([]Str, len(items))
			for i, v := range items {
				s, ok := v.(Str)
				if !ok {
					return nil, typeErrorf("sequence item %d: expected str instance, %s found", i, typeName(v))
				}
				if sep.safe {
					s = escape(s)
				}
				parts[i] = s
			}
			return in.join(sep, parts)
		}),
		rawFn("format", func(in *interp, a args) (Value, error) {
			return in.format(a.pos[0].(Str), a.pos[1:], a.names, a.named)
		}),
		fn("format_map", "self mapping", func(in *interp, a []Value) (Value, error) {
			var m args
			if err := m.addAll(a[1]); err != nil {
				return nil, err
			}
			return in.format(a[0].(Str), nil, m.names, m.named)
		}),
		fn("encode", "self encoding? errors?", func(in *interp, a []Value) (Value, error) {
			s := a[0].(Str)
			return bytesValue(s.s), in.text(int64(len(s.s)))
		}),
		fn("maketrans", "self map", func(_ *interp, a []Value) (Value, error) { return a[1], nil }),
		fn("translate", "self table", func(in *interp, a []Value) (Value, error) {
			return in.translate(a[0].(Str), a[1])
		}),
	}
}

// join puts sep between parts, within the limits.
func (in *interp) join(sep Str, parts []Str) (Value, error) {
	n := int64(len(sep.s)) * int64(len(parts))
	for _, p := range parts {
		n += int64(len(p.s))
	}
	if err := in.text(n); err != nil {
		return nil, err
	}
	return join(sep, parts), nil
}

// translate is str.translate with a dict of code points or characters.
func (in *interp) translate(s Str, table Value) (Value, error) {
	d, ok := table.(*Dict)
	if !ok {
		return nil, typeErrorf("'%s' object is not subscriptable", typeName(table))
	}
	var b strBuilder
	for _, c := range s.chars() {
		r, _ := utf8.DecodeRuneInString(c.s)
		i, ok := d.at[int64(r)]
		if !ok {
			i, ok = d.at[c.s]
		}
		if !ok {
			b.add(c)
			continue
		}
		switch v := d.vals[i].(type) {
		case Str:
			b.add(v)
		case int64:
			b.write(string(rune(v)), len(c.user) > 0)
		case noneType:
		default:
			return nil, typeErrorf("character mapping must return integer, None or str")
		}
		if err := in.grew(&b); err != nil {
			return nil, err
		}
	}
	return b.str(), in.text(int64(b.len()))
}
