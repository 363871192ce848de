package chat

// The forms of calls that templates show and the parser reads.
const (
	// CallsHermes is <tool_call>, a JSON object with name and arguments, </tool_call>:
	// Hermes, Qwen, and the tools that a format gets from us.
	CallsHermes = "hermes"
	// CallsLlama is a JSON object with name and parameters that is the whole content.
	CallsLlama = "llama3"
	// CallsKimi is a section of calls between special tokens, each with an id that
	// holds the name: Kimi-K2.
	CallsKimi = "kimi-k2"
	// CallsQwenCoder has a tag for the function and one for each parameter, with the
	// value in lines of its own: Qwen3-Coder, Qwen3.5.
	CallsQwenCoder = "qwen3-coder"
	// CallsGLM has a pair of tags for the key and the value of each argument: GLM-4.5.
	CallsGLM = "glm-4.5"
	// CallsMiniMax is like CallsQwenCoder, with other tags: MiniMax-M2.
	CallsMiniMax = "minimax-m2"
	// CallsMistralList is [TOOL_CALLS] and a list of JSON objects with name, arguments
	// and id: Mistral's models up to 2024, such as Nemo.
	CallsMistralList = "mistral-v3"
	// CallsMistralID is [TOOL_CALLS]name[CALL_ID]id[ARGS]arguments: Mistral Small 3.2.
	CallsMistralID = "mistral-v11"
	// CallsMistral is [TOOL_CALLS]name[ARGS]arguments: Mistral's models since 2025.
	CallsMistral = "mistral-v13"
)

// A callForm says what the parser looks for to find calls of a form.
type callForm struct {
	name    string
	openers []string // each begins a call, or a block of calls, in the middle of content
	closers []string // dropped behind a call
	special bool     // openers are special tokens, which no text mentions: they end reasoning, too
	// block makes the reader of what an opener begins. nil: a JSON object, which
	// may turn out to be none; see callReader.
	block func(opener string, o *ParserOptions) callBlock
	// id makes the id that a template shows of a call, which is the one with this
	// number in its message, and in the conversation. nil: the client's.
	id func(c *ToolCall, index, count int) string
}

// A callBlock reads a call, or a block of calls, from its opener on. What is no
// call there is dropped: it is no text for anybody.
type callBlock interface {
	// feed takes what it can of the held text and returns the rest; over says that
	// the block has ended. How the text is cut must make no difference.
	feed(p *answerParser, held string) (rest string, over bool)
	// end is told that nothing will follow the held text. Unless the answer was cut
	// the arguments are brought to an end.
	end(p *answerParser, held string)
}

var callForms = map[string]callForm{
	CallsHermes: {openers: []string{callOpen}, closers: []string{callClose}},
	CallsLlama:  {},
	CallsKimi: {
		openers: []string{kimiSection}, closers: []string{kimiSectionEnd, kimiCallEnd}, special: true,
		block: func(string, *ParserOptions) callBlock { return &kimiCalls{} }, id: kimiCallID,
	},
	CallsQwenCoder:   taggedForm(&qwenTags),
	CallsGLM:         taggedForm(&glmTags),
	CallsMiniMax:     taggedForm(&minimaxTags),
	CallsMistralList: mistralForm,
	CallsMistralID:   mistralForm,
	CallsMistral:     mistralForm,
}

// formOf returns a form by name; the zero form has no calls.
func formOf(name string) callForm {
	f := callForms[name]
	f.name = name
	return f
}

// open begins a call.
func (p *answerParser) open(name string) {
	p.out = append(p.out, ToolCallDelta{Index: p.calls, Name: name})
	p.calls++
}

// arguments gives on more of the last call's arguments.
func (p *answerParser) arguments(s string) {
	if s == "" {
		return
	}
	if n := len(p.out); n > 0 { // the pieces of one step go as one
		if d, ok := p.out[n-1].(ToolCallDelta); ok && d.Index == p.calls-1 {
			d.Arguments += s
			p.out[n-1] = d
			return
		}
	}
	p.out = append(p.out, ToolCallDelta{Index: p.calls - 1, Arguments: s})
}

// stepBlock feeds a block of calls.
func (p *answerParser) stepBlock() (over bool) {
	if p.held, over = p.block.feed(p, p.held); over {
		p.block, p.state = nil, afterCall
	}
	return over
}
