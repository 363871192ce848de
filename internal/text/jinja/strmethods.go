package jinja

import (
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

func hexText(s string) string { return hex.EncodeToString([]byte(s)) }

// strMethods are the methods of str. Each checks its receiver's type by the
// table it is found in.
func strMethods() map[string]*builtin {
	m := map[string]*builtin{}
	add := func(list ...*builtin) {
		for _, b := range list {
			m[b.name] = b
		}
	}
	// simple are methods of the text alone.
	simple := func(name string, f func(Str) Value) *builtin {
		return fn(name, "self", func(in *interp, a []Value) (Value, error) {
			s := a[0].(Str)
			return f(s), in.text(int64(len(s.s)))
		})
	}
	add(
		simple("upper", func(s Str) Value { return s.mapText(upperText) }),
		simple("lower", func(s Str) Value { return lowerStr(s) }),
		simple("casefold", func(s Str) Value { return s.mapText(foldText) }),
		simple("title", func(s Str) Value { return titleStr(s) }),
		simple("capitalize", func(s Str) Value { return capitalize(s) }),
		simple("swapcase", func(s Str) Value { return s.mapText(swapCase) }),
		simple("isalpha", every(unicode.IsLetter)),
		simple("isalnum", every(func(r rune) bool { return unicode.IsLetter(r) || isNumeric(r) })),
		simple("isdigit", every(isDigit)),
		simple("isdecimal", every(unicode.IsDigit)),
		simple("isnumeric", every(isNumeric)),
		simple("isspace", every(isSpace)),
		simple("isascii", func(s Str) Value { return strings.IndexFunc(s.s, func(r rune) bool { return r > 127 }) < 0 }),
		simple("isprintable", func(s Str) Value {
			return strings.IndexFunc(s.s, func(r rune) bool { return !isPrintable(r) }) < 0
		}),
		simple("isidentifier", func(s Str) Value { return isIdentifier(s.s) }),
		simple("islower", func(s Str) Value {
			return isCased(s.s, unicode.IsLower, func(r rune) bool { return unicode.IsUpper(r) || unicode.IsTitle(r) })
		}),
		simple("isupper", func(s Str) Value {
			return isCased(s.s, unicode.IsUpper, func(r rune) bool { return unicode.IsLower(r) || unicode.IsTitle(r) })
		}),
		simple("istitle", func(s Str) Value { return isTitled(s.s) }),
	)
	add(stripMethods()...)
	add(splitMethods()...)
	add(findMethods()...)
	add(padMethods()...)
	add(restMethods()...)
	return m
}

// every tests all code points of a text that is not empty.
func every(ok func(rune) bool) func(Str) Value {
	return func(s Str) Value {
		return s.s != "" && strings.IndexFunc(s.s, func(r rune) bool { return !ok(r) }) < 0
	}
}

func isDigit(r rune) bool {
	return unicode.IsDigit(r) || strings.ContainsRune("²³¹⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", r) || r >= 0x2460 && r <= 0x2468
}

// isNumeric includes the CJK characters that are numbers.
func isNumeric(r rune) bool {
	return unicode.IsNumber(r) || strings.ContainsRune("一二三四五六七八九十百千万億兆零〇壹贰叁肆伍陆柒捌玖拾", r)
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if i == 0 && !isNameStart(r) || !isNamePart(r) {
			return false
		}
	}
	return s != ""
}

// isCased reports whether there is a letter that is so, and none that is not.
func isCased(s string, is, not func(rune) bool) bool {
	found := false
	for _, r := range s {
		if not(r) {
			return false
		}
		found = found || is(r)
	}
	return found
}

func isTitled(s string) bool {
	found, inWord := false, false
	for _, r := range s {
		switch {
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			if inWord {
				return false
			}
			found, inWord = true, true
		case unicode.IsLower(r):
			if !inWord {
				return false
			}
			found = true
		default:
			inWord = false
		}
	}
	return found
}

