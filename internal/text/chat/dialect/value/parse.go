package value

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Rules are the liberties that a reader takes with JSON. The zero value reads
// as serde_json does.
type Rules struct {
	// Python allows NaN and Infinity, numbers too large for a double, halves of
	// surrogate pairs (read as U+FFFD here) and deeper nesting.
	Python bool
}

// maxDepth is how deep values may nest: serde_json's limit, and a bound for
// Python's that keeps the reader's own stack small.
func (r Rules) maxDepth() int {
	if r.Python {
		return 900
	}
	return 127
}

// Parse reads one JSON value. The last of several entries with the same key
// counts, at the place of the first.
func (r Rules) Parse(s string) (Value, error) {
	p := parser{s: s, rules: r}
	p.space()
	v := p.value(1)
	p.space()
	if p.err == nil && p.i < len(s) {
		p.fail("the end")
	}
	if p.err != nil {
		return Value{}, p.err
	}
	return v, nil
}

type parser struct {
	s     string
	i     int
	rules Rules
	err   error
}

func (p *parser) fail(want string) {
	if p.err == nil {
		p.err = fmt.Errorf("json: expected %s at byte %d of %d", want, p.i, len(p.s))
		p.i = len(p.s)
	}
}

func (p *parser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

// take consumes a text if it comes next.
func (p *parser) take(s string) bool {
	if strings.HasPrefix(p.s[p.i:], s) {
		p.i += len(s)
		return true
	}
	return false
}

func (p *parser) value(depth int) Value {
	if depth > p.rules.maxDepth()+1 {
		p.fail("less nesting")
		return Value{}
	}
	switch {
	case p.i >= len(p.s):
		p.fail("a value")
	case p.s[p.i] == '{':
		return p.object(depth)
	case p.s[p.i] == '[':
		return p.array(depth)
	case p.s[p.i] == '"':
		return Value{Kind: String, Text: p.string()}
	case p.take("null"):
		return Value{}
	case p.take("true"):
		return Value{Kind: Bool, Bool: true}
	case p.take("false"):
		return Value{Kind: Bool}
	default:
		return p.number()
	}
	return Value{}
}

func (p *parser) object(depth int) Value {
	v := Value{Kind: Object}
	if depth > p.rules.maxDepth() {
		p.fail("less nesting")
		return v
	}
	index := map[string]int{}
	p.i++
	p.space()
	if p.take("}") {
		return v
	}
	for p.err == nil {
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			p.fail("a key")
			break
		}
		key := p.string()
		p.space()
		if !p.take(":") {
			p.fail("a colon")
		}
		p.space()
		x := p.value(depth + 1)
		if at, ok := index[key]; ok {
			v.Fields[at].Value = x
		} else {
			index[key] = len(v.Fields)
			v.Fields = append(v.Fields, Field{key, x})
		}
		p.space()
		if p.take("}") {
			break
		}
		if !p.take(",") {
			p.fail("a comma or the end of an object")
		}
		p.space()
	}
	return v
}

func (p *parser) array(depth int) Value {
	v := Value{Kind: Array}
	if depth > p.rules.maxDepth() {
		p.fail("less nesting")
		return v
	}
	p.i++
	p.space()
	if p.take("]") {
		return v
	}
	for p.err == nil {
		v.Items = append(v.Items, p.value(depth+1))
		p.space()
		if p.take("]") {
			break
		}
		if !p.take(",") {
			p.fail("a comma or the end of an array")
		}
		p.space()
	}
	return v
}

// number reads a number and keeps its spelling.
func (p *parser) number() Value {
	if p.rules.Python {
		for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
			if p.take(word) {
				return Value{Kind: Number, Text: word}
			}
		}
	}
	start := p.i
	p.take("-")
	if !p.take("0") && p.digits() == 0 {
		p.fail("a value")
		return Value{}
	}
	if p.take(".") && p.digits() == 0 {
		p.fail("a digit")
	}
	if p.take("e") || p.take("E") {
		if !p.take("+") {
			p.take("-")
		}
		if p.digits() == 0 {
			p.fail("a digit")
		}
	}
	if p.err != nil {
		return Value{}
	}
	text := p.s[start:p.i]
	if !p.rules.Python {
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			p.fail("a number that a double can hold")
		}
	}
	return Value{Kind: Number, Text: text}
}

func (p *parser) digits() int {
	start := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	return p.i - start
}

func (p *parser) string() string {
	p.i++
	start := p.i
	for p.i < len(p.s) && p.s[p.i] != '"' && p.s[p.i] != '\\' && p.s[p.i] >= ' ' {
		p.i++
	}
	if p.i < len(p.s) && p.s[p.i] == '"' {
		p.i++
		return p.s[start : p.i-1]
	}
	var b strings.Builder
	b.WriteString(p.s[start:p.i])
	for p.i < len(p.s) && p.err == nil {
		switch c := p.s[p.i]; {
		case c == '"':
			p.i++
			return b.String()
		case c == '\\':
			p.i++
			p.escape(&b)
		case c < ' ':
			p.fail("no control character in a string")
		default:
			b.WriteByte(c)
			p.i++
		}
	}
	p.fail("the end of a string")
	return ""
}

// escapes are the letters after a backslash and what they stand for.
var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (p *parser) escape(b *strings.Builder) {
	if p.i >= len(p.s) {
		p.fail("an escape")
		return
	}
	c := p.s[p.i]
	if x, ok := escapes[c]; ok {
		b.WriteByte(x)
		p.i++
		return
	}
	if c != 'u' {
		p.fail("an escape")
		return
	}
	p.i++
	r := p.hex()
	if utf16.IsSurrogate(r) {
		mark := p.i
		if p.take(`\u`) {
			if full := utf16.DecodeRune(r, p.hex()); full != utf8.RuneError {
				b.WriteRune(full)
				return
			}
			p.i = mark
		}
		if !p.rules.Python {
			p.fail("a pair of surrogates")
		}
		r = utf8.RuneError
	}
	b.WriteRune(r)
}

// hex reads four hexadecimal digits.
func (p *parser) hex() rune {
	if p.i+4 > len(p.s) {
		p.fail("four hexadecimal digits")
		return 0
	}
	n, err := strconv.ParseUint(p.s[p.i:p.i+4], 16, 16)
	if err != nil {
		p.fail("four hexadecimal digits")
		return 0
	}
	p.i += 4
	return rune(n)
}
