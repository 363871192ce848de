package jinja

import (
	"math/big"
	"strconv"
	"strings"
)

// percent is s % arg: printf-style formatting.
func (in *interp) percent(s Str, arg Value) (Value, error) {
	p := &percentFormat{in: in, s: s}
	switch a := arg.(type) {
	case *Tuple:
		p.vals = a.v
	case *Dict:
		p.mapping, p.vals, p.lax = arg, []Value{arg}, true
	case *List, *undefined, *rangeValue:
		p.vals, p.lax = []Value{arg}, true
	default:
		p.vals = []Value{arg}
	}
	return p.run()
}

type percentFormat struct {
	in      *interp
	s       Str
	vals    []Value
	next    int
	mapping Value
	lax     bool // arguments left over are no error
}

func (p *percentFormat) run() (Value, error) {
	var b strBuilder
	t := p.s.s
	for i := 0; i < len(t); {
		j := strings.IndexByte(t[i:], '%')
		if j < 0 {
			b.add(p.s.slice(i, len(t)))
			break
		}
		b.add(p.s.slice(i, i+j))
		i += j + 1
		out, n, err := p.directive(t[i:])
		if err != nil {
			return nil, err
		}
		if p.s.safe {
			out = escape(out)
		}
		b.add(out)
		if err := p.in.grew(&b); err != nil {
			return nil, err
		}
		i += n
	}
	if p.next < len(p.vals) && !p.lax {
		return nil, typeErrorf("not all arguments converted during string formatting")
	}
	r := b.str()
	r.safe = p.s.safe
	return r, p.in.text(int64(len(r.s)))
}

func (p *percentFormat) arg() (Value, error) {
	if p.next >= len(p.vals) {
		return nil, typeErrorf("not enough arguments for format string")
	}
	p.next++
	return p.vals[p.next-1], nil
}

// directive formats what follows a percent sign and returns its length.
func (p *percentFormat) directive(t string) (Str, int, error) {
	i := 0
	var key *string
	if strings.HasPrefix(t, "(") {
		end := strings.IndexByte(t, ')')
		if end < 0 {
			return Str{}, 0, valueErrorf("incomplete format key")
		}
		k := t[1:end]
		key, i = &k, end+1
	}
	spec := formatSpec{fill: " ", prec: -1}
	for ; i < len(t) && strings.IndexByte("-+ #0", t[i]) >= 0; i++ {
		switch t[i] {
		case '-':
			spec.align = '<'
		case '+':
			spec.sign = '+'
		case ' ':
			if spec.sign == 0 {
				spec.sign = ' '
			}
		case '#':
			spec.alt = true
		case '0':
			spec.zero = true
		}
	}
	width, n, err := p.count(t[i:])
	if err != nil {
		return Str{}, 0, err
	}
	if spec.width, i = width, i+n; width < 0 {
		spec.width, spec.align = -width, '<'
	}
	if i < len(t) && t[i] == '.' {
		prec, n, err := p.count(t[i+1:])
		if err != nil {
			return Str{}, 0, err
		}
		if prec > 1000 {
			return Str{}, 0, errorf(KindLimit, "a format precision of more than 1000")
		}
		spec.prec, i = int(max(prec, 0)), i+1+n
	}
	for i < len(t) && strings.IndexByte("hlL", t[i]) >= 0 {
		i++
	}
	if i >= len(t) {
		return Str{}, 0, valueErrorf("incomplete format")
	}
	spec.kind = t[i]
	if spec.kind == '%' {
		return Text("%"), i + 1, nil
	}
	var v Value
	if key != nil {
		if p.mapping == nil {
			return Str{}, 0, typeErrorf("format requires a mapping")
		}
		v, err = p.in.item(p.mapping, Text(*key))
		if err == nil && v == nil {
			err = valueErrorf("the mapping has no key %s", quoteRepr(*key))
		}
	} else {
		v, err = p.arg()
	}
	if err != nil {
		return Str{}, 0, err
	}
	out, err := p.in.percentValue(v, spec)
	return out, i + 1, err
}

