package chat

import "strings"

// fallbacks are the simpler forms that a conversation is tried in, each on top
// of the one before, when a template refuses it: system texts joined at the
// front; turns of one speaker joined; the system text in front of the first
// user turn.
var fallbacks = []func([]Message) []Message{systemsToFront, joinTurns, systemIntoUser}

// splitSystem separates the system texts from the other messages.
func splitSystem(msgs []Message) (string, []Message) {
	var texts []string
	rest := make([]Message, 0, len(msgs))
	for _, m := range msgs {
		if m.Role == System || m.Role == Developer {
			if s := m.Text("\n\n"); s != "" {
				texts = append(texts, s)
			}
			continue
		}
		rest = append(rest, m)
	}
	return strings.Join(texts, "\n\n"), rest
}

func systemsToFront(msgs []Message) []Message {
	text, rest := splitSystem(msgs)
	if text == "" {
		return rest
	}
	return append([]Message{{Role: System, Content: Text(text)}}, rest...)
}

// systemIntoUser puts the system text in front of the first user turn.
func systemIntoUser(msgs []Message) []Message {
	text, rest := splitSystem(msgs)
	if text == "" {
		return rest
	}
	for i := range rest {
		if rest[i].Role == User {
			rest[i].Content = Text(text + "\n\n" + rest[i].Text("\n\n"))
			return rest
		}
	}
	return append([]Message{{Role: User, Content: Text(text)}}, rest...)
}

// joinTurns joins user turns that follow each other, and assistant turns
// without calls.
func joinTurns(msgs []Message) []Message {
	out := make([]Message, 0, len(msgs))
	for _, m := range msgs {
		if n := len(out); n > 0 && joins(&out[n-1], &m) {
			last := &out[n-1]
			last.Content = Text(last.Text("\n\n") + "\n\n" + m.Text("\n\n"))
			last.Prefix = m.Prefix
			continue
		}
		out = append(out, m)
	}
	return out
}

func joins(a, b *Message) bool {
	if a.Role != b.Role || a.Role != User && a.Role != Assistant {
		return false
	}
	return len(a.ToolCalls)+len(b.ToolCalls) == 0 && a.Reasoning == "" && b.Reasoning == ""
}