// strip removes white space, or the characters of chars, from both sides.
func strip(s Str, chars Value, left, right bool) (Str, error) {
	out := isSpace
	if chars != nil && chars != None {
		c, ok := chars.(Str)
		if !ok {
			return Str{}, typeErrorf("strip arg must be None or str, not %s", typeName(chars))
		}
		out = func(r rune) bool { return strings.ContainsRune(c.s, r) }
	}
	lo, hi := 0, len(s.s)
	if left {
		lo = hi - len(strings.TrimLeftFunc(s.s, out))
	}
	if right {
		hi = max(lo, len(strings.TrimRightFunc(s.s, out)))
	}
	return s.slice(lo, hi), nil
}

func stripMethods() []*builtin {
	one := func(name string, left, right bool) *builtin {
		return fn(name, "self chars?", func(_ *interp, a []Value) (Value, error) {
			return strip(a[0].(Str), a[1], left, right)
		})
	}
	cut := func(name string, prefix bool) *builtin {
		return fn(name, "self affix", func(_ *interp, a []Value) (Value, error) {
			s := a[0].(Str)
			x, err := strArg(a[1], "")
			if err != nil {
				return nil, err
			}
			switch {
			case prefix && strings.HasPrefix(s.s, x.s):
				return s.slice(len(x.s), len(s.s)), nil
			case !prefix && strings.HasSuffix(s.s, x.s):
				return s.slice(0, len(s.s)-len(x.s)), nil
			}
			return s, nil
		})
	}
	return []*builtin{
		one("strip", true, true), one("lstrip", true, false), one("rstrip", false, true),
		cut("removeprefix", true), cut("removesuffix", false),
	}
}

// findMethods search for a text within start and stop.
func findMethods() []*builtin {
	search := func(name string, last, must bool) *builtin {
		return fn(name, "self sub start? stop?", func(_ *interp, a []Value) (Value, error) {
			part, lo, ok, err := part(a)
			if err != nil {
				return nil, err
			}
			sub := a[1].(Str).s
			at := -1
			if ok && last {
				at = strings.LastIndex(part, sub)
			} else if ok {
				at = strings.Index(part, sub)
			}
			switch {
			case at >= 0:
				return lo + int64(utf8.RuneCountInString(part[:at])), nil
			case must:
				return nil, valueErrorf("substring not found")
			}
			return int64(-1), nil
		})
	}
	return []*builtin{
		search("find", false, false), search("rfind", true, false), search("index", false, true), search("rindex", true, true),
		fn("count", "self sub start? stop?", func(_ *interp, a []Value) (Value, error) {
			part, _, ok, err := part(a)
			if err != nil || !ok {
				return int64(0), err
			}
			return int64(strings.Count(part, a[1].(Str).s)), nil
		}),
		affix("startswith", strings.HasPrefix),
		affix("endswith", strings.HasSuffix),
	}
}

// part returns the part of a string between the arguments start and stop, and
// its first place. ok is false if start lies behind stop.
func part(a []Value) (text string, lo int64, ok bool, err error) {
	if _, err = strArg(a[1], ""); err != nil {
		return "", 0, false, err
	}
	s := a[0].(Str)
	if a[2] == nil && a[3] == nil {
		return s.s, 0, true, nil
	}
	lo, hi, err := window(a[2], a[3], int64(s.runeLen()))
	if err != nil || lo > hi {
		return "", lo, false, err
	}
	return s.s[s.offset(int(lo)):s.offset(int(hi))], lo, true, nil
}

func affix(name string, has func(s, x string) bool) *builtin {
	return fn(name, "self affix start? stop?", func(_ *interp, a []Value) (Value, error) {
		options := []Value{a[1]}
		if t, ok := a[1].(*Tuple); ok {
			options = t.v
		}
		for _, o := range options {
			if _, ok := o.(Str); !ok {
				return nil, typeErrorf("%s first arg must be str or a tuple of str, not %s", name, typeName(o))
			}
		}
		for _, o := range options {
			text, _, ok, err := part([]Value{a[0], o, a[2], a[3]})
			if err != nil {
				return nil, err
			}
			if ok && has(text, o.(Str).s) {
				return true, nil
			}
		}
		return false, nil
	})
}
