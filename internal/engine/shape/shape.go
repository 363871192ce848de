// Package shape forces answers into what a request asks for: JSON, JSON of a schema,
// calls of tools in the model's own markup. It turns the request into a grammar,
// and the grammar into a mask over the vocabulary.
package shape

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/grammar"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// styles are the markups of calls that can be forced, by the name of the format or
// its way to write calls. An answer in another format is read as it comes.
var styles = map[string]grammar.Style{
	"deepseek-v3": grammar.StyleDeepSeekV3, "deepseek-r1": grammar.StyleDeepSeekV3, "deepseek-r1-0528": grammar.StyleDeepSeekV3,
	"deepseek-v3.1": grammar.StyleDeepSeekV31, "deepseek-v3.2": grammar.StyleDSMLV32,
	"deepseek-v4-april": grammar.StyleDSMLV4, "deepseek-v4": grammar.StyleDSMLV4, "deepseek-v4.1": grammar.StyleDSMLV41,
	chat.CallsHermes: grammar.StyleHermes, chat.CallsLlama: grammar.StyleLlama, chat.CallsKimi: grammar.StyleKimi,
	chat.CallsQwenCoder: grammar.StyleQwenCoder, chat.CallsGLM: grammar.StyleGLM, chat.CallsMiniMax: grammar.StyleMiniMax,
	chat.CallsMistralList: grammar.StyleMistralList, chat.CallsMistralID: grammar.StyleMistralID, chat.CallsMistral: grammar.StyleMistral,
}

// styleOf is the markup of calls in a format.
func styleOf(i chat.FormatInfo) (s grammar.Style, known bool) {
	name := i.Calls
	if name == "" {
		name = i.Name
	}
	s, known = styles[name]
	return s, known
}

// An Error says that an answer cannot be limited to what was asked for.
type Error struct {
	Param string // the field of the request: "output", "tools" or "tool_choice"
	Err   error
}

// Error tells why.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Shapes makes the masks of one model. Compiling a grammar costs milliseconds, and
// what it learns about the vocabulary is worth keeping, so the last ones stay. It
// is safe for concurrent use.
type Shapes struct {
	vocabulary func() *grammar.Vocabulary

	mu    sync.Mutex
	known map[string]*grammar.Grammar
	order []string // of known, the oldest first
}

const keptGrammars = 64

// New returns the shapes for a vocabulary. It costs nothing until the first mask.
func New(t *tokenizer.Tokenizer) *Shapes {
	return &Shapes{
		vocabulary: sync.OnceValue(func() *grammar.Vocabulary { return grammar.NewVocabulary(t) }),
		known:      map[string]*grammar.Grammar{},
	}
}

// get returns a grammar that is known, or makes it.
func (g *Shapes) get(key string, compile func() (*grammar.Grammar, error)) (*grammar.Grammar, error) {
	g.mu.Lock()
	c := g.known[key]
	g.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := compile()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known[key] == nil {
		g.order = append(g.order, key)
	}
	g.known[key] = c
	if len(g.order) > keptGrammars {
		delete(g.known, g.order[0])
		g.order = g.order[1:]
	}
	return c, nil
}

// Check reports whether a request asks for a shape. A shape that a format cannot
// give is an *Error.
func Check(f chat.FormatInfo, r *chat.Request) (bool, error) {
	_, known := styleOf(f)
	tools := offersTools(r)
	switch {
	case tools && r.ToolChoice.Mode != chat.ToolAuto && !known:
		return false, &Error{Param: "tool_choice", Err: errors.New("a call cannot be forced in this model's format; use \"auto\"")}
	case r.Output.Kind == chat.OutputText && (!tools || !known):
		return false, nil
	case tools && !known:
		return false, &Error{Param: "output", Err: errors.New("tools together with JSON output are not supported in this model's format")}
	}
	return true, nil
}

func offersTools(r *chat.Request) bool {
	return len(r.Tools) > 0 && r.ToolChoice.Mode != chat.ToolNone
}

// Mask returns the mask that forces an answer into the shape that the request asks
// for, or nil if it asks for none. p is the request as the format renders it.
func (g *Shapes) Mask(f chat.FormatInfo, r *chat.Request, p *chat.Prompt) (engine.Mask, error) {
	if asked, err := Check(f, r); err != nil || !asked {
		return nil, err
	}
	if p.Start == chat.StartContentContinued && r.Output.Kind != chat.OutputText {
		return nil, &Error{Param: "output", Err: errors.New("JSON output cannot continue a prefix")}
	}
	gr, err := g.grammar(f, r, p.Start)
	if err != nil {
		return nil, err
	}
	m, err := grammar.NewMatcher(gr, g.vocabulary())
	if err != nil {
		return nil, &Error{Param: "output", Err: err}
	}
	after := ""
	if reasons(p.Start) && !offersTools(r) { // with tools the reasoning is part of the grammar
		_, after = thinkTags(f)
	}
	return grammar.NewGate(m, after), nil
}

