package chat

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-llm/holdfast/internal/text/jinja"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// ErrNoTools is returned for a request with tools to a model whose template
// does not show them.
var ErrNoTools = errors.New("the model's template does not support tools")

// Template is the Format of a model with a Jinja chat template. It follows
// apply_chat_template: messages as they are, tools, add_generation_prompt, the
// special tokens. Where a template cannot show something (a system message, a
// call's arguments as an object) it is given in another form.
type Template struct {
	model ModelInfo
	tmpl  *jinja.Template
	think thinkTags

	once sync.Once
	caps caps

	// Now is the clock of strftime_now. It may be set before the first Render.
	Now func() time.Time
}

// NewTemplate parses the model's template.
func NewTemplate(m ModelInfo) (*Template, error) {
	name := m.Name
	if name == "" {
		name = "chat template"
	}
	tmpl, err := jinja.Parse(name, m.Template)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	return &Template{model: m, tmpl: tmpl, think: findThinkTags(m.Template), Now: time.Now}, nil
}

// Info describes what the template can express. It tries the template with
// small conversations the first time.
func (t *Template) Info() FormatInfo {
	c := t.probe()
	i := FormatInfo{
		Name:     "jinja",
		System:   c.system,
		Tools:    c.tools && c.calls != "",
		Calls:    c.calls,
		Thinking: t.think.open != "",
		Switch:   c.thinkSwitch,
	}
	if t.think != knownTags[0] {
		i.ThinkOpen, i.ThinkEnd = t.think.open, t.think.end
	}
	return i
}

// Render renders a conversation. A template that refuses it by raise_exception
// is tried again with the conversation in simpler forms, see fallbacks.
func (t *Template) Render(r *Request) (*Prompt, error) {
	c := t.probe()
	if r.offersTools() && !c.tools {
		return nil, fmt.Errorf("chat: %w (%d given)", ErrNoTools, len(r.Tools))
	}
	msgs := r.Messages
	if !c.system {
		msgs = systemIntoUser(msgs)
	}
	p, first := t.render(r, msgs, c)
	if first == nil {
		return p, nil
	}
	if jinja.KindOf(first) == jinja.KindRaise {
		for _, change := range fallbacks {
			msgs = change(msgs)
			if p, err := t.render(r, msgs, c); err == nil {
				return p, nil
			}
		}
	}
	return nil, fmt.Errorf("chat: the model's template refuses the conversation: %w", first)
}

func (t *Template) render(r *Request, msgs []Message, c caps) (*Prompt, error) {
	ctx, err := t.context(r, msgs, c)
	if err != nil {
		return nil, err
	}
	o := jinja.Options{Clock: t.Now}
	open, key := continued(msgs)
	if !open {
		segs, err := t.tmpl.Render(ctx, o)
		if err != nil {
			return nil, err
		}
		p := &Prompt{Spans: t.spans(segs)}
		p.Start = t.think.start(segs)
		return p, nil
	}
	ctx.Set("add_generation_prompt", false).Set("continue_final_message", true)
	segs, err := t.tmpl.RenderContinued(ctx, key, o)
	if err != nil {
		return nil, err
	}
	p := &Prompt{Spans: t.spans(segs), Start: StartContentContinued}
	if key != "content" {
		p.Start = StartReasoningContinued
	}
	return p, nil
}

// continued reports whether the last message is to be continued, and which of
// its texts.
func continued(msgs []Message) (bool, string) {
	if len(msgs) == 0 {
		return false, ""
	}
	m := &msgs[len(msgs)-1]
	if m.Role != Assistant || !m.Prefix {
		return false, ""
	}
	if m.Text("") == "" && m.Reasoning != "" {
		return true, "reasoning_content"
	}
	return true, "content"
}

// spans turns the template's output into spans. The text that begins every
// input goes in front where the model wants it and the template did not write
// it itself.
func (t *Template) spans(segs []jinja.Segment) []tokenizer.Span {
	out := make([]tokenizer.Span, 0, len(segs)+1)
	if bos := t.model.BOS; t.model.AddBOS && bos != "" {
		if len(segs) == 0 || segs[0].User || !strings.HasPrefix(segs[0].Text, bos) {
			out = append(out, tokenizer.Span{Text: bos, Template: true})
		}
	}
	for _, s := range segs {
		out = append(out, tokenizer.Span{Text: s.Text, Template: !s.User})
	}
	return out
}

// NewParser returns a parser for think tags, the template's form of calls, and
// plain text.
func (t *Template) NewParser(start ParseStart, o ParserOptions) Parser {
	calls := ""
	if o.Tools {
		calls = t.probe().calls
	}
	return newAnswerParser(t.think, calls, start, o)
}

// RawPrompt is a prompt without a template: the text as it is, after the token
// that begins every input where the model wants one. special says whether
// special tokens in the text are recognised.
func RawPrompt(m ModelInfo, text string, special bool) *Prompt {
	p := &Prompt{Start: StartContentContinued}
	if m.AddBOS && m.BOS != "" && (!special || !strings.HasPrefix(text, m.BOS)) {
		p.Spans = append(p.Spans, tokenizer.Span{Text: m.BOS, Template: true})
	}
	p.Spans = append(p.Spans, tokenizer.Span{Text: text, Template: special})
	return p
}

// NewPlainParser returns a parser that takes everything as content, for raw
// completion. It looks for stop texts alone.
func NewPlainParser(o ParserOptions) Parser {
	return newAnswerParser(thinkTags{}, "", StartContentContinued, o)
}
