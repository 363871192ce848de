package grammar

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sets of characters with a name, as ECMA 262 has them.
var (
	dot    = complement(charsOf("\n\r\u2028\u2029"))
	digits = []runeRange{{'0', '9'}}
	words  = []runeRange{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	spaces = normalize(append(charsOf("\t\n\v\f\r \u00A0\u1680\u2028\u2029\u202F\u205F\u3000\uFEFF"), runeRange{0x2000, 0x200A}))
)

// class reads a set in brackets.
func (p *patternParser) class() ([]runeRange, error) {
	open := p.rest
	p.rest = p.rest[1:]
	negated := strings.HasPrefix(p.rest, "^")
	if negated {
		p.rest = p.rest[1:]
	}
	var set []runeRange
	for {
		if p.rest == "" {
			return nil, fmt.Errorf("missing ] for %q", shorten(open))
		}
		if p.rest[0] == ']' {
			p.rest = p.rest[1:]
			break
		}
		lo, err := p.classItem()
		if err != nil {
			return nil, err
		}
		if len(p.rest) > 1 && p.rest[0] == '-' && p.rest[1] != ']' {
			p.rest = p.rest[1:]
			hi, err := p.classItem()
			if err != nil {
				return nil, err
			}
			if single(lo) && single(hi) {
				if lo[0].lo > hi[0].lo {
					return nil, fmt.Errorf("the range %c-%c is out of order", lo[0].lo, hi[0].lo)
				}
				set = append(set, runeRange{lo[0].lo, hi[0].lo})
				continue
			}
			return nil, fmt.Errorf("a range between sets in %q", shorten(open))
		}
		set = append(set, lo...)
	}
	if negated {
		return complement(set), nil
	}
	return normalize(set), nil
}

func single(set []runeRange) bool { return len(set) == 1 && set[0].lo == set[0].hi }

func (p *patternParser) classItem() ([]runeRange, error) {
	if p.rest == "" {
		return nil, fmt.Errorf("the set in brackets has no end")
	}
	if p.rest[0] == '\\' {
		return p.escape(true)
	}
	r, n := utf8.DecodeRuneInString(p.rest)
	p.rest = p.rest[n:]
	return []runeRange{{r, r}}, nil
}

// escape reads a backslash and what belongs to it.
func (p *patternParser) escape(inClass bool) ([]runeRange, error) {
	if len(p.rest) < 2 {
		return nil, fmt.Errorf("the pattern ends with a backslash")
	}
	r, n := utf8.DecodeRuneInString(p.rest[1:])
	p.rest = p.rest[1+n:]
	one := func(r rune) []runeRange { return []runeRange{{r, r}} }
	switch r {
	case 'd':
		return digits, nil
	case 'D':
		return complement(digits), nil
	case 'w':
		return words, nil
	case 'W':
		return complement(words), nil
	case 's':
		return spaces, nil
	case 'S':
		return complement(spaces), nil
	case 'n':
		return one('\n'), nil
	case 'r':
		return one('\r'), nil
	case 't':
		return one('\t'), nil
	case 'f':
		return one('\f'), nil
	case 'v':
		return one('\v'), nil
	case '0':
		return one(0), nil
	case 'x':
		return p.hex(2)
	case 'u':
		return p.unicodeEscape()
	case 'c':
		if p.rest != "" && (p.rest[0]|0x20) >= 'a' && (p.rest[0]|0x20) <= 'z' {
			c := p.rest[0] & 31
			p.rest = p.rest[1:]
			return one(rune(c)), nil
		}
		return nil, fmt.Errorf(`\c needs a letter`)
	case 'p', 'P':
		return p.property(r == 'P')
	case 'b':
		if inClass {
			return one('\b'), nil
		}
	}
	if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return nil, fmt.Errorf(`\%c is not supported`, r)
	}
	return one(r), nil
}

func (p *patternParser) hex(n int) ([]runeRange, error) {
	if len(p.rest) >= n {
		if v, err := strconv.ParseUint(p.rest[:n], 16, 32); err == nil {
			p.rest = p.rest[n:]
			return []runeRange{{rune(v), rune(v)}}, nil
		}
	}
	return nil, fmt.Errorf("an escape needs %d hexadecimal digits, not %q", n, shorten(p.rest))
}

func (p *patternParser) unicodeEscape() ([]runeRange, error) {
	if inner, rest, ok := strings.Cut(p.rest, "}"); ok && strings.HasPrefix(inner, "{") {
		v, err := strconv.ParseUint(inner[1:], 16, 32)
		if err != nil || v > maxRune {
			return nil, fmt.Errorf(`\u%s} is no character`, inner)
		}
		p.rest = rest
		return []runeRange{{rune(v), rune(v)}}, nil
	}
	hi, err := p.hex(4)
	if err != nil || hi[0].lo < 0xD800 || hi[0].lo > 0xDBFF || !strings.HasPrefix(p.rest, `\u`) {
		return hi, err
	}
	p.rest = p.rest[2:]
	lo, err := p.hex(4)
	if err != nil {
		return nil, err
	}
	if lo[0].lo < 0xDC00 || lo[0].lo > 0xDFFF {
		return nil, fmt.Errorf("half a surrogate pair")
	}
	r := (hi[0].lo-0xD800)<<10 + (lo[0].lo - 0xDC00) + 0x10000
	return []runeRange{{r, r}}, nil
}

// property reads \p{L} and the like: general categories and scripts.
func (p *patternParser) property(negated bool) ([]runeRange, error) {
	inner, rest, ok := strings.Cut(p.rest, "}")
	if !ok || !strings.HasPrefix(inner, "{") {
		return nil, fmt.Errorf(`\p needs a property in braces`)
	}
	name := inner[1:]
	for _, prefix := range []string{"Script=", "sc=", "General_Category=", "gc="} {
		name = strings.TrimPrefix(name, prefix)
	}
	table, ok := unicode.Categories[name]
	if !ok {
		if table, ok = unicode.Scripts[name]; !ok {
			return nil, fmt.Errorf(`the property \p{%s} is not supported`, shorten(name))
		}
	}
	p.rest = rest
	var set []runeRange
	for _, r := range table.R16 {
		for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
			set = append(set, runeRange{c, max(c, strideEnd(rune(r.Hi), rune(r.Stride), c))})
			if r.Stride == 1 {
				break
			}
		}
	}
	for _, r := range table.R32 {
		for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
			set = append(set, runeRange{c, max(c, strideEnd(rune(r.Hi), rune(r.Stride), c))})
			if r.Stride == 1 {
				break
			}
		}
	}
	if negated {
		return complement(set), nil
	}
	return normalize(set), nil
}

// strideEnd is the end of the run that begins with c in a Unicode table's entry.
func strideEnd(hi, stride, c rune) rune {
	if stride == 1 {
		return hi
	}
	return c
}
