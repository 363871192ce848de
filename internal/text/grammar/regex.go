package grammar

import (
	"fmt"
	"strconv"
	"strings"
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
