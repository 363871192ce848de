package jinja

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// maxDepth bounds how deep values may nest where they are walked.
const maxDepth = 500

// str is Python's str(v), with the marks of the strings within.
func (in *interp) str(v Value) (Str, error) {
	switch v := v.(type) {
	case Str:
		return v, nil
	case *undefined:
		return Str{}, nil
	}
	var b strBuilder
	err := in.repr(&b, v, 0)
	return b.str(), err
}

// repr writes Python's repr(v).
func (in *interp) repr(b *strBuilder, v Value, depth int) error {
	if depth > maxDepth {
		return errorf(KindLimit, "a value nested deeper than %d", maxDepth)
	}
	if err := in.grew(b); err != nil {
		return err
	}
	switch v := v.(type) {
	case noneType:
		b.write("None", false)
	case bool:
		b.write(map[bool]string{true: "True", false: "False"}[v], false)
	case int64:
		b.write(strconv.FormatInt(v, 10), false)
	case *big.Int:
		s := v.String()
		if len(s) > maxIntDigits {
			return valueErrorf("exceeds the limit (%d digits) for integer string conversion", maxIntDigits)
		}
		b.write(s, false)
	case float64:
		b.write(floatRepr(v), false)
	case Str:
		if v.safe {
			b.write("Markup(", false)
		}
		reprStr(b, v)
		if v.safe {
			b.write(")", false)
		}
	case *List:
		return in.reprSeq(b, "[", v.v, "]", depth)
	case *Tuple:
		if len(v.v) == 1 {
			return in.reprSeq(b, "(", v.v, ",)", depth)
		}
		return in.reprSeq(b, "(", v.v, ")", depth)
	case *Dict:
		return in.reprDict(b, v, depth)
	case *view:
		return in.reprView(b, v, depth)
	case *namespace:
		b.write("<Namespace ", false)
		if err := in.reprDict(b, v.d, depth); err != nil {
			return err
		}
		b.write(">", false)
	default:
		b.write(reprObject(v), false)
	}
	return nil
}

// reprObject writes values that have no literal form.
func reprObject(v Value) string {
	switch v := v.(type) {
	case *undefined:
		return "Undefined"
	case *rangeValue:
		if v.step == 1 {
			return fmt.Sprintf("range(%d, %d)", v.start, v.stop)
		}
		return fmt.Sprintf("range(%d, %d, %d)", v.start, v.stop, v.step)
	case bytesValue:
		return reprBytes(string(v))
	case *macro:
		return "<Macro " + quoteRepr(v.def.name) + ">"
	case *loopContext:
		return fmt.Sprintf("<LoopContext %d/%d>", v.i+1, max(v.total, v.i+1))
	}
	return "<" + typeName(v) + " object>"
}

func (in *interp) reprSeq(b *strBuilder, open string, items []Value, end string, depth int) error {
	b.write(open, false)
	for i, x := range items {
		if i > 0 {
			b.write(", ", false)
		}
		if err := in.repr(b, x, depth+1); err != nil {
			return err
		}
	}
	b.write(end, false)
	return nil
}

func (in *interp) reprDict(b *strBuilder, d *Dict, depth int) error {
	b.write("{", false)
	for i, k := range d.keys {
		if i > 0 {
			b.write(", ", false)
		}
		if err := in.repr(b, k, depth+1); err != nil {
			return err
		}
		b.write(": ", false)
		if err := in.repr(b, d.vals[i], depth+1); err != nil {
			return err
		}
	}
	b.write("}", false)
	return nil
}

func (in *interp) reprView(b *strBuilder, v *view, depth int) error {
	items := make([]Value, v.d.Len())
	for i := range items {
		items[i] = v.at(i)
	}
	b.write("dict_"+v.what+"(", false)
	err := in.reprSeq(b, "[", items, "])", depth)
	return err
}

// reprStr writes a string literal: single quotes unless only double ones are
// free, escapes for what cannot be printed.
func reprStr(b *strBuilder, s Str) {
	quote := byte('\'')
	if strings.Contains(s.s, "'") && !strings.Contains(s.s, `"`) {
		quote = '"'
	}
	b.write(string(quote), false)
	s.pieces(func(t string, user bool) { b.write(reprBody(t, quote), user) })
	b.write(string(quote), false)
}

func reprBody(s string, quote byte) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case isPrintable(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// isPrintable is Python's str.isprintable for one code point.
func isPrintable(r rune) bool {
	if r == ' ' {
		return true
	}
	return unicode.IsGraphic(r) && !unicode.Is(unicode.Z, r)
}

func reprBytes(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteString("b" + string(quote))
	for i := range len(s) {
		switch c := s[i]; {
		case c == quote || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(quote)
	return b.String()
}

// quoteRepr is repr of a plain string, for messages.
func quoteRepr(s string) string {
	var b strBuilder
	reprStr(&b, Text(s))
	return b.str().s
}

// reprText is repr for messages, cut to a bounded length.
func reprText(v Value) string {
	in := &interp{limits: limits{steps: 1000, bytes: 10000}}
	var b strBuilder
	if err := in.repr(&b, v, 0); err != nil {
		return "..."
	}
	return b.str().s
}