// count reads a width or precision, which may come from the arguments.
func (p *percentFormat) count(t string) (int64, int, error) {
	if strings.HasPrefix(t, "*") {
		v, err := p.arg()
		if err != nil {
			return 0, 0, err
		}
		n, ok := index(v)
		if !ok {
			return 0, 0, typeErrorf("* wants int")
		}
		if n > maxWidth || n < -maxWidth {
			return 0, 0, errorf(KindLimit, "a format width of more than %d", maxWidth)
		}
		return n, 1, nil
	}
	n := 0
	for n < len(t) && isDecimal(t[n]) {
		n++
	}
	if n == 0 {
		return 0, 0, nil
	}
	w, err := strconv.ParseInt(t[:n], 10, 64)
	if err != nil || w > maxWidth {
		return 0, 0, errorf(KindLimit, "a format width of more than %d", maxWidth)
	}
	return w, n, nil
}

func (in *interp) percentValue(v Value, p formatSpec) (Str, error) {
	switch p.kind {
	case 's', 'r', 'a':
		var s Str
		var err error
		if p.kind == 's' {
			s, err = in.str(v)
		} else {
			var b strBuilder
			err = in.repr(&b, v, 0)
			s = b.str()
		}
		if err != nil {
			return Str{}, err
		}
		if p.prec >= 0 {
			s = s.slice(0, s.offset(p.prec))
		}
		return in.alignText(s, p, '>')
	case 'c':
		if s, ok := v.(Str); ok && s.runeLen() == 1 {
			return in.alignText(s, p, '>')
		}
		if !isInt(v) {
			return Str{}, typeErrorf("%%c requires int or char")
		}
	case 'd', 'i', 'u', 'x', 'X', 'o':
		var err error
		if v, err = percentInt(v, p.kind); err != nil {
			return Str{}, err
		}
	case 'e', 'E', 'f', 'F', 'g', 'G':
		if u, ok := v.(*undefined); ok {
			return Str{}, u.err()
		}
		if !isNumber(v) {
			return Str{}, typeErrorf("must be real number, not %s", typeName(v))
		}
	default:
		return Str{}, valueErrorf("unsupported format character '%c' (0x%x)", p.kind, p.kind)
	}
	minDigits := -1
	if strings.IndexByte("diuxXo", p.kind) >= 0 {
		if p.kind == 'i' || p.kind == 'u' {
			p.kind = 'd'
		}
		minDigits, p.prec = p.prec, -1
	}
	if p.zero && p.align == 0 {
		p.fill, p.align = "0", '='
	}
	text, err := formatNumber(v, p)
	if err != nil {
		return Str{}, err
	}
	if minDigits > 0 {
		sign := strings.TrimLeft(text, "0123456789abcdefABCDEF")
		if len(sign) == len(text) {
			sign = text[:1]
		} else {
			sign = ""
		}
		for len(text)-len(sign) < minDigits {
			text = sign + "0" + text[len(sign):]
		}
	}
	return in.alignText(Text(text), p, '>')
}

// percentInt converts the argument of %d and its like.
func percentInt(v Value, kind byte) (Value, error) {
	if u, ok := v.(*undefined); ok && strings.IndexByte("diu", kind) >= 0 {
		return nil, u.err()
	}
	if f, ok := v.(float64); ok && strings.IndexByte("diu", kind) >= 0 {
		return floatToInt(f)
	}
	if !isInt(v) {
		want := "a real number"
		if strings.IndexByte("xXo", kind) >= 0 {
			want = "an integer"
		}
		return nil, typeErrorf("%%%c format: %s is required, not %s", kind, want, typeName(v))
	}
	return normInt(new(big.Int).Set(toBig(v))), nil
}
