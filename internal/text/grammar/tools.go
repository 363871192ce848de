package grammar

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// A Style is the markup in which a model calls tools.
type Style uint8

// The styles. DSML is DeepSeek's markup with a parameter in a tag each; its
// three forms differ in the names of the tags.
const (
	StyleHermes      Style = iota // <tool_call>{"name": ..., "arguments": ...}</tool_call>: Qwen and others
	StyleDeepSeekV3               // V3, R1: arguments in a code block
	StyleDeepSeekV31              // V3.1: name and arguments between tokens
	StyleDSMLV32                  // function_calls
	StyleDSMLV4                   // tool_calls
	StyleDSMLV41                  // tool_calls with a blank in front of each tag's name
	StyleLlama                    // {"name": ..., "parameters": ...} and nothing else: one call
	StyleKimi                     // a section of calls with ids
	StyleQwenCoder                // a tag for the function and one for each parameter
	StyleGLM                      // pairs of tags for key and value
	StyleMiniMax                  // invoke and parameter tags in a block
	StyleMistralList              // [TOOL_CALLS][{"name": ..., "arguments": ..., "id": ...}]
	StyleMistralID                // [TOOL_CALLS]name[CALL_ID]id[ARGS]arguments
	StyleMistral                  // [TOOL_CALLS]name[ARGS]arguments
)

