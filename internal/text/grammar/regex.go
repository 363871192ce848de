package grammar

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits on one pattern.
const (
	maxPattern      = 4096 // bytes
	maxPatternDepth = 100  // groups in groups
	maxPatternCount = 10_000
)

// Regex is the texts that a regular expression matches as a whole. It is the
// part of ECMA 262's syntax that is regular: no look-around, no references back.
func Regex(pattern string) (*Grammar, error) {
	n, err := parsePattern(pattern)
	if err != nil {
		return nil, fmt.Errorf("grammar: pattern %q: %w", shorten(pattern), err)
	}
	return checked(n.whole(nil))
}

// A pattern is a parsed regular expression. Its alternatives know whether they
// are tied to the start and the end of the text.
type pattern struct{ alts []anchored }

type anchored struct {
	body       *node
	start, end bool
}

// whole is the texts that the pattern matches from start to end.
func (p *pattern) whole(around *node) *node {
	alts := make([]*node, len(p.alts))
	for i, a := range p.alts {
		parts := []*node{a.body}
		if around != nil && !a.start {
			parts = append([]*node{around}, parts...)
		}
		if around != nil && !a.end {
			parts = append(parts, around)
		}
		alts[i] = seq(parts...)
	}
	return alt(alts...)
}

// search is the texts that contain a match, as JSON Schema's patterns mean it.
func (p *pattern) search() *node { return p.whole(star(&node{op: opSet, set: anyRune})) }

func parsePattern(s string) (*pattern, error) {
	if len(s) > maxPattern {
		return nil, tooLarge("the pattern has %d bytes; %d are supported", len(s), maxPattern)
	}
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("it is not valid UTF-8")
	}
	p := &patternParser{rest: s}
	alts, err := p.alternatives(0)
	if err != nil {
		return nil, err
	}
	if p.rest != "" {
		return nil, fmt.Errorf("unmatched ) before %q", shorten(p.rest))
	}
	return &pattern{alts}, nil
}

type patternParser struct{ rest string }

func (p *patternParser) alternatives(depth int) ([]anchored, error) {
	if depth > maxPatternDepth {
		return nil, tooLarge("groups nest deeper than %d", maxPatternDepth)
	}
	var alts []anchored
	for {
		branch, err := p.sequence(depth)
		if err != nil {
			return nil, err
		}
		alts = append(alts, branch...)
		if !strings.HasPrefix(p.rest, "|") {
			return alts, nil
		}
		p.rest = p.rest[1:]
	}
}

// sequence reads one alternative. An anchor is understood at its outer ends,
// also through a group that stands there; elsewhere it would hardly ever match.
func (p *patternParser) sequence(depth int) ([]anchored, error) {
	var parts []*node
	a := anchored{}
	for p.rest != "" && p.rest[0] != '|' && p.rest[0] != ')' {
		if a.end {
			return nil, fmt.Errorf("text after $ is not supported: %q", shorten(p.rest))
		}
		switch p.rest[0] {
		case '^':
			if len(parts) > 0 {
				return nil, fmt.Errorf("^ is supported at the start only")
			}
			a.start = true
			p.rest = p.rest[1:]
			continue
		case '$':
			a.end = true
			p.rest = p.rest[1:]
			continue
		}
		n, inner, err := p.atom(depth)
		if err != nil {
			return nil, err
		}
		quantified, n, err := p.quantified(n)
		if err != nil {
			return nil, err
		}
		if inner != nil {
			alone := !quantified && len(parts) == 0 && (p.rest == "" || p.rest[0] == '|' || p.rest[0] == ')' || p.rest == "$")
			if !alone {
				return nil, fmt.Errorf("an anchor inside a group is supported only if the group is all there is")
			}
			if strings.HasPrefix(p.rest, "$") {
				p.rest, a.end = p.rest[1:], true
			}
			for i := range inner {
				inner[i].start = inner[i].start || a.start
				inner[i].end = inner[i].end || a.end
			}
			return inner, nil
		}
		parts = append(parts, n)
	}
	a.body = seq(parts...)
	return []anchored{a}, nil
}

