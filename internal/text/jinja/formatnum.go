package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// formatNumber writes a number by a format spec, without the padding.
func formatNumber(v Value, p formatSpec) (string, error) {
	if isInt(v) && strings.IndexByte("eEfFgG%", p.kind) < 0 {
		return formatInt(toBig(v), p)
	}
	f, err := toFloat(v)
	if err != nil {
		return "", err
	}
	if p.kind != 0 && strings.IndexByte("eEfFgGn%", p.kind) < 0 {
		return "", valueErrorf("unknown format code '%c' for object of type 'float'", p.kind)
	}
	neg := math.Signbit(f) && !math.IsNaN(f)
	if neg || p.sign == '+' || p.sign == ' ' {
		p.width--
	}
	body := floatBody(math.Abs(f), p)
	if p.noNegZero && strings.Trim(body, "0.e+-%") == "" {
		neg = false
	}
	if neg {
		return "-" + body, nil
	}
	return plus(p.sign) + body, nil
}

func plus(sign byte) string {
	if sign == '+' || sign == ' ' {
		return string(sign)
	}
	return ""
}

func formatInt(n *big.Int, p formatSpec) (string, error) {
	if p.noNegZero {
		return "", valueErrorf("negative zero coercion (z) not allowed in integer format specifier")
	}
	if p.prec >= 0 {
		return "", valueErrorf("precision not allowed in integer format specifier")
	}
	base, prefix, group := 10, "", 3
	switch p.kind {
	case 0, 'd', 'n':
	case 'x', 'X':
		base, prefix, group = 16, "0"+string(p.kind), 4
	case 'o':
		base, prefix, group = 8, "0o", 4
	case 'b':
		base, prefix, group = 2, "0b", 4
	case 'c':
		if !n.IsInt64() || n.Int64() < 0 || n.Int64() > 0x10ffff {
			return "", valueErrorf("%%c arg not in range(0x110000)")
		}
		return string(rune(n.Int64())), nil
	default:
		return "", valueErrorf("unknown format code '%c' for object of type 'int'", p.kind)
	}
	s := new(big.Int).Abs(n).Text(base)
	if p.kind == 'X' {
		s = strings.ToUpper(s)
	}
	if n.Sign() < 0 || p.sign == '+' || p.sign == ' ' {
		p.width--
	}
	s = grouped(s, p, group)
	if p.alt {
		s = prefix + s
	}
	if n.Sign() < 0 {
		return "-" + s, nil
	}
	return plus(p.sign) + s, nil
}

// grouped puts separators between groups of digits. Zeros that pad to a width
// are grouped too.
func grouped(s string, p formatSpec, size int) string {
	if p.group == "" {
		return s
	}
	sep := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			if i > 0 && (len(s)-i)%size == 0 {
				b.WriteString(p.group)
			}
			b.WriteByte(s[i])
		}
		return b.String()
	}
	out := sep(s)
	for p.zero && p.align == '=' && int64(len(out)) < p.width {
		s = "0" + s
		out = sep(s)
	}
	return out
}

// floatBody writes a float that is not negative.
func floatBody(f float64, p formatSpec) string {
	switch {
	case math.IsNaN(f):
		return caseOf("nan", p.kind)
	case math.IsInf(f, 0):
		return caseOf("inf", p.kind)
	}
	prec := p.prec
	if prec < 0 {
		prec = 6
	}
	var s string
	switch p.kind {
	case 'f', 'F':
		s = strconv.FormatFloat(f, 'f', prec, 64)
	case '%':
		s = strconv.FormatFloat(f*100, 'f', prec, 64)
	case 'e', 'E':
		s = strconv.FormatFloat(f, p.kind, prec, 64)
	case 0:
		if p.prec < 0 {
			s = floatRepr(f)
		} else if s = general(f, prec, p.alt, true); !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
	default:
		s = caseOf(general(f, prec, p.alt, false), p.kind)
	}
	if p.alt && !strings.Contains(s, ".") && (p.kind == 'f' || p.kind == 'F') {
		s += "."
	}
	if p.group != "" {
		i := strings.IndexAny(s, ".eE")
		if i < 0 {
			i = len(s)
		}
		inner := p
		inner.width -= int64(len(s) - i)
		s = grouped(s[:i], inner, 3) + s[i:]
	}
	if p.kind == '%' {
		s += "%"
	}
	return s
}

func caseOf(s string, kind byte) string {
	if kind == 'E' || kind == 'F' || kind == 'G' {
		return strings.ToUpper(s)
	}
	return s
}

// general is the format g: prec significant digits, the shorter of the fixed
// and the exponent form, zeros at the end dropped. repr is the form without a
// type, which goes to the exponent one digit earlier.
func general(f float64, prec int, alt, repr bool) string {
	if prec == 0 {
		prec = 1
	}
	e := strconv.FormatFloat(f, 'e', prec-1, 64)
	at := strings.IndexByte(e, 'e')
	exp, _ := strconv.Atoi(e[at+1:])
	limit := prec
	if repr {
		limit--
	}
	if f == 0 {
		exp = 0
	}
	if exp < -4 || exp >= max(limit, 1) {
		mant := e[:at]
		if !alt && strings.Contains(mant, ".") {
			mant = strings.TrimRight(strings.TrimRight(mant, "0"), ".")
		}
		return mant + e[at:]
	}
	s := strconv.FormatFloat(f, 'f', max(prec-1-exp, 0), 64)
	if !alt && strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
