package jinja

import (
	"strings"
	"unicode/utf8"
)

func splitMethods() []*builtin {
	one := func(name string, fromRight bool) *builtin {
		return fn(name, "self sep? maxsplit?", func(in *interp, a []Value) (Value, error) {
			s := a[0].(Str)
			limit, err := intArg(a[2], -1)
			if err != nil {
				return nil, err
			}
			parts, err := split(s, a[1], limit, fromRight)
			if err != nil {
				return nil, err
			}
			if err := in.text(int64(len(s.s))); err != nil {
				return nil, err
			}
			return strList(parts), in.items(int64(len(parts)))
		})
	}
	return []*builtin{
		one("split", false), one("rsplit", true),
		fn("splitlines", "self keepends?", func(in *interp, a []Value) (Value, error) {
			keep, err := flag(a[1])
			if err != nil {
				return nil, err
			}
			lines := splitLines(a[0].(Str), keep)
			return strList(lines), in.items(int64(len(lines)))
		}),
		partition("partition", false), partition("rpartition", true),
	}
}

func strList(parts []Str) *List {
	l := &List{make([]Value, len(parts))}
	for i, p := range parts {
		l.v[i] = p
	}
	return l
}

// split is str.split and str.rsplit.
func split(s Str, sep Value, limit int64, fromRight bool) ([]Str, error) {
	if sep == nil || sep == None {
		return splitSpace(s, limit, fromRight), nil
	}
	x, err := strArg(sep, "")
	if err != nil {
		return nil, err
	}
	if x.s == "" {
		return nil, valueErrorf("empty separator")
	}
	var out []Str
	if !fromRight {
		lo := 0
		for limit < 0 || int64(len(out)) < limit {
			i := strings.Index(s.s[lo:], x.s)
			if i < 0 {
				break
			}
			out = append(out, s.slice(lo, lo+i))
			lo += i + len(x.s)
		}
		return append(out, s.slice(lo, len(s.s))), nil
	}
	hi := len(s.s)
	for limit < 0 || int64(len(out)) < limit {
		i := strings.LastIndex(s.s[:hi], x.s)
		if i < 0 {
			break
		}
		out = append(out, s.slice(i+len(x.s), hi))
		hi = i
	}
	return backwards(append(out, s.slice(0, hi))), nil
}

// splitSpace splits at runs of white space.
func splitSpace(s Str, limit int64, fromRight bool) []Str {
	var out []Str
	lo, hi := 0, len(s.s)
	for {
		if fromRight {
			hi = lo + len(strings.TrimRightFunc(s.s[lo:hi], isSpace))
		} else {
			lo = hi - len(strings.TrimLeftFunc(s.s[lo:hi], isSpace))
		}
		switch {
		case lo == hi:
		case limit >= 0 && int64(len(out)) >= limit:
			// The rest stays as it is, but for white space at its far end.
			if fromRight {
				out = append(out, s.slice(0, hi))
			} else {
				out = append(out, s.slice(lo, hi))
			}
		case fromRight:
			i := strings.LastIndexFunc(s.s[lo:hi], isSpace)
			start := 0
			if i >= 0 {
				_, n := utf8.DecodeRuneInString(s.s[i:])
				start = i + n
			}
			out = append(out, s.slice(start, hi))
			hi = start
			continue
		default:
			i := strings.IndexFunc(s.s[lo:hi], isSpace)
			if i < 0 {
				i = hi - lo
			}
			out = append(out, s.slice(lo, lo+i))
			lo += i
			continue
		}
		if fromRight {
			out = backwards(out)
		}
		return out
	}
}

func backwards[T any](v []T) []T {
	for i, j := 0, len(v)-1; i < j; i, j = i+1, j-1 {
		v[i], v[j] = v[j], v[i]
	}
	return v
}

// lineEnd returns the length of a line end at the start of s.
func lineEnd(s string) int {
	if strings.HasPrefix(s, "\r\n") {
		return 2
	}
	r, n := utf8.DecodeRuneInString(s)
	switch r {
	case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return n
	}
	return 0
}

// splitLines is str.splitlines.
func splitLines(s Str, keep bool) []Str {
	var out []Str
	lo := 0
	for i := 0; i < len(s.s); {
		n := lineEnd(s.s[i:])
		if n == 0 {
			_, w := utf8.DecodeRuneInString(s.s[i:])
			i += w
			continue
		}
		hi := i
		if keep {
			hi += n
		}
		out = append(out, s.slice(lo, hi))
		i += n
		lo = i
	}
	if lo < len(s.s) {
		out = append(out, s.slice(lo, len(s.s)))
	}
	return out
}

func partition(name string, last bool) *builtin {
	return fn(name, "self sep", func(_ *interp, a []Value) (Value, error) {
		s := a[0].(Str)
		x, err := strArg(a[1], "")
		if err != nil {
			return nil, err
		}
		if x.s == "" {
			return nil, valueErrorf("empty separator")
		}
		i := strings.Index(s.s, x.s)
		if last {
			i = strings.LastIndex(s.s, x.s)
		}
		switch {
		case i >= 0:
			return &Tuple{v: []Value{s.slice(0, i), x, s.slice(i+len(x.s), len(s.s))}}, nil
		case last:
			return &Tuple{v: []Value{Str{}, Str{}, s}}, nil
		}
		return &Tuple{v: []Value{s, Str{}, Str{}}}, nil
	})
}
