package jinja

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// format is str.format: replacement fields in braces with a place, attributes
// and items, a conversion and a format spec.
func (in *interp) format(s Str, pos []Value, names []string, named []Value) (Value, error) {
	f := &formatter{in: in, pos: pos, names: names, named: named}
	var b strBuilder
	if err := f.write(&b, s, 0); err != nil {
		return nil, err
	}
	r := b.str()
	r.safe = s.safe
	return r, in.text(int64(len(r.s)))
}

type formatter struct {
	in     *interp
	pos    []Value
	names  []string
	named  []Value
	auto   int
	manual bool
}

func (f *formatter) write(b *strBuilder, s Str, depth int) error {
	if depth > 2 {
		return valueErrorf("max string recursion exceeded")
	}
	t := s.s
	for i := 0; i < len(t); {
		j := strings.IndexAny(t[i:], "{}")
		if j < 0 {
			b.add(s.slice(i, len(t)))
			break
		}
		b.add(s.slice(i, i+j))
		i += j
		if i+1 < len(t) && t[i+1] == t[i] {
			b.add(s.slice(i, i+1))
			i += 2
			continue
		}
		if t[i] == '}' {
			return valueErrorf("single '}' encountered in format string")
		}
		end := closingBrace(t[i+1:])
		if end < 0 {
			return valueErrorf("single '{' encountered in format string")
		}
		out, err := f.field(t[i+1:i+1+end], s.safe, depth)
		if err != nil {
			return err
		}
		b.add(out)
		if err := f.in.grew(b); err != nil {
			return err
		}
		i += end + 2
	}
	return nil
}

// closingBrace finds the end of a field, which may hold fields of its own.
func closingBrace(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return i
			}
			depth--
		}
	}
	return -1
}

func (f *formatter) field(t string, safe bool, depth int) (Str, error) {
	name, spec := t, ""
	conv := byte(0)
	if i := fieldEnd(t); i >= 0 {
		name = t[:i]
		rest := t[i:]
		if rest[0] == '!' {
			if len(rest) < 2 || len(rest) > 2 && rest[2] != ':' {
				return Str{}, valueErrorf("expected ':' after conversion specifier")
			}
			conv, rest = rest[1], rest[2:]
		}
		spec = strings.TrimPrefix(rest, ":")
	}
	v, err := f.lookup(name)
	if err != nil {
		return Str{}, err
	}
	switch conv {
	case 0:
	case 's':
		v, err = f.in.str(v)
	case 'r', 'a':
		var b strBuilder
		err = f.in.repr(&b, v, 0)
		v = b.str()
	default:
		return Str{}, valueErrorf("unknown conversion specifier '%c'", conv)
	}
	if err != nil {
		return Str{}, err
	}
	var sb strBuilder
	if err := f.write(&sb, Text(spec), depth+1); err != nil {
		return Str{}, err
	}
	out, err := f.in.formatValue(v, sb.str().s)
	if safe && err == nil {
		out = escape(out)
	}
	return out, err
}

// fieldEnd finds the ! or : that ends a field's name, outside of brackets.
func fieldEnd(t string) int {
	for i := 0; i < len(t); i++ {
		switch t[i] {
		case '!', ':':
			return i
		case '[':
			if j := strings.IndexByte(t[i:], ']'); j > 0 {
				i += j
			}
		}
	}
	return -1
}

func (f *formatter) lookup(name string) (Value, error) {
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	v, err := f.first(name[:end])
	for rest := name[end:]; rest != "" && err == nil; {
		if rest[0] == '.' {
			n := strings.IndexAny(rest[1:], ".[")
			if n < 0 {
				n = len(rest) - 1
			}
			v, err = f.in.getAttr(v, rest[1:1+n])
			rest = rest[1+n:]
		} else {
			n := strings.IndexByte(rest, ']')
			if n < 0 || rest[0] != '[' {
				return nil, valueErrorf("missing ']' in format string")
			}
			var key Value = Text(rest[1:n])
			if i, err := strconv.ParseInt(rest[1:n], 10, 64); err == nil {
				key = i
			}
			v, err = f.in.getItem(v, key)
			rest = rest[n+1:]
		}
	}
	return v, err
}

func (f *formatter) first(name string) (Value, error) {
	if name == "" {
		if f.manual {
			return nil, valueErrorf("cannot switch from manual field specification to automatic field numbering")
		}
		f.auto++
		return f.at(f.auto - 1)
	}
	if i, err := strconv.Atoi(name); err == nil && isDecimal(name[0]) {
		if f.auto > 0 {
			return nil, valueErrorf("cannot switch from automatic field numbering to manual field specification")
		}
		f.manual = true
		return f.at(i)
	}
	if i := indexOf(f.names, name); i >= 0 {
		return f.named[i], nil
	}
	return nil, valueErrorf("no argument named %s for the format string", quoteRepr(name))
}