func reasons(s chat.ParseStart) bool {
	return s == chat.StartReasoning || s == chat.StartReasoningContinued
}

// thinkTags are the marks of reasoning.
func thinkTags(f chat.FormatInfo) (open, end string) {
	if f.ThinkEnd == "" {
		return "<think>", "</think>"
	}
	return f.ThinkOpen, f.ThinkEnd
}

// grammar returns the grammar for a request whose answer begins in a state.
func (g *Shapes) grammar(f chat.FormatInfo, r *chat.Request, start chat.ParseStart) (*grammar.Grammar, error) {
	style, _ := styleOf(f)
	key, err := json.Marshal([]any{style, f.ThinkEnd, r.Output, r.Tools, r.ToolChoice, r.ParallelCalls, start})
	if err != nil {
		return nil, fmt.Errorf("shape: %w", err)
	}
	return g.get(string(key), func() (*grammar.Grammar, error) {
		c, err := content(style, r, start)
		open, end := thinkTags(f)
		switch {
		case err != nil:
			return nil, err
		case start == chat.StartAuto:
			return afterThinking(c, style, r, grammar.Token(open), end)
		case reasons(start) && offersTools(r):
			return afterThinking(c, style, r, nil, end)
		}
		return c, nil
	})
}

// afterThinking lets reasoning come first: it has to, or the model decides and
// then opens it with begin. With tools it has none of their markup: DeepSeek's
// formats read a block of calls wherever it begins, and one within the reasoning
// would not be held to the schemas, and would never end the answer.
func afterThinking(g *grammar.Grammar, style grammar.Style, r *chat.Request, begin *grammar.Grammar, end string) (*grammar.Grammar, error) {
	stops := []string{end}
	if offersTools(r) {
		stops = append(stops, grammar.Markers(style)...)
	}
	thoughts, err := grammar.Until(stops...)
	if err != nil {
		return nil, fmt.Errorf("shape: %w", err)
	}
	breaks := grammar.Repeat(grammar.Text("\n"), 0, 2)
	after := grammar.Concat(thoughts, grammar.Token(end), breaks, g)
	if begin == nil {
		return after, nil
	}
	return grammar.OneOf(g, grammar.Concat(begin, after)), nil
}

// content is the grammar of what follows the reasoning.
func content(style grammar.Style, r *chat.Request, start chat.ParseStart) (*grammar.Grammar, error) {
	calls, err := callsOf(style, r, start)
	if err != nil || r.Output.Kind == chat.OutputText || r.ToolChoice.Mode == chat.ToolRequired || r.ToolChoice.Mode == chat.ToolNamed {
		return calls, err
	}
	out := grammar.JSONObject()
	if r.Output.Kind == chat.OutputSchema {
		if out, err = grammar.CompileSchema(r.Output.Schema, grammar.Options{}); err != nil {
			return nil, &Error{Param: "output", Err: err}
		}
	}
	if calls != nil {
		return grammar.OneOf(out, calls), nil
	}
	return out, nil
}

// callsOf is the grammar of calls, nil without tools. A tool whose schema cannot
// be enforced, and who does not insist on that, gets arguments that are some
// JSON object.
func callsOf(style grammar.Style, r *chat.Request, start chat.ParseStart) (*grammar.Grammar, error) {
	if !offersTools(r) {
		return nil, nil
	}
	o := grammar.ToolOptions{
		Choice: r.ToolChoice, Single: r.ParallelCalls != nil && !*r.ParallelCalls, Opened: start == chat.StartToolCalls,
	}
	if r.Output.Kind != chat.OutputText && o.Choice.Mode == chat.ToolAuto {
		o.Choice.Mode = chat.ToolRequired // the text before calls would be no JSON
	}
	g, first := grammar.ToolCalls(style, r.Tools, o)
	if first == nil {
		return g, nil
	}
	tools := make([]chat.Tool, len(r.Tools))
	for i, t := range r.Tools {
		if !t.Strict {
			t.Parameters = json.RawMessage(`{"type":"object","additionalProperties":true}`)
		}
		tools[i] = t
	}
	g, err := grammar.ToolCalls(style, tools, o)
	if err != nil {
		return nil, &Error{Param: "tools", Err: first}
	}
	return g, nil
}
