package chat

import "strings"

// Mistral's marks of calls, each a special token.
const (
	mistralCalls = "[TOOL_CALLS]"
	mistralID    = "[CALL_ID]"
	mistralArgs  = "[ARGS]"
)

// mistralForm reads all three forms: which one an answer has shows behind its
// opener.
var mistralForm = callForm{
	openers: []string{mistralCalls}, special: true,
	block: func(string, *ParserOptions) callBlock { return &mistralBlock{} },
	id:    mistralCallID,
}

// mistralBlock reads what follows an opener: a list of objects, or the name of one
// call and its arguments. Ids are left out: the client gets longer ones.
type mistralBlock struct {
	state  mistralState
	listed bool     // it is a list
	json   jsonSpan // of the arguments
}

type mistralState uint8

const (
	mistralStart mistralState = iota
	mistralList               // between the objects of a list
	mistralObject
	mistralName
	mistralIDText // in an id
	mistralValue  // in the arguments
)

var (
	mistralNameMarks = []string{mistralArgs, mistralID, "{"}
	mistralIDMarks   = []string{mistralArgs, "{"}
)

func (m *mistralBlock) feed(p *answerParser, s string) (rest string, over bool) {
	for s != "" {
		before, had := m.state, len(s)
		switch m.state {
		case mistralStart:
			if s = strings.TrimLeft(s, space); s == "" {
				return "", false
			}
			switch s[0] {
			case '[':
				s, m.state, m.listed = s[1:], mistralList, true
			case '{':
				m.state = mistralObject
			default:
				m.state = mistralName
			}
		case mistralList:
			s, over = m.list(s)
		case mistralObject:
			s, over = m.object(p, s)
		case mistralName:
			s = m.name(p, s)
		case mistralIDText:
			s = m.id(s)
		case mistralValue:
			s, over = m.value(p, s)
		}
		if over || m.state == before && len(s) == had {
			return s, over
		}
	}
	return s, over
}

// list goes to the next object, or to the end of the list.
func (m *mistralBlock) list(s string) (rest string, over bool) {
	i := strings.IndexAny(s, "{]")
	if i < 0 {
		return "", false
	}
	if s[i] == '{' {
		m.state = mistralObject
		return s[i:], false
	}
	return s[i+1:], true
}

// object reads an object with a name and arguments. One that is none is dropped.
func (m *mistralBlock) object(p *answerParser, s string) (rest string, over bool) {
	if p.call == nil {
		p.call = &callReader{}
	}
	c := p.call
	s = s[c.feed(s):]
	if c.over && !c.given {
		c.args = "{}"
	}
	p.sayCall()
	if !c.over && !c.broken {
		return s, false
	}
	if c.named() {
		p.calls++
	}
	p.call, m.state = nil, mistralList
	return s, !m.listed
}

func (m *mistralBlock) name(p *answerParser, s string) string {
	at, which, _ := firstMark(s, mistralNameMarks)
	if which < 0 {
		return s
	}
	p.open(strings.TrimRight(s[:at], space)) // which begins with a sign of its own
	m.json = jsonSpan{}
	m.state = mistralValue
	switch mistralNameMarks[which] {
	case "{":
		return s[at:]
	case mistralID:
		m.state = mistralIDText
	}
	return s[at+len(mistralNameMarks[which]):]
}

func (m *mistralBlock) id(s string) string {
	at, which, keep := firstMark(s, mistralIDMarks)
	if which < 0 {
		return s[len(s)-keep:]
	}
	m.state = mistralValue
	if mistralIDMarks[which] == "{" {
		return s[at:]
	}
	return s[at+len(mistralArgs):]
}

// value reads the arguments, which are an object: its end is theirs.
func (m *mistralBlock) value(p *answerParser, s string) (rest string, over bool) {
	if !m.json.begun {
		s = strings.TrimLeft(s, space)
	}
	for i := range len(s) {
		if m.json.byte(s[i]) {
			p.arguments(s[:i+1])
			return s[i+1:], true
		}
	}
	p.arguments(s)
	return "", false
}

func (m *mistralBlock) end(p *answerParser, _ string) {
	if p.call != nil && p.call.named() {
		p.calls++
	}
	if (m.state == mistralValue || m.state == mistralIDText) && !m.json.begun && !p.cut {
		p.arguments("{}")
	}
}
