package grammar

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits on a grammar text.
const (
	maxGBNF      = 256 << 10 // bytes
	maxGBNFDepth = 100
	maxGBNFCount = 100_000 // repetitions
)

// ParseGBNF reads a grammar in llama.cpp's notation: rules "name ::= ...", of
// which "root" is the whole; "literals", [sets] and . for any character; rule
// names, groups in parentheses and | between alternatives; * + ? {m,n} after a
// unit; # comments. A name in <angle brackets> is the special token with that
// text.
func ParseGBNF(text string) (*Grammar, error) {
	n, err := parseGBNF(text)
	if err != nil {
		return nil, fmt.Errorf("grammar: gbnf: %w", err)
	}
	return checked(n)
}

type gbnfParser struct {
	text  string
	pos   int
	rules map[string]*rule
	used  map[string]int // line of the first use
}

func parseGBNF(text string) (*node, error) {
	if len(text) > maxGBNF {
		return nil, tooLarge("the text has %d bytes; %d are supported", len(text), maxGBNF)
	}
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("it is not valid UTF-8")
	}
	p := &gbnfParser{text: text, rules: map[string]*rule{}, used: map[string]int{}}
	for p.blanks(true); p.pos < len(p.text); p.blanks(true) {
		name := p.name()
		if name == "" {
			return nil, p.errorf("a rule's name is expected, not %q", p.ahead())
		}
		p.blanks(true)
		if !p.take("::=") {
			return nil, p.errorf("::= is expected after %s, not %q", name, p.ahead())
		}
		p.blanks(true)
		body, err := p.alternatives(0, false)
		if err != nil {
			return nil, err
		}
		r := p.rule(name)
		if r.body != nil {
			return nil, p.errorf("the rule %s is there twice", name)
		}
		r.body = body
		if p.pos < len(p.text) && p.text[p.pos] != '\n' && p.text[p.pos] != '\r' {
			return nil, p.errorf("the end of the rule %s is expected, not %q", name, p.ahead())
		}
	}
	for name, line := range p.used {
		if p.rules[name].body == nil {
			return nil, fmt.Errorf("line %d: there is no rule %s", line, shorten(name))
		}
	}
	root, ok := p.rules["root"]
	if !ok || root.body == nil {
		return nil, fmt.Errorf("there is no rule root")
	}
	return call(root), nil
}

func (p *gbnfParser) rule(name string) *rule {
	r, ok := p.rules[name]
	if !ok {
		r = &rule{name: name}
		p.rules[name] = r
	}
	return r
}

func (p *gbnfParser) line() int { return 1 + strings.Count(p.text[:p.pos], "\n") }

func (p *gbnfParser) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{p.line()}, args...)...)
}

func (p *gbnfParser) ahead() string {
	s, _, _ := strings.Cut(p.text[p.pos:], "\n")
	return shorten(s)
}

func (p *gbnfParser) take(s string) bool {
	if strings.HasPrefix(p.text[p.pos:], s) {
		p.pos += len(s)
		return true
	}
	return false
}

// blanks skips spaces and comments, and line breaks where a rule goes on.
func (p *gbnfParser) blanks(lines bool) {
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == ' ' || c == '\t' || lines && (c == '\n' || c == '\r'):
			p.pos++
		case c == '#':
			for p.pos < len(p.text) && p.text[p.pos] != '\n' && p.text[p.pos] != '\r' {
				p.pos++
			}
		default:
			return
		}
	}
}

func (p *gbnfParser) name() string {
	start := p.pos
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			break
		}
		p.pos++
	}
	return p.text[start:p.pos]
}

// alternatives reads units and |. Inside a group they may go over lines.
func (p *gbnfParser) alternatives(depth int, lines bool) (*node, error) {
	if depth > maxGBNFDepth {
		return nil, tooLarge("line %d: groups nest deeper than %d", p.line(), maxGBNFDepth)
	}
	var alts, parts []*node
	for {
		if p.blanks(lines); p.pos >= len(p.text) {
			break
		}
		if p.take("|") {
			alts = append(alts, seq(parts...))
			parts = nil
			p.blanks(true)
			continue
		}
		n, err := p.unit(depth)
		if err != nil {
			return nil, err
		}
		if n == nil {
			break
		}
		if n, err = p.quantified(n); err != nil {
			return nil, err
		}
		parts = append(parts, n)
	}
	return alt(append(alts, seq(parts...))...), nil
}

