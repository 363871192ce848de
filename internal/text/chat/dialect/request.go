package dialect

import (
	"fmt"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// LatestReminder is the role of a message that V4 and V4.1 keep apart from the
// conversation: the date, the place and the like. Other dialects show it as a
// system message.
const LatestReminder chat.Role = "latest_reminder"

// textOf returns a message's text: parts are joined by a blank line.
func textOf(m *chat.Message) (string, error) {
	for _, p := range m.Content {
		if p.Kind != chat.PartText {
			return "", fmt.Errorf("a message of role %s has content that is no text, which the model cannot read", m.Role)
		}
	}
	return m.Text("\n\n"), nil
}

// turn is a message as the renderers see it: with its text, and with one of
// the roles system, user, assistant, tool, latest_reminder.
type turn struct {
	*chat.Message
	role chat.Role
	text string
}

// turnsOf prepares a conversation. Developer messages are system messages.
func turnsOf(r *chat.Request, reminders bool) ([]turn, error) {
	turns := make([]turn, len(r.Messages))
	for i := range r.Messages {
		m := &r.Messages[i]
		text, err := textOf(m)
		if err != nil {
			return nil, err
		}
		role := m.Role
		switch role {
		case chat.Developer:
			role = chat.System
		case LatestReminder:
			if !reminders {
				role = chat.System
			}
		case chat.System, chat.User, chat.Assistant, chat.ToolRole:
		default:
			return nil, fmt.Errorf("message %d has the unknown role %q", i, m.Role)
		}
		turns[i] = turn{m, role, text}
	}
	return dropEmptyPrefix(turns), nil
}

// dropEmptyPrefix drops a last message that is to be continued and has nothing
// to continue: it is the same as a new turn.
func dropEmptyPrefix(turns []turn) []turn {
	if n := len(turns); prefixed(turns) && turns[n-1].text == "" && turns[n-1].Reasoning == "" {
		return turns[:n-1]
	}
	return turns
}

// prefixed reports whether the last message is an assistant's, to be continued.
func prefixed(turns []turn) bool {
	if len(turns) == 0 {
		return false
	}
	t := &turns[len(turns)-1]
	return t.role == chat.Assistant && t.Prefix && len(t.ToolCalls) == 0
}

// systems joins the texts of all system messages.
func systems(turns []turn) string {
	var texts []string
	for _, t := range turns {
		if t.role == chat.System {
			texts = append(texts, t.text)
		}
	}
	return strings.Join(texts, "\n\n")
}

// toolsOf returns the tools that the model is shown: all of them, none if it
// must not call any, and the one that it must call.
func toolsOf(r *chat.Request) []chat.Tool {
	switch r.ToolChoice.Mode {
	case chat.ToolNone:
		return nil
	case chat.ToolNamed:
		for i := range r.Tools {
			if r.Tools[i].Name == r.ToolChoice.Name {
				return r.Tools[i : i+1]
			}
		}
	}
	return r.Tools
}

// thinks reports whether the answer begins with reasoning: yes, unless the
// request says no.
func thinks(r *chat.Request) bool {
	if r.Thinking != nil {
		return *r.Thinking
	}
	return r.Effort != "none"
}

// Effort returns the one of low, high and max that the name of an effort stands
// for. DeepSeek's API knows more names than its models; an unknown or empty
// name is high, the default.
func Effort(name string) string {
	switch strings.ToLower(name) {
	case "minimal", "low":
		return "low"
	case "max", "ultra":
		return "max"
	}
	return "high"
}

// afterThink returns what follows the last end tag of inline reasoning.
func afterThink(s string) string {
	if i := strings.LastIndex(s, tokThinkEnd); i >= 0 {
		return s[i+len(tokThinkEnd):]
	}
	return s
}
