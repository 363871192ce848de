package chat

import (
	"encoding/json"
	"slices"
	"strings"
)

// A callReader reads one JSON object with the name and the arguments of a call, a
// byte at a time, and gives the arguments on as they come, exactly as written.
type callReader struct {
	names []string // if not nil, the name must be one of these
	raw   string   // all of it up to the name, with what stood before the object
	read  int      // bytes of raw that are the object's

	state  callState
	key    string // of the value that is read
	value  strings.Builder
	depth  int  // of brackets within a value
	quoted bool // within a string of a value
	escape bool // behind a backslash

	name   string
	args   string // not taken yet
	given  bool   // there were arguments
	told   bool   // the name was given on
	over   bool   // the object is complete
	broken bool   // it is no call
}

type callState uint8

const (
	beforeObject callState = iota
	beforeKey
	inKey
	beforeColon
	beforeValue
	inString  // a value that is a string
	inNested  // an object or a list
	inLiteral // a number, true, false, null
	afterValue
)

// named reports whether the call can be given on: its name is known.
func (c *callReader) named() bool { return c.name != "" }

func (c *callReader) takeArguments() string {
	a := c.args
	c.args = ""
	return a
}

// feed reads on and returns how many bytes it took: all, unless the call is over
// or broken. A byte that breaks it is not taken.
func (c *callReader) feed(s string) int {
	n := 0
	for n < len(s) && !c.over && !c.broken {
		from := n
		if k := c.run(s[n:]); k > 0 {
			n += k
		} else {
			if c.broken = !c.byte(s[n]); c.broken {
				break
			}
			n++
		}
		if !c.named() { // it can still turn out to be no call
			c.raw += s[from:n]
			c.read += n - from
		}
	}
	return n
}

// run takes the plain characters of a value at once.
func (c *callReader) run(s string) int {
	if c.escape || c.state != inString && (c.state != inNested || !c.quoted) {
		return 0
	}
	n := strings.IndexAny(s, `"\`)
	if n < 0 {
		n = len(s)
	}
	c.keep(s[:n])
	return n
}

// keep notes more of a value. Nested arguments go on at once.
func (c *callReader) keep(s string) {
	if c.state == inNested && c.isArguments() {
		c.args += s
		return
	}
	c.value.WriteString(s)
}

func (c *callReader) isArguments() bool { return c.key == "arguments" || c.key == "parameters" }

// byte takes one byte and reports whether it may stand there.
func (c *callReader) byte(b byte) bool {
	if strings.IndexByte(space, b) >= 0 && c.state != inKey && c.state != inString && c.state != inNested {
		if c.state == inLiteral {
			return c.end()
		}
		return true
	}
	switch c.state {
	case beforeObject:
		c.state = beforeKey
		return b == '{'
	case beforeKey:
		if b == '}' {
			return c.close()
		}
		c.state = inKey
		c.value.Reset()
		c.value.WriteByte(b)
		return b == '"'
	case inKey, inString:
		return c.stringByte(b)
	case beforeColon:
		c.state = beforeValue
		return b == ':'
	case beforeValue:
		return c.beginValue(b)
	case inNested:
		return c.nestedByte(b)
	case inLiteral:
		if b != ',' && b != '}' {
			c.value.WriteByte(b)
			return strings.IndexByte(`"{[]:`, b) < 0
		}
		return c.end() && c.byte(b)
	case afterValue:
		if b == '}' {
			return c.close()
		}
		c.state = beforeKey
		return b == ','
	}
	return false
}

func (c *callReader) beginValue(b byte) bool {
	c.value.Reset()
	switch b {
	case '"':
		c.state = inString
	case '{', '[':
		c.state, c.depth, c.quoted = inNested, 1, false
		c.given = c.given || c.isArguments()
	case '}', ']', ',', ':':
		return false
	default:
		c.state = inLiteral
	}
	c.keep(string(b))
	return true
}

// stringByte takes a byte of a key or of a value that is a string.
func (c *callReader) stringByte(b byte) bool {
	c.value.WriteByte(b)
	switch {
	case c.escape:
		c.escape = false
	case b == '\\':
		c.escape = true
	case b == '"':
		if c.state == inString {
			return c.end()
		}
		c.state = beforeColon
		return json.Unmarshal([]byte(c.value.String()), &c.key) == nil
	}
	return true
}

func (c *callReader) nestedByte(b byte) bool {
	c.keep(string(b))
	switch {
	case c.escape:
		c.escape = false
	case c.quoted && b == '\\':
		c.escape = true
	case b == '"':
		c.quoted = !c.quoted
	case c.quoted:
	case b == '{' || b == '[':
		c.depth++
	case b == '}' || b == ']':
		if c.depth--; c.depth == 0 {
			c.state = afterValue
		}
	}
	return true
}

// end ends a value that is a string or a literal.
func (c *callReader) end() bool {
	c.state = afterValue
	text := c.value.String()
	switch {
	case c.key == "name":
		if json.Unmarshal([]byte(text), &c.name) != nil || c.name == "" {
			return false
		}
		if c.names != nil && !slices.Contains(c.names, c.name) {
			c.name = ""
			return false
		}
	case c.isArguments() && text != "null":
		// Some models write the arguments as a text that holds JSON.
		var s string
		if json.Unmarshal([]byte(text), &s) == nil {
			text = s
		}
		c.args, c.given = c.args+text, true
	}
	return true
}

// close ends the object.
func (c *callReader) close() bool {
	c.over = c.named()
	return c.over
}
