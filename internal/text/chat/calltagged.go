package chat

import (
	"encoding/json"
	"strings"
)

// callTags are the tags of a form that has one for the function and one for each
// argument.
type callTags struct {
	open, close          string // around a call, or a block of calls
	call, callName       string // before and behind a function's name; call is empty if open is before it
	callEnd              string // behind its arguments; empty if close is
	key, keyEnd          string // around an argument's name
	value, valueEnd      string // around its value; value is empty if keyEnd is before it
	lines                bool   // a value has line breaks of its own around it
	several, openingless bool   // a block may have several calls; a call may come without open
}

var (
	qwenTags = callTags{
		open: callOpen, call: "<function=", callName: ">", key: "<parameter=", keyEnd: ">", valueEnd: "</parameter>",
		callEnd: "</function>", close: callClose, lines: true, openingless: true,
	}
	glmTags = callTags{
		open: callOpen, key: "<arg_key>", keyEnd: "</arg_key>", value: "<arg_value>", valueEnd: "</arg_value>", close: callClose,
	}
	minimaxTags = callTags{
		open: "<minimax:tool_call>", call: `<invoke name="`, callName: `">`, key: `<parameter name="`, keyEnd: `">`, valueEnd: "</parameter>",
		callEnd: "</invoke>", close: "</minimax:tool_call>", several: true,
	}
)

func taggedForm(t *callTags) callForm {
	f := callForm{openers: []string{t.open}, closers: []string{t.close}}
	if t.callEnd != "" {
		f.closers = append(f.closers, t.callEnd)
	}
	if t.openingless {
		f.openers = append(f.openers, t.call)
	}
	f.block = func(opener string, o *ParserOptions) callBlock {
		c := &taggedCalls{t: t, declared: o.Declared}
		if t.call == "" || opener == t.call {
			c.state = taggedName
		}
		return c
	}
	return f
}

// taggedCalls reads a block of calls in tags. Their arguments become a JSON object,
// given on as they come: an argument that the function's schema says is a string
// is one, whatever it looks like; any other is the JSON that it is, or a string if
// it is none.
type taggedCalls struct {
	t        *callTags
	declared []Tool
	state    taggedState
	deaf     bool // the call has no name: nothing is given on
	params   int  // arguments of the call so far
	types    map[string]ParamKind

	kind  ParamKind // of the value that is read
	begun bool      // something of the value was looked at
	plain bool      // the value does not look like JSON
	json  jsonSpan  // of a value that does
	text  strings.Builder
}

type taggedState uint8

const (
	taggedBlock  taggedState = iota // before a function
	taggedName                      // in its name
	taggedCall                      // before an argument
	taggedKey                       // in an argument's name
	taggedBefore                    // before its value
	taggedText                      // in a value that is a string
	taggedValue                     // in a value that shows at its end what it is
)

func (c *taggedCalls) feed(p *answerParser, s string) (rest string, over bool) {
	for s != "" {
		before, had := c.state, len(s)
		switch c.state {
		case taggedBlock:
			s, over = c.block(s)
		case taggedName:
			s, over = c.name(p, s)
		case taggedCall:
			s, over = c.call(p, s)
		case taggedKey:
			s = c.key(p, s)
		case taggedBefore:
			s = c.before(s)
		case taggedText:
			s = c.stringValue(p, s)
		case taggedValue:
			s = c.value(p, s)
		}
		if over || c.state == before && len(s) == had {
			return s, over
		}
	}
	return s, over
}

func (c *taggedCalls) block(s string) (rest string, over bool) {
	at, which, keep := firstMark(s, []string{c.t.call, c.t.close})
	switch which {
	case 0:
		c.state = taggedName
		return s[at+len(c.t.call):], false
	case 1:
		return s[at+len(c.t.close):], true
	}
	return s[len(s)-keep:], false
}

func (c *taggedCalls) name(p *answerParser, s string) (rest string, over bool) {
	marks := []string{c.t.callName}
	if c.t.call == "" { // the name ends with its line, or with what may follow it
		if s = strings.TrimLeft(s, space); s == "" {
			return "", false
		}
		marks = []string{"\n", c.t.key, c.t.close}
	}
	at, which, _ := firstMark(s, marks)
	if which < 0 {
		return s, false
	}
	c.begin(p, strings.Trim(s[:at], space))
	if which == 0 {
		at += len(marks[0])
	}
	return s[at:], false
}

func (c *taggedCalls) begin(p *answerParser, name string) {
	c.state, c.params, c.types, c.deaf = taggedCall, 0, nil, name == ""
	if c.deaf {
		return
	}
	p.open(name)
	for _, t := range c.declared {
		if t.Name == name {
			c.types = ParamKinds(t.Parameters)
		}
	}
}