func (f *formatter) at(i int) (Value, error) {
	if i >= len(f.pos) {
		return nil, valueErrorf("replacement index %d out of range for positional args tuple", i)
	}
	return f.pos[i], nil
}

// spec is a parsed format spec: [[fill]align][sign][#][0][width][,_][.prec][type].
type formatSpec struct {
	fill      string
	align     byte
	sign      byte
	alt, zero bool
	noNegZero bool
	width     int64
	group     string
	prec      int // -1 if absent
	kind      byte
}

func parseSpec(s string) (formatSpec, error) {
	p := formatSpec{fill: " ", prec: -1}
	if s == "" {
		return p, nil
	}
	if _, n := utf8.DecodeRuneInString(s); len(s) > n && strings.IndexByte("<>=^", s[n]) >= 0 {
		p.fill, p.align, s = s[:n], s[n], s[n+1:]
	} else if strings.IndexByte("<>=^", s[0]) >= 0 {
		p.align, s = s[0], s[1:]
	}
	take := func(set string) byte {
		if s != "" && strings.IndexByte(set, s[0]) >= 0 {
			c := s[0]
			s = s[1:]
			return c
		}
		return 0
	}
	p.sign = take("+- ")
	p.noNegZero = take("z") != 0
	p.alt = take("#") != 0
	if p.zero = take("0") != 0; p.zero && p.align == 0 {
		p.fill, p.align = "0", '='
	}
	n := digits(s, isDecimal)
	if n > 0 {
		w, err := strconv.ParseInt(s[:n], 10, 64)
		if err != nil || w > maxWidth {
			return p, errorf(KindLimit, "a format width of more than %d", maxWidth)
		}
		p.width, s = w, s[n:]
	}
	if g := take(",_"); g != 0 {
		p.group = string(g)
	}
	if take(".") != 0 {
		n := digits(s, isDecimal)
		w, err := strconv.Atoi(s[:n])
		if err != nil {
			return p, valueErrorf("format specifier missing precision")
		}
		if w > 1000 {
			return p, errorf(KindLimit, "a format precision of more than 1000")
		}
		p.prec, s = w, s[n:]
	}
	if s != "" {
		p.kind, s = s[0], s[1:]
	}
	if s != "" {
		return p, valueErrorf("invalid format specifier")
	}
	return p, nil
}

// formatValue is Python's format(v, spec).
func (in *interp) formatValue(v Value, spec string) (Str, error) {
	if spec == "" {
		return in.str(v)
	}
	p, err := parseSpec(spec)
	if err != nil {
		return Str{}, err
	}
	if isNumber(v) {
		text, err := formatNumber(v, p)
		if err != nil {
			return Str{}, err
		}
		return in.alignText(Text(text), p, '>')
	}
	s, ok := v.(Str)
	switch {
	case !ok:
		return Str{}, typeErrorf("unsupported format string passed to %s.__format__", typeName(v))
	case p.kind != 0 && p.kind != 's':
		return Str{}, valueErrorf("unknown format code '%c' for object of type 'str'", p.kind)
	case p.align == '=' && !p.zero:
		return Str{}, valueErrorf("'=' alignment not allowed in string format specifier")
	case p.group != "":
		return Str{}, valueErrorf("cannot specify '%s' with 's'", p.group)
	case p.sign != 0 || p.noNegZero:
		return Str{}, valueErrorf("sign not allowed in string format specifier")
	}
	if p.prec >= 0 {
		s = s.slice(0, s.offset(p.prec))
	}
	if p.align == '=' {
		p.align = '<'
	}
	return in.alignText(s, p, '<')
}

func (in *interp) alignText(s Str, p formatSpec, def byte) (Str, error) {
	if p.align == 0 {
		p.align = def
	}
	n := p.width - int64(s.runeLen())
	fill := Text(p.fill)
	switch p.align {
	case '<':
		return in.pad(s, 0, n, fill)
	case '^':
		return in.pad(s, n/2, n-n/2, fill)
	case '=':
		sign := 0
		if s.s != "" && strings.IndexByte("+- ", s.s[0]) >= 0 {
			sign = 1
		}
		if strings.HasPrefix(s.s[sign:], "0x") || strings.HasPrefix(s.s[sign:], "0b") || strings.HasPrefix(s.s[sign:], "0o") || strings.HasPrefix(s.s[sign:], "0X") {
			sign += 2
		}
		rest, err := in.pad(s.slice(sign, len(s.s)), n, 0, fill)
		return concat(s.slice(0, sign), rest), err
	}
	return in.pad(s, n, 0, fill)
}
