package chat

import "strings"

const (
	callOpen  = "<tool_call>"
	callClose = "</tool_call>"
	// Some models put it in front of a call, and nothing behind.
	pythonTag = "<|python_tag|>"
)

// space is what may stand around the parts of a call.
const space = " \n\r\t"

// beginCall starts to read a call. Without soft its tag has said what it is; with
// soft it is one only if it names a declared tool, else it is content.
func (p *answerParser) beginCall(opener string, soft bool) {
	p.state = inCall
	p.call = &callReader{raw: opener}
	if soft {
		p.call.names = p.o.Names
	}
}

// bareCall looks whether the content begins with an object that may be a call. more
// says that this cannot be told yet.
func (p *answerParser) bareCall() (is, more bool) {
	rest := strings.TrimLeft(p.held, space)
	tagged := strings.HasPrefix(rest, pythonTag)
	if tagged {
		rest = strings.TrimLeft(rest[len(pythonTag):], space)
	}
	switch {
	case strings.HasPrefix(rest, "{"):
		opener := p.held[:len(p.held)-len(rest)]
		p.held = rest
		p.beginCall(opener, true)
		return true, false
	case rest == "":
		return false, true
	}
	return false, !tagged && strings.HasPrefix(pythonTag, rest)
}

// stepCall feeds a call. Where it turns out to be none it becomes content, which
// is looked through again behind its opener.
func (p *answerParser) stepCall() bool {
	c := p.call
	opener := len(c.raw) - c.read
	n := c.feed(p.held)
	p.held = p.held[n:]
	if c.broken && !c.named() {
		p.noCall(opener)
		return true
	}
	if !c.over && !c.broken {
		p.sayCall()
		return false
	}
	if !c.given {
		c.args = "{}"
	}
	p.sayCall()
	p.calls++
	p.call, p.state = nil, afterCall
	if c.broken {
		p.state = inBroken
	}
	return true
}

// stepBroken drops what follows the point where a call that has a name is no JSON
// any more: it is no text for anybody.
func (p *answerParser) stepBroken() bool {
	if i := strings.Index(p.held, callClose); i >= 0 && p.form.name == CallsHermes {
		p.held, p.state = p.held[i:], afterCall
		return true
	}
	p.held = p.held[len(p.held)-partial(p.held, callClose):]
	return false
}

// sayCall gives what a call has said since the last time.
func (p *answerParser) sayCall() {
	c := p.call
	if !c.named() {
		return
	}
	d := ToolCallDelta{Index: p.calls, Arguments: c.takeArguments()}
	if !c.told {
		c.told, d.Name = true, c.name
	}
	if d.Name != "" || d.Arguments != "" {
		p.out = append(p.out, d)
	}
}

// noCall makes content of what was taken for a call.
func (p *answerParser) noCall(opener int) {
	raw := p.call.raw
	p.call, p.state = nil, inContent
	if opener == 0 { // a brace at the beginning: it is content from there on
		opener = len(raw)
	}
	p.text(raw[:opener])
	p.held = raw[opener:] + p.held
	p.trim = false
}

// endCall ends a call that the end of the answer cuts off.
func (p *answerParser) endCall(cut bool) {
	c := p.call
	switch {
	case c.named():
		p.calls++
	case !cut || c.names != nil:
		p.text(c.raw)
	}
}

// stepAfter drops what stands between two calls.
func (p *answerParser) stepAfter(last bool) bool {
	rest := strings.TrimLeft(p.held, space)
	next := p.form.openers
	if p.form.name == CallsLlama {
		rest, next = strings.TrimLeft(rest, space+";"), []string{pythonTag}
	}
	may := rest == ""
	for _, s := range p.form.closers {
		if after, ok := strings.CutPrefix(rest, s); ok {
			p.held = after
			return true
		}
		may = may || strings.HasPrefix(s, rest)
	}
	for _, s := range next {
		may = may || strings.HasPrefix(s, rest)
	}
	if may {
		p.held = rest
		if last {
			p.held = ""
		}
		return false
	}
	p.held, p.trim, p.state = rest, true, inContent
	return true
}
