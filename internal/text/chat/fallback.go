package chat

import "slices"

// fallbacks are the simpler forms that a conversation is tried in, each on top
// of the one before, when a template refuses it: system texts joined at the
// front; turns of one speaker joined; the system text in front of the first
// user turn.
var fallbacks = []func([]Message) []Message{systemsToFront, joinTurns, systemIntoUser}

// splitSystem separates the system texts from the other messages.
func splitSystem(msgs []Message) (system []Part, rest []Message) {
	rest = make([]Message, 0, len(msgs))
	for _, m := range msgs {
		if m.Role == System || m.Role == Developer {
			if m.Text("") != "" {
				system = joinParts(system, m.Content)
			}
			continue
		}
		rest = append(rest, m)
	}
	return system, rest
}

// joinParts puts a blank line between two texts. They stay parts, because they may
// have markup of ours in them.
func joinParts(a, b []Part) []Part {
	if len(a) == 0 {
		return b
	}
	out := slices.Clip(a)
	if n := len(a); len(b) > 0 && (a[n-1].Kind == partMarkup || b[0].Kind == partMarkup) {
		out = append(out, Part{Kind: partMarkup, Text: "\n\n"})
	}
	return append(out, b...)
}

func systemsToFront(msgs []Message) []Message {
	system, rest := splitSystem(msgs)
	if len(system) == 0 {
		return rest
	}
	return append([]Message{{Role: System, Content: system}}, rest...)
}

// systemIntoUser puts the system text in front of the first user turn.
func systemIntoUser(msgs []Message) []Message {
	system, rest := splitSystem(msgs)
	if len(system) == 0 {
		return rest
	}
	for i := range rest {
		if rest[i].Role == User {
			rest[i].Content = joinParts(system, rest[i].Content)
			return rest
		}
	}
	return append([]Message{{Role: User, Content: system}}, rest...)
}

// joinTurns joins user turns that follow each other, and assistant turns
// without calls.
func joinTurns(msgs []Message) []Message {
	out := make([]Message, 0, len(msgs))
	for _, m := range msgs {
		if n := len(out); n > 0 && joins(&out[n-1], &m) {
			last := &out[n-1]
			last.Content = joinParts(last.Content, m.Content)
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
