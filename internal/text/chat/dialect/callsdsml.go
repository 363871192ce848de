package dialect

import (
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

// callsKind says how a family's models write calls.
type callsKind uint8

const (
	callsNone   callsKind = iota
	callsFenced           // V3, R1: special tokens, arguments in a fence
	callsBare             // V3.1: special tokens
	callsDSML             // V3.2, V4, V4.1: DSML elements
)

// opener returns the text that begins a block of calls.
func (k callsKind) opener() string {
	if k == callsDSML {
		return "<" + tokDSML
	}
	return tokCalls
}

func (k callsKind) parser() callParser {
	switch k {
	case callsFenced, callsBare:
		return &tagCalls{fenced: k == callsFenced}
	case callsDSML:
		return &dsmlCalls{}
	}
	return nil
}

// dsmlCalls reads a block of DSML. Like DeepSeek's own parser it looks for the
// few texts that matter and takes no notice of the rest, so that V3.2, V4 and
// V4.1 are read alike.
type dsmlCalls struct {
	state  dsmlState
	params int      // of the open call
	quoted bool     // the value is a string
	json   inString // in a value that is none
}

type dsmlState uint8

const (
	dsmlBlock  dsmlState = iota // between calls
	dsmlName                    // in the name of a call
	dsmlCall                    // between parameters
	dsmlHeader                  // after a parameter's name=
	dsmlKey                     // in a key that is not well formed
	dsmlKind                    // before the kind of a parameter
	dsmlValue                   // in a value
)

const (
	dsmlInvoke    = `invoke name="`
	dsmlParameter = `parameter name=`
	dsmlClose     = "</" + tokDSML
)

var (
	dsmlBlockMarks = []string{dsmlInvoke, dsmlClose + "tool_calls>", dsmlClose + " calls>", dsmlClose + "function_calls>"}
	dsmlCallMarks  = []string{dsmlParameter, dsmlClose}
	dsmlKindMarks  = []string{`string="true">`, `string="false">`}
	dsmlValueMarks = []string{dsmlClose}
)

// feed implements callParser.
func (d *dsmlCalls) feed(p *parser, s string, last bool) (rest string, ended bool) {
	for {
		before := d.state
		switch d.state {
		case dsmlBlock:
			s, ended = d.block(s)
		case dsmlName:
			s = d.name(p, s)
		case dsmlCall:
			s = d.call(p, s)
		case dsmlHeader:
			s = d.header(p, s, last)
		case dsmlKey:
			s = d.key(p, s)
		case dsmlKind:
			s = d.kind(p, s)
		case dsmlValue:
			s = d.value(p, s, last)
		}
		if ended || d.state == before {
			return s, ended
		}
	}
}

// skip returns the mark that is complete first, or -1, and what follows it or
// may still become one.
func skip(s string, marks []string) (which int, rest string) {
	at, which := earliest(s, marks)
	if which < 0 {
		return which, s[len(s)-partial(s, marks):]
	}
	return which, s[at+len(marks[which]):]
}

func (d *dsmlCalls) block(s string) (string, bool) {
	which, rest := skip(s, dsmlBlockMarks)
	if which == 0 {
		d.state = dsmlName
	}
	return rest, which > 0
}

func (d *dsmlCalls) name(p *parser, s string) string {
	name, rest, ok := strings.Cut(s, `"`)
	if !ok {
		return s
	}
	p.open(name)
	d.state, d.params = dsmlCall, 0
	return rest
}

func (d *dsmlCalls) call(p *parser, s string) string {
	which, rest := skip(s, dsmlCallMarks)
	switch {
	case which == 0 && d.params == 0:
		p.arguments("{")
		d.state = dsmlHeader
	case which == 0:
		p.arguments(", ")
		d.state = dsmlHeader
	case which == 1 && d.params == 0:
		p.arguments("{}")
		d.state = dsmlBlock
	case which == 1:
		p.arguments("}")
		d.state = dsmlBlock
	}
	return rest
}

// header reads `"KEY" string="true|false">`. A key may hold any text, so that
// nothing is given before the kind is there. If another tag comes first, the
// header is not well formed and is read as DeepSeek's parser of September 2026
// does: the key ends at a space.
func (d *dsmlCalls) header(p *parser, s string, last bool) string {
	at, which := earliest(s, dsmlKindMarks)
	end := strings.Index(s, tokDSML)
	if which >= 0 && (end < 0 || at < end) {
		if key, ok := headerKey(s[:at]); ok {
			p.arguments(`"` + value.Escape(key) + `"`)
			d.state = dsmlKind
			p.arguments(": ")
			return s[at:]
		}
	}
	if which >= 0 || end >= 0 || s != "" && s[0] != '"' {
		d.state = dsmlKey
		return s
	}
	if last && s != "" {
		d.rest(p, s)
		return ""
	}
	return s
}

// headerKey returns the key of a header without its kind.
func headerKey(s string) (string, bool) {
	t := strings.TrimRight(s, " ")
	if len(t) == len(s) || len(t) < 2 || t[0] != '"' || t[len(t)-1] != '"' {
		return "", false
	}
	key := t[1 : len(t)-1]
	if strings.Contains(key, `="`) {
		key, _, _ = strings.Cut(key, `"`) // another attribute follows the key
	}
	return key, true
}

// rest gives the beginning of a header at the end of an answer that was cut.
func (d *dsmlCalls) rest(p *parser, s string) {
	key, tail, closed := strings.Cut(s[1:], `"`)
	p.arguments(`"` + value.Escape(key))
	if closed {
		p.arguments(`"`)
		if strings.HasPrefix(tail, " ") {
			p.arguments(": ")
		}
	}
}

// key gives text as it is, up to a space.
func (d *dsmlCalls) key(p *parser, s string) string {
	key, rest, ok := strings.Cut(s, " ")
	p.arguments(key)
	if !ok {
		return ""
	}
	p.arguments(": ")
	d.state = dsmlKind
	return rest
}

func (d *dsmlCalls) kind(p *parser, s string) string {
	which, rest := skip(s, dsmlKindMarks)
	if which < 0 {
		return rest
	}
	d.params++
	d.quoted = which == 0
	if d.quoted {
		p.arguments(`"`)
	}
	d.state = dsmlValue
	return rest
}

func (d *dsmlCalls) value(p *parser, s string, last bool) string {
	at, which := earliest(s, dsmlValueMarks)
	if p.clean && !d.quoted {
		at, which = d.json.earliest(s, dsmlValueMarks)
	}
	give := s
	switch {
	case which >= 0:
		give = s[:at]
	case !last || p.cut && p.clean:
		give = s[:len(s)-partial(s, dsmlValueMarks)]
	}
	if d.quoted {
		p.arguments(value.Escape(give))
	} else {
		p.arguments(give)
		d.json.pass(give)
	}
	if which < 0 {
		return s[len(give):]
	}
	d.json = inString{}
	if d.quoted {
		p.arguments(`"`)
	}
	d.state = dsmlCall
	return s[at+len(dsmlClose):]
}