// unit reads one unit, nil if there is none.
func (p *gbnfParser) unit(depth int) (*node, error) {
	switch c := p.text[p.pos]; c {
	case '"':
		return p.literal()
	case '[':
		return p.set()
	case '(':
		p.pos++
		n, err := p.alternatives(depth+1, true)
		if err == nil && !p.take(")") {
			err = p.errorf("missing ) before %q", p.ahead())
		}
		return n, err
	case '.':
		p.pos++
		return &node{op: opSet, set: anyRune}, nil
	case '<':
		end := strings.IndexAny(p.text[p.pos:], ">\n")
		if end < 2 || p.text[p.pos+end] != '>' || p.text[p.pos+1] == '[' {
			return nil, p.errorf("a token is written <text>, not %q", p.ahead())
		}
		text := p.text[p.pos : p.pos+end+1]
		p.pos += end + 1
		return special(text), nil
	case '!':
		return nil, p.errorf("negated tokens are not supported: %q", p.ahead())
	}
	line := p.line()
	name := p.name()
	if name == "" {
		return nil, nil
	}
	if _, ok := p.used[name]; !ok {
		p.used[name] = line
	}
	return call(p.rule(name)), nil
}

func (p *gbnfParser) quantified(n *node) (*node, error) {
	for {
		// Blanks may stand before a quantifier, but it is on the same line.
		p.blanks(false)
		switch {
		case p.take("*"):
			n = star(n)
		case p.take("+"):
			n = plus(n)
		case p.take("?"):
			n = opt(n)
		case p.pos < len(p.text) && p.text[p.pos] == '{':
			least, most, err := p.counts()
			if err != nil {
				return nil, err
			}
			n = repeat(n, least, most)
		default:
			return n, nil
		}
	}
}

func (p *gbnfParser) counts() (least, most int, err error) {
	inner, _, ok := strings.Cut(p.text[p.pos+1:], "}")
	if !ok {
		return 0, 0, p.errorf("missing } for %q", p.ahead())
	}
	a, b, comma := strings.Cut(inner, ",")
	least, err = strconv.Atoi(strings.TrimSpace(a))
	most = least
	if strings.TrimSpace(a) == "" && comma {
		least, err = 0, nil
	}
	if b = strings.TrimSpace(b); comma && b == "" {
		most = -1
	} else if comma && err == nil {
		most, err = strconv.Atoi(b)
	}
	if err != nil || least < 0 || most < -1 || most >= 0 && most < least {
		return 0, 0, p.errorf("{%s} is no number of repetitions", shorten(inner))
	}
	if least > maxGBNFCount || most > maxGBNFCount {
		return 0, 0, tooLarge("line %d: {%s} is more than %d repetitions", p.line(), inner, maxGBNFCount)
	}
	p.pos += len(inner) + 2
	return least, most, nil
}

func (p *gbnfParser) literal() (*node, error) {
	var b []byte
	for p.pos++; ; {
		if p.pos >= len(p.text) {
			return nil, p.errorf("a literal has no end")
		}
		if p.take(`"`) {
			return lit(string(b)), nil
		}
		r, err := p.char()
		if err != nil {
			return nil, err
		}
		b = utf8.AppendRune(b, r)
	}
}

func (p *gbnfParser) set() (*node, error) {
	p.pos++
	negated := p.take("^")
	var set []runeRange
	for !p.take("]") {
		if p.pos >= len(p.text) {
			return nil, p.errorf("a set in brackets has no end")
		}
		lo, err := p.char()
		if err != nil {
			return nil, err
		}
		hi := lo
		if rest := p.text[p.pos:]; len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			p.pos++
			if hi, err = p.char(); err != nil {
				return nil, err
			}
		}
		if lo > hi {
			return nil, p.errorf("the range %q-%q is out of order", lo, hi)
		}
		set = append(set, runeRange{lo, hi})
	}
	if negated {
		return &node{op: opSet, set: complement(set)}, nil
	}
	return &node{op: opSet, set: normalize(set)}, nil
}

// char reads one character of a literal or a set.
func (p *gbnfParser) char() (rune, error) {
	r, n := utf8.DecodeRuneInString(p.text[p.pos:])
	if n == 0 {
		return 0, p.errorf("the text ends inside a literal or set")
	}
	p.pos += n
	if r != '\\' {
		return r, nil
	}
	if p.pos >= len(p.text) {
		return 0, p.errorf("the text ends with a backslash")
	}
	c := p.text[p.pos]
	p.pos++
	switch c {
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case '\\', '"', '[', ']', '-', '^':
		return rune(c), nil
	}
	digits, ok := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	if !ok {
		return 0, p.errorf("the escape \\%c is not known", c)
	}
	if len(p.text)-p.pos >= digits {
		v, err := strconv.ParseUint(p.text[p.pos:p.pos+digits], 16, 32)
		if err == nil && utf8.ValidRune(rune(v)) && v <= maxRune {
			p.pos += digits
			return rune(v), nil
		}
	}
	return 0, p.errorf("\\%c needs %d hexadecimal digits of a character", c, digits)
}