func (c *taggedCalls) call(p *answerParser, s string) (rest string, over bool) {
	marks := []string{c.t.key, c.t.close, c.t.callEnd}
	if c.t.callEnd == "" {
		marks = marks[:2]
	}
	at, which, keep := firstMark(s, marks)
	if which < 0 {
		return s[len(s)-keep:], false
	}
	rest = s[at+len(marks[which]):]
	if which == 0 {
		c.state = taggedKey
		return rest, false
	}
	c.finish(p)
	// A block with one call ends with it; what follows is dropped like other closers.
	return rest, which == 1 || !c.t.several
}

// finish ends a call's arguments.
func (c *taggedCalls) finish(p *answerParser) {
	c.state = taggedBlock
	if c.params == 0 {
		c.say(p, "{")
	}
	c.say(p, "}")
}

func (c *taggedCalls) say(p *answerParser, s string) {
	if !c.deaf {
		p.arguments(s)
	}
}

func (c *taggedCalls) key(p *answerParser, s string) string {
	name, rest, ok := strings.Cut(s, c.t.keyEnd)
	if !ok {
		return s
	}
	begin := ", "
	if c.params++; c.params == 1 {
		begin = "{"
	}
	name = strings.Trim(name, space)
	c.say(p, begin+`"`+escaped(name)+`": `)
	c.kind, c.begun, c.json = c.types[name], false, jsonSpan{}
	c.text.Reset()
	c.state = taggedBefore
	return rest
}

// before goes to the beginning of the value.
func (c *taggedCalls) before(s string) string {
	if v := c.t.value; v != "" {
		at, which, keep := firstMark(s, []string{v})
		if which < 0 {
			return s[len(s)-keep:]
		}
		s = s[at+len(v):]
	}
	if c.t.lines { // there is something of s: the line break, or it has none
		s = strings.TrimPrefix(s, "\n")
	}
	c.state = taggedValue
	if c.kind == ParamText {
		c.state = taggedText
	}
	return s
}

// stringValue gives a string on, piece by piece.
func (c *taggedCalls) stringValue(p *answerParser, s string) string {
	if !c.begun {
		c.begun = true
		c.say(p, `"`)
	}
	at, which, keep := firstMark(s, []string{c.t.valueEnd})
	if which >= 0 {
		c.say(p, escaped(c.bare(s[:at]))+`"`)
		c.state = taggedCall
		return s[at+len(c.t.valueEnd):]
	}
	text := s[:len(s)-keep]
	if c.t.lines { // a line break that may be the tag's
		text = strings.TrimSuffix(text, "\n")
	}
	c.say(p, escaped(text))
	return s[len(text):]
}

// bare takes the line break away that stands between a value and its tag.
func (c *taggedCalls) bare(s string) string {
	if c.t.lines {
		return strings.TrimSuffix(s, "\n")
	}
	return s
}

// value keeps a value until its end. In one that looks like JSON a tag within a
// string is text.
func (c *taggedCalls) value(p *answerParser, s string) string {
	if !c.begun && strings.Trim(s, space) != "" {
		c.begun = true
		c.plain = c.kind == ParamTextOrNull || strings.IndexByte(`{["`, strings.TrimLeft(s, space)[0]) < 0
	}
	find := firstMark
	if c.begun && !c.plain {
		find = c.json.skip
	}
	at, which, keep := find(s, []string{c.t.valueEnd})
	if which < 0 {
		c.text.WriteString(s[:len(s)-keep])
		return s[len(s)-keep:]
	}
	c.text.WriteString(s[:at])
	c.say(p, c.kind.read(c.bare(c.text.String())))
	c.state = taggedCall
	return s[at+len(c.t.valueEnd):]
}

// read makes JSON of a value.
func (k ParamKind) read(s string) string {
	word := strings.Trim(s, space)
	if k == ParamTextOrNull {
		if word == "null" {
			return word
		}
		return `"` + escaped(s) + `"`
	}
	switch word {
	case "True", "False":
		return strings.ToLower(word) // templates print past values as Python does
	case "None":
		return "null"
	}
	if json.Valid([]byte(s)) {
		return word
	}
	return `"` + escaped(s) + `"`
}

func (c *taggedCalls) end(p *answerParser, s string) {
	if p.cut || c.state == taggedBlock || c.state == taggedName {
		return
	}
	_, _, keep := firstMark(s, []string{c.t.valueEnd})
	s = s[:len(s)-keep]
	switch c.state {
	case taggedText:
		if !c.begun {
			c.say(p, `"`)
		}
		c.say(p, escaped(c.bare(s))+`"`)
	case taggedValue, taggedBefore:
		c.text.WriteString(s)
		c.say(p, c.kind.read(c.bare(c.text.String())))
	}
	c.finish(p)
}
