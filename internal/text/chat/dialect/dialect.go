package dialect

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// renderFunc renders a prepared conversation.
type renderFunc func(r *chat.Request, turns []turn) (*chat.Prompt, error)

// Dialect is one native prompt format. It holds no state and may be used by
// several goroutines.
type Dialect struct {
	info      chat.FormatInfo
	render    renderFunc
	calls     callsKind
	reminders bool
}

// all lists the dialects.
var all = []*Dialect{
	{info: chat.FormatInfo{Name: "deepseek-llm", System: true}, render: renderLLM},
	{info: chat.FormatInfo{Name: "deepseek-coder", System: true}, render: renderCoder},
	{info: chat.FormatInfo{Name: "deepseek-v3", System: true, Tools: true}, render: renderV3(false), calls: callsFenced},
	{info: chat.FormatInfo{Name: "deepseek-r1", System: true, Tools: true, Thinking: true}, render: renderV3(true), calls: callsFenced},
	{info: chat.FormatInfo{Name: "deepseek-r1-0528", System: true, Tools: true, Thinking: true}, render: renderR10528, calls: callsFenced},
	{info: chat.FormatInfo{Name: "deepseek-v3.1", System: true, Tools: true, Thinking: true, Switch: true}, render: renderV31, calls: callsBare},
	{info: chat.FormatInfo{Name: "deepseek-v3.2", System: true, Tools: true, Thinking: true, Switch: true}, render: renderV32, calls: callsDSML},
	{info: chat.FormatInfo{Name: "deepseek-v4-april", System: true, Tools: true, Thinking: true, Switch: true}, render: v4April.renderApril, calls: callsDSML, reminders: true},
	{info: chat.FormatInfo{Name: "deepseek-v4", System: true, Tools: true, Thinking: true, Switch: true}, render: v4.render, calls: callsDSML, reminders: true},
	{info: chat.FormatInfo{Name: "deepseek-v4.1", System: true, Tools: true, Thinking: true, Switch: true}, render: v41.render, calls: callsDSML, reminders: true},
}

// New returns the dialect with a name.
func New(name string) (*Dialect, error) {
	for _, d := range all {
		if d.info.Name == name {
			return d, nil
		}
	}
	return nil, fmt.Errorf("dialect: there is no %q; known are %v", name, Names())
}

// Names lists the dialects.
func Names() []string {
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d.info.Name
	}
	return names
}

// Info describes the dialect.
func (d *Dialect) Info() chat.FormatInfo { return d.info }

// Render turns a conversation into a prompt.
func (d *Dialect) Render(r *chat.Request) (*chat.Prompt, error) {
	turns, err := turnsOf(r, d.reminders)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.info.Name, err)
	}
	p, err := d.render(r, turns)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.info.Name, err)
	}
	return p, nil
}

// NewParser returns a parser for one answer.
func (d *Dialect) NewParser(start chat.ParseStart, o chat.ParserOptions) chat.Parser {
	return newParser(d.calls, start, o)
}

func init() {
	for _, d := range all {
		name := d.info.Name
		chat.Register(name,
			func(m chat.ModelInfo) bool { return Detect(m) == name },
			func(chat.ModelInfo) (chat.Format, error) { return d, nil })
	}
}
