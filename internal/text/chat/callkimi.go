package chat

import "strings"

// Kimi-K2's marks of calls, each a special token.
const (
	kimiSection    = "<|tool_calls_section_begin|>"
	kimiSectionEnd = "<|tool_calls_section_end|>"
	kimiCall       = "<|tool_call_begin|>"
	kimiArguments  = "<|tool_call_argument_begin|>"
	kimiCallEnd    = "<|tool_call_end|>"
)

// kimiCalls reads a section of calls: an id such as "functions.get_weather:0",
// then the arguments. The id that goes to the client is not this one: it is made
// of a count that begins anew wherever a client leaves out what came before.
type kimiCalls struct {
	state kimiState
	json  jsonSpan // within the arguments
}

type kimiState uint8

const (
	kimiBetween kimiState = iota
	kimiID
	kimiArgs
)

var (
	kimiBetweenMarks = []string{kimiCall, kimiSectionEnd}
	kimiIDMarks      = []string{kimiArguments, kimiCallEnd, kimiSectionEnd}
	kimiArgsMarks    = []string{kimiCallEnd, kimiSectionEnd, kimiCall}
)

func (k *kimiCalls) feed(p *answerParser, s string) (rest string, over bool) {
	for s != "" {
		var moved bool
		switch k.state {
		case kimiBetween:
			at, which, keep := firstMark(s, kimiBetweenMarks)
			if which < 0 {
				return s[len(s)-keep:], false
			}
			s, moved, over = s[at+len(kimiBetweenMarks[which]):], true, which == 1
			if !over {
				k.state = kimiID
			}
		case kimiID:
			s, moved, over = k.id(p, s)
		case kimiArgs:
			s, moved, over = k.arguments(p, s)
		}
		if over || !moved {
			return s, over
		}
	}
	return s, over
}

// id reads a call's name.
func (k *kimiCalls) id(p *answerParser, s string) (rest string, moved, over bool) {
	at, which, _ := firstMark(s, kimiIDMarks)
	if which < 0 {
		return s, false, false
	}
	rest = s[at+len(kimiIDMarks[which]):]
	name := kimiName(s[:at])
	k.state = kimiBetween
	if name != "" {
		p.open(name)
		if which == 0 {
			k.state, k.json = kimiArgs, jsonSpan{}
		} else {
			p.arguments("{}")
		}
	}
	return rest, true, which == 2
}

// kimiName takes the name out of an id.
func kimiName(id string) string {
	name := strings.TrimPrefix(strings.Trim(id, space), "functions.")
	if i := strings.LastIndexByte(name, ':'); i >= 0 && strings.Trim(name[i+1:], "0123456789") == "" {
		name = name[:i]
	}
	return name
}

func (k *kimiCalls) arguments(p *answerParser, s string) (rest string, moved, over bool) {
	if !k.json.begun {
		if s = strings.TrimLeft(s, space); s == "" {
			return "", false, false
		}
	}
	at, which, keep := k.json.skip(s, kimiArgsMarks)
	if which < 0 {
		p.arguments(s[:len(s)-keep])
		return s[len(s)-keep:], false, false
	}
	p.arguments(s[:at])
	if !k.json.begun {
		p.arguments("{}")
	}
	k.state = kimiBetween
	if which == 2 {
		k.state = kimiID
	}
	return s[at+len(kimiArgsMarks[which]):], true, which == 1
}

func (k *kimiCalls) end(p *answerParser, _ string) {
	if k.state == kimiArgs && !k.json.begun && !p.cut {
		p.arguments("{}")
	}
}