// String returns the style's name.
func (s Style) String() string {
	names := [...]string{"hermes", "deepseek-v3", "deepseek-v3.1", "dsml-v3.2", "dsml-v4", "dsml-v4.1", "llama", "kimi-k2", "qwen3-coder", "glm-4.5", "minimax-m2", "mistral-v3", "mistral-v11", "mistral-v13"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("style(%d)", uint8(s))
}

// ToolOptions say which calls an answer may hold.
type ToolOptions struct {
	// Choice is whether there must be a call, and of which tool. With ToolAuto
	// the answer is text, a block of calls, or text and then a block; with
	// ToolNone it is text that opens no block.
	Choice chat.ToolChoice
	// Single allows one call only.
	Single bool
	// Opened says that the prompt has opened the block of calls already.
	Opened bool
	// JSON is how arguments are written.
	JSON Options
}

// maxTools bounds the tools of one request, and maxCalls the calls of one answer:
// a small model that has begun to call may not find an end.
const (
	maxTools = 1024
	maxCalls = 32
)

// ToolCalls is the answers that call tools in a model's own markup, with
// arguments that follow the tools' schemas.
func ToolCalls(style Style, tools []chat.Tool, o ToolOptions) (*Grammar, error) {
	m, err := markupOf(style)
	if err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	text, err := m.text()
	if err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	o.Single = o.Single || m.alone
	if o.Choice.Mode == chat.ToolNone {
		return checked(text)
	}
	block, err := m.block(tools, o)
	if err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	switch {
	case o.Opened:
		return checked(block)
	case o.Choice.Mode == chat.ToolAuto && m.alone:
		return checked(alt(text, block))
	case o.Choice.Mode == chat.ToolAuto:
		return checked(seq(text, opt(block)))
	}
	return checked(seq(repeat(lit("\n"), 0, 2), block))
}

// Markers returns the texts that begin the tags of a style. Text and reasoning
// around calls must not have them: whoever reads the answer would take them for
// a call, or show a part of one. It is empty for a style without tags.
func Markers(style Style) []string {
	m, err := markupOf(style)
	if err != nil {
		return nil
	}
	return m.markers
}

// Thinking is an answer that may reason before it follows g: text up to
// </think>, a line break or two, and then g. opened says that the prompt has
// opened the reasoning; otherwise the answer opens it, or leaves it out. The
// texts in without do not occur in the reasoning.
func Thinking(g *Grammar, opened bool, without ...string) (*Grammar, error) {
	text, err := textWithout(append([]string{"</think>"}, without...))
	if err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	thought := seq(text, special("</think>"), repeat(lit("\n"), 0, 2))
	if !opened {
		thought = opt(seq(special("<think>"), thought))
	}
	return checked(seq(thought, g.root))
}

// A markup is what a style puts around calls.
type markup struct {
	open, close *node    // of the block
	between     *node    // between two calls
	markers     []string // what begins a tag of the markup, and never occurs in text
	alone       bool     // one call is the whole answer; markers are not used
	call        func(c *toolCompiler, t chat.Tool) (*node, error)
}

// text is the text that may stand before calls, or in their place.
func (m *markup) text() (*node, error) {
	if !m.alone {
		return textWithout(m.markers)
	}
	p, err := parsePattern(`([ \n]{0,8}[^ \n\r\t{][^]*)?`) // what begins with a brace is a call
	if err != nil {
		return nil, err
	}
	return p.whole(nil), nil
}

func markupOf(style Style) (*markup, error) {
	switch style {
	case StyleHermes:
		return &markup{open: nothing, close: nothing, between: lit("\n"), markers: []string{"<tool_", "</tool_"}, call: hermesCall}, nil
	case StyleLlama:
		return &markup{open: nothing, close: nothing, between: nothing, alone: true, call: llamaCall}, nil
	case StyleDeepSeekV3, StyleDeepSeekV31:
		m := &markup{
			open: special("<｜tool▁calls▁begin｜>"), close: special("<｜tool▁calls▁end｜>"),
			between: nothing, markers: []string{"<｜"}, call: deepseekCall,
		}
		if style == StyleDeepSeekV3 {
			m.between, m.call = opt(lit("\n")), fencedCall
		}
		return m, nil
	case StyleKimi:
		return &kimiMarkup, nil
	case StyleQwenCoder:
		return &qwenMarkup, nil
	case StyleGLM:
		return &glmMarkup, nil
	case StyleMiniMax:
		return &minimaxMarkup, nil
	case StyleMistralList:
		return &mistralList, nil
	case StyleMistralID, StyleMistral:
		return mistralNamed(style == StyleMistralID), nil
	case StyleDSMLV32:
		return dsmlMarkup("function_calls", ""), nil
	case StyleDSMLV4:
		return dsmlMarkup("tool_calls", ""), nil
	case StyleDSMLV41:
		return dsmlMarkup("calls", " "), nil
	}
	return nil, fmt.Errorf("%s is not known", style)
}

// block is the block of calls.
func (m *markup) block(tools []chat.Tool, o ToolOptions) (*node, error) {
	if len(tools) > maxTools {
		return nil, tooLarge("%d tools; %d are supported", len(tools), maxTools)
	}
	w := newWork()
	var calls []*node
	seen := map[string]bool{}
	for _, t := range tools {
		if err := checkName(t.Name); err != nil {
			return nil, fmt.Errorf("tool: %w", err)
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("two tools are called %q", t.Name)
		}
		seen[t.Name] = true
		if o.Choice.Mode == chat.ToolNamed && t.Name != o.Choice.Name {
			continue
		}
		c, err := newToolCompiler(t, o.JSON, w)
		if err != nil {
			return nil, fmt.Errorf("tool %q: %w", t.Name, err)
		}
		n, err := m.call(c, t)
		if err != nil {
			return nil, fmt.Errorf("tool %q: %w", t.Name, err)
		}
		calls = append(calls, n)
	}
	if len(calls) == 0 {
		if o.Choice.Mode == chat.ToolNamed {
			return nil, fmt.Errorf("the tool choice names %q, which is not among the %d tools", shorten(o.Choice.Name), len(tools))
		}
		return nil, fmt.Errorf("there are no tools to call")
	}
	one := ruleOf("call", alt(calls...))
	body := one
	if !o.Single {
		body = seq(one, repeat(seq(m.between, one), 0, maxCalls-1))
	}
	if o.Opened {
		return seq(body, m.close), nil
	}
	return seq(m.open, body, m.close), nil
}

// checkName refuses names of tools and parameters that would break the markup.
func checkName(name string) error {
	if name == "" {
		return fmt.Errorf("a name is empty")
	}
	for _, r := range name {
		if r < 0x20 || r == 0xFFFD || strings.ContainsRune(`"<>\｜`, r) {
			return fmt.Errorf("the name %q has the character %q, which cannot be written in a call", shorten(name), r)
		}
	}
	return nil
}

// A toolCompiler makes the arguments of one tool.
type toolCompiler struct {
	*compiler
	s     *schema
	kinds map[string]chat.ParamKind // of the parameters, for whom writes them without quotes
}

func newToolCompiler(t chat.Tool, o Options, w *work) (*toolCompiler, error) {
	raw := t.Parameters
	if len(raw) == 0 || string(raw) == "null" {
		raw = json.RawMessage(`{"type":"object"}`)
		o.Open = false
	}
	c, s, err := newCompiler(raw, o, w)
	return &toolCompiler{c, s, chat.ParamKinds(raw)}, err
}

// objects are the alternatives of the arguments, which are an object always.
func (c *toolCompiler) objects() ([]*schema, error) {
	leaves, err := c.leaves(c.s)
	if err != nil {
		return nil, err
	}
	var out []*schema
	for _, l := range leaves {
		if l.types&kObject != 0 {
			out = append(out, l)
		}
	}
	if len(out) == 0 {
		return nil, schemaError("#", "a tool's arguments are an object, which the schema does not allow")
	}
	return out, nil
}

// arguments is the arguments as JSON. A tool that lists no parameters gets none.
func (c *toolCompiler) arguments() (*node, error) {
	objects, err := c.objects()
	if err != nil {
		return nil, err
	}
	var alts []*node
	for _, l := range objects {
		if l.enum == nil && l.anyObject() && !c.o.Open {
			alts = append(alts, lit("{}"))
			continue
		}
		n, err := c.leaf(l, kObject)
		if err != nil {
			return nil, err
		}
		alts = append(alts, n)
	}
	return alt(alts...), nil
}

func hermesCall(c *toolCompiler, t chat.Tool) (*node, error) {
	args, err := c.arguments()
	if err != nil {
		return nil, err
	}
	b := c.free.blanks
	return seq(special("<tool_call>"), lit("\n{"), b, lit(`"name":`), b, lit(quoted(t.Name)+","), b,
		lit(`"arguments":`), b, args, b, lit("}\n"), special("</tool_call>")), nil
}

func llamaCall(c *toolCompiler, t chat.Tool) (*node, error) {
	args, err := c.arguments()
	if err != nil {
		return nil, err
	}
	b := c.free.blanks
	return seq(lit("{"), b, lit(`"name":`), b, lit(quoted(t.Name)+","), b, lit(`"parameters":`), b, args, b, lit("}")), nil
}

func deepseekCall(c *toolCompiler, t chat.Tool) (*node, error) {
	args, err := c.arguments()
	return seq(special("<｜tool▁call▁begin｜>"), lit(t.Name), special("<｜tool▁sep｜>"), args,
		special("<｜tool▁call▁end｜>")), err
}

func fencedCall(c *toolCompiler, t chat.Tool) (*node, error) {
	args, err := c.arguments()
	return seq(special("<｜tool▁call▁begin｜>"), lit("function"), special("<｜tool▁sep｜>"), lit(t.Name+"\n```json\n"), args,
		lit("\n```"), special("<｜tool▁call▁end｜>")), err
}
