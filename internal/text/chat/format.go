package chat

import "github.com/holdfast-llm/holdfast/internal/text/tokenizer"

// ParseStart says in which state an answer begins, as the prompt left it.
type ParseStart uint8

// The start states. In the continued ones the model goes on with text that is
// already in the prompt, so that leading newlines belong to it.
const (
	StartContent            ParseStart = iota
	StartReasoning                     // the prompt opened the reasoning
	StartAuto                          // the model may open the reasoning itself
	StartContentContinued              // the prompt ends within content
	StartReasoningContinued            // the prompt ends within reasoning
	StartToolCalls                     // the prompt opened a block of calls
)

// startNames are the names of the states in test data and logs.
var startNames = [...]string{"content", "reasoning", "auto", "content-continued", "reasoning-continued", "tool-calls"}

// String returns the state's name, such as "reasoning-continued".
func (s ParseStart) String() string {
	if int(s) < len(startNames) {
		return startNames[s]
	}
	return "unknown"
}

// Prompt is a rendered conversation.
type Prompt struct {
	// Spans is the whole prompt in order. It includes the token that begins a
	// text where the model wants one: a tokenizer adds nothing to it.
	Spans []tokenizer.Span
	// Start is where parsing of the answer begins.
	Start ParseStart
	// Stop holds texts that end the answer besides the model's own end tokens.
	Stop []string
}

// Text returns the prompt as one string.
func (p *Prompt) Text() string {
	n := 0
	for _, s := range p.Spans {
		n += len(s.Text)
	}
	b := make([]byte, 0, n)
	for _, s := range p.Spans {
		b = append(b, s.Text...)
	}
	return string(b)
}

// ParserOptions are the parts of a request that reading its answer needs.
type ParserOptions struct {
	Tools bool     // tools were declared: calls are recognised
	Names []string // of the declared tools
	// Declared are the tools. Where a form writes arguments without quotes, their
	// schemas tell what is a string.
	Declared []Tool
	JSON     bool     // the content must be JSON
	Stop     []string // texts that end the content
	// Clean drops what may be the beginning of a tag at the end of an answer that
	// was cut, so that no piece of markup is shown to anybody. DeepSeek's own
	// parsers keep it.
	Clean bool
}

// ParserOptions returns the options for reading the answer to r.
func (r *Request) ParserOptions() ParserOptions {
	o := ParserOptions{
		Tools: r.offersTools(),
		JSON:  r.Output.Kind != OutputText,
		Stop:  r.Stop,
		Clean: true,
	}
	if o.Tools {
		o.Declared = r.Tools
		for _, t := range r.Tools {
			o.Names = append(o.Names, t.Name)
		}
	}
	return o
}

// offersTools reports whether the model may call tools.
func (r *Request) offersTools() bool { return len(r.Tools) > 0 && r.ToolChoice.Mode != ToolNone }

// Parser reads one answer in pieces. Any cut of the same text into pieces gives
// the same events, once adjacent deltas of one kind are joined.
type Parser interface {
	// Push takes the next piece. It may hold back the end of it while that can
	// still become a tag. A Done among the events means that a stop text
	// ended the answer: generation should end, and later pieces are ignored.
	Push(text string) []Event
	// Reasoning reports whether what comes next is reasoning, as far as the text
	// so far tells: markup around calls is not, though it gives no event.
	Reasoning() bool
	// Close ends the answer and gives what was held back, and Done unless it
	// was given before. cut says that a length limit ended it.
	Close(cut bool) []Event
}

// Format is a model family's prompt format.
type Format interface {
	// Info describes the format.
	Info() FormatInfo
	// Render turns a conversation into a prompt.
	Render(r *Request) (*Prompt, error)
	// NewParser returns a parser for one answer.
	NewParser(start ParseStart, o ParserOptions) Parser
}

// FormatInfo says what a format can express.
type FormatInfo struct {
	Name     string // "jinja", or a native dialect such as "deepseek-v3.1"
	System   bool   // it shows system messages
	Tools    bool   // it shows tools to the model, and reads the calls
	Calls    string // how calls are written: CallsHermes and the like; empty where Name says it
	Thinking bool   // it knows reasoning
	// ThinkOpen and ThinkEnd are the texts around it; empty for <think> and </think>.
	ThinkOpen, ThinkEnd string
	Switch              bool // reasoning can be switched on and off
}
