package grammar

import (
	"fmt"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// kimiMarkup is Kimi-K2's: a section of calls between special tokens. The number
// behind the name counts the calls of the conversation.
var kimiMarkup = markup{
	open: special("<|tool_calls_section_begin|>"), close: special("<|tool_calls_section_end|>"), between: nothing,
	markers: []string{"<|tool_call"},
	call: func(c *toolCompiler, t chat.Tool) (*node, error) {
		args, err := c.arguments()
		return seq(special("<|tool_call_begin|>"), lit("functions."+t.Name+":"), repeat(digit, 1, 4),
			special("<|tool_call_argument_begin|>"), args, special("<|tool_call_end|>")), err
	},
}

const mistralCalls = "[TOOL_CALLS]"

// mistralCallID is nine letters and digits.
var mistralCallID = repeat(runes('0', '9', 'A', 'Z', 'a', 'z'), 9, 9)

// mistralList is a list of objects, as Mistral's older models write it.
var mistralList = markup{
	open: seq(special(mistralCalls), opt(lit(" ")), lit("[")), close: lit("]"), between: lit(", "),
	markers: []string{"[TOOL_CALLS"},
	call: func(c *toolCompiler, t chat.Tool) (*node, error) {
		args, err := c.arguments()
		b := c.free.blanks
		id := seq(lit(","), b, lit(`"id":`), b, lit(`"`), mistralCallID, lit(`"`))
		return seq(lit("{"), lit(`"name":`), b, lit(quoted(t.Name)+","), b, lit(`"arguments":`), b, args, opt(id), lit("}")), err
	},
}

// mistralNamed is a call by name, with an id or without.
func mistralNamed(withID bool) *markup {
	id := nothing
	if withID {
		id = seq(special("[CALL_ID]"), mistralCallID)
	}
	return &markup{
		open: nothing, close: nothing, between: nothing, markers: []string{"[TOOL_CALLS"},
		call: func(c *toolCompiler, t chat.Tool) (*node, error) {
			if strings.ContainsAny(t.Name, "[{ \n\r\t") {
				return nil, fmt.Errorf("the name %q has a sign that cannot be written in this model's calls", shorten(t.Name))
			}
			args, err := c.arguments()
			return seq(special(mistralCalls), lit(t.Name), id, special("[ARGS]"), args), err
		},
	}
}

// callTags are the tags around the arguments of a call. A string is written as it
// is, but where the schema leaves open whether it is one: there it is JSON, as the
// parser reads it.
type callTags struct {
	key, value, end *node  // before an argument's name, between name and value, and behind it
	mark            string // of the end: it cannot be part of a string
}

var (
	qwenTags    = callTags{lit("<parameter="), lit(">\n"), lit("\n</parameter>\n"), "</parameter>"}
	glmTags     = callTags{special("<arg_key>"), seq(special("</arg_key>"), glmBreak, special("<arg_value>")), seq(special("</arg_value>"), glmBreak), "</arg_value>"}
	minimaxTags = callTags{lit(`<parameter name="`), lit(`">`), lit("</parameter>\n"), "</parameter>"}

	qwenMarkup = markup{
		open: nothing, close: nothing, between: lit("\n"), markers: []string{"<tool_", "</tool_", "<function=", "</function>"},
		call: func(c *toolCompiler, t chat.Tool) (*node, error) {
			args, err := c.tagged(&qwenTags, "")
			return seq(special("<tool_call>"), lit("\n<function="+t.Name+">\n"), args, lit("</function>\n"), special("</tool_call>")), err
		},
	}
	// GLM-4.5 and 4.6 break lines between tags, 4.7 does not.
	glmBreak  = opt(lit("\n"))
	glmMarkup = markup{
		open: nothing, close: nothing, between: glmBreak, markers: []string{"<tool_", "</tool_"},
		call: func(c *toolCompiler, t chat.Tool) (*node, error) {
			args, err := c.tagged(&glmTags, "")
			return seq(special("<tool_call>"), lit(t.Name), glmBreak, args, special("</tool_call>")), err
		},
	}
	minimaxMarkup = markup{
		open: seq(special("<minimax:tool_call>"), lit("\n")), close: special("</minimax:tool_call>"), between: nothing,
		markers: []string{"<minimax:", "</minimax:", "<invoke name", "</invoke>"},
		call: func(c *toolCompiler, t chat.Tool) (*node, error) {
			args, err := c.tagged(&minimaxTags, "")
			return seq(lit(`<invoke name="`+t.Name+`">`+"\n"), args, lit("</invoke>\n")), err
		},
	}
)

func (w *callTags) around(name, value *node) *node { return seq(w.key, name, w.value, value, w.end) }

// parameter is one argument.
func (w *callTags) parameter(c *toolCompiler, name *node, known string, s *schema) (*node, error) {
	leaves, err := c.leaves(s)
	if err != nil {
		return nil, err
	}
	var alts []*node
	for _, l := range leaves {
		if kind := c.kinds[known]; known != "" && kind != chat.ParamJSON {
			alts, err = w.text(c, l, kind, alts)
		} else {
			alts, err = w.json(c, l, alts)
		}
		if err != nil {
			return nil, located(l.path, err)
		}
	}
	return w.around(name, alt(alts...)), nil
}

// text adds the texts of a leaf that allows strings, and maybe null.
func (w *callTags) text(c *toolCompiler, l *schema, kind chat.ParamKind, alts []*node) ([]*node, error) {
	if l.types&kString != 0 {
		n, err := c.rawText(l, w.mark)
		if err != nil {
			return nil, err
		}
		alts = append(alts, n)
	}
	if kind != chat.ParamTextOrNull || l.types&kNull == 0 {
		return alts, nil
	}
	n, err := c.leaf(l, kNull)
	return append(alts, n), err
}

// json adds the values of a leaf. Where anything is allowed, also a text as it is,
// if it cannot be taken for the beginning of JSON that has an end.
func (w *callTags) json(c *toolCompiler, l *schema, alts []*node) ([]*node, error) {
	n, err := c.leaf(l, kAll)
	if err != nil {
		return nil, err
	}
	alts = append(alts, n)
	if l.types != kAll || !l.unlimited() {
		return alts, nil
	}
	free, err := withoutDFA(c.work, []string{w.mark})
	if err != nil {
		return nil, err
	}
	d, err := c.patternDFA(`^([^ \n\r\t{"\[][^]*)?$`)
	if err == nil {
		d, err = product(c.work, d, free, false)
	}
	return append(alts, &node{op: opDFA, dfa: d}), err
}

// fixed is one argument with a given value.
func (w *callTags) fixed(c *toolCompiler, name string, x *value) (*node, error) {
	text, kind := x.text(), c.kinds[name]
	if x.kind == kString && kind != chat.ParamJSON {
		text = x.str
		if strings.Contains(text, w.mark) || kind == chat.ParamTextOrNull && strings.TrimSpace(text) == "null" {
			return nil, errMarkup(text)
		}
	}
	return w.around(lit(name), lit(text)), nil
}