// atom reads one unit. For a group with anchors it returns the alternatives
// instead.
func (p *patternParser) atom(depth int) (*node, []anchored, error) {
	switch c := p.rest[0]; c {
	case '(':
		return p.group(depth)
	case '[':
		set, err := p.class()
		return &node{op: opSet, set: set}, nil, err
	case '.':
		p.rest = p.rest[1:]
		return &node{op: opSet, set: dot}, nil, nil
	case '\\':
		set, err := p.escape(false)
		return &node{op: opSet, set: set}, nil, err
	case '*', '+', '?':
		return nil, nil, fmt.Errorf("%q has nothing to repeat", c)
	case '{':
		if _, _, n := p.count(); n > 0 {
			return nil, nil, fmt.Errorf("%q has nothing to repeat", p.rest[:n])
		}
	}
	r, n := utf8.DecodeRuneInString(p.rest)
	p.rest = p.rest[n:]
	return lit(string(r)), nil, nil
}

func (p *patternParser) group(depth int) (*node, []anchored, error) {
	open := p.rest
	p.rest = p.rest[1:]
	if strings.HasPrefix(p.rest, "?") {
		switch {
		case strings.HasPrefix(p.rest, "?:"):
			p.rest = p.rest[2:]
		case strings.HasPrefix(p.rest, "?<") && !strings.HasPrefix(p.rest, "?<=") && !strings.HasPrefix(p.rest, "?<!"):
			end := strings.IndexByte(p.rest, '>')
			if end < 0 {
				return nil, nil, fmt.Errorf("the group's name has no end: %q", shorten(open))
			}
			p.rest = p.rest[end+1:]
		default:
			return nil, nil, fmt.Errorf("look-around and flags are not supported: %q", shorten(open))
		}
	}
	alts, err := p.alternatives(depth + 1)
	if err != nil {
		return nil, nil, err
	}
	if !strings.HasPrefix(p.rest, ")") {
		return nil, nil, fmt.Errorf("missing ) for %q", shorten(open))
	}
	p.rest = p.rest[1:]
	nodes := make([]*node, len(alts))
	for i, a := range alts {
		if a.start || a.end {
			return nil, alts, nil
		}
		nodes[i] = a.body
	}
	return alt(nodes...), nil, nil
}

// quantified reads what says how often a unit comes. Lazy forms match the same
// texts as greedy ones.
func (p *patternParser) quantified(n *node) (bool, *node, error) {
	least, most, width := p.count()
	if width == 0 {
		return false, n, nil
	}
	if least > maxPatternCount || most > maxPatternCount {
		return false, nil, tooLarge("%q repeats more than %d times", p.rest[:width], maxPatternCount)
	}
	if most >= 0 && most < least {
		return false, nil, fmt.Errorf("%q ends before it begins", p.rest[:width])
	}
	p.rest = p.rest[width:]
	p.rest = strings.TrimPrefix(p.rest, "?")
	if _, _, again := p.count(); again > 0 {
		return false, nil, fmt.Errorf("%q has nothing to repeat", p.rest[:again])
	}
	if n == nil {
		return true, nil, nil // a group with anchors: refused by the caller
	}
	return true, repeat(n, least, most), nil
}

// count looks at a quantifier; width 0 means that there is none.
func (p *patternParser) count() (least, most, width int) {
	if p.rest == "" {
		return 0, 0, 0
	}
	switch p.rest[0] {
	case '*':
		return 0, -1, 1
	case '+':
		return 1, -1, 1
	case '?':
		return 0, 1, 1
	case '{':
	default:
		return 0, 0, 0
	}
	inner, _, ok := strings.Cut(p.rest[1:], "}")
	if !ok {
		return 0, 0, 0
	}
	a, b, comma := strings.Cut(inner, ",")
	least, err := strconv.Atoi(a)
	if err != nil || a[0] < '0' || a[0] > '9' {
		return 0, 0, 0
	}
	switch {
	case !comma:
		most = least
	case b == "":
		most = -1
	default:
		if most, err = strconv.Atoi(b); err != nil || b[0] < '0' || b[0] > '9' {
			return 0, 0, 0
		}
	}
	return least, most, len(inner) + 2
}

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

// shorten cuts a text for an error message.
func shorten(s string) string {
	if len(s) <= 60 {
		return s
	}
	cut := 57
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
