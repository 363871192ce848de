package deepseekapi

import "github.com/holdfast-llm/holdfast/internal/text/chat"

// checkMessages checks the order of a conversation: each call has its result
// right after it, and only the last turn may be open.
func (b *body) checkMessages() *Error {
	if len(b.messages) == 0 {
		return invalid("Empty input messages")
	}
	for i := 0; i < len(b.messages); i++ {
		m := &b.messages[i]
		switch m.Role {
		case chat.ToolRole:
			return invalid("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'")
		case chat.Assistant:
			if err := b.checkAssistant(i); err != nil {
				return err
			}
			if err := b.checkResults(i); err != nil {
				return err
			}
			i += len(m.ToolCalls)
		}
	}
	for i, m := range b.messages {
		if m.Prefix && i != b.lastTurn() {
			return invalid("Invalid completion message: prefix set true with message which is not final message or message role is not assistant")
		}
	}
	return nil
}

func (b *body) checkAssistant(i int) *Error {
	m := &b.messages[i]
	if !m.hasContent && !m.hasCalls {
		return invalid("Invalid assistant message: content or tool_calls must be set")
	}
	if m.hasCalls && len(m.ToolCalls) == 0 {
		return invalid("Invalid 'messages[%d].tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead.", i)
	}
	return nil
}

// lastTurn returns the index of the last message that says something: systems
// without a text do not count.
func (b *body) lastTurn() int {
	i := len(b.messages) - 1
	for i > 0 && b.messages[i].Role == chat.System && b.messages[i].Text("\n\n") == "" {
		i--
	}
	return i
}

// checkResults checks the results of the calls of message i.
func (b *body) checkResults(i int) *Error {
	open := map[string]bool{}
	for _, c := range b.messages[i].ToolCalls {
		if open[c.ID] {
			return invalid("Duplicate value for 'tool_call_id' of %s in message[%d]", c.ID, i)
		}
		open[c.ID] = true
	}
	answered := map[string]bool{}
	for j := i + 1; len(answered) < len(open); j++ {
		if j >= len(b.messages) || b.messages[j].Role != chat.ToolRole {
			return invalid("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. (insufficient tool messages following tool_calls message)")
		}
		id := b.messages[j].ToolCallID
		if answered[id] {
			return invalid("Duplicate value for 'tool_call_id' of %s in message[%d]", id, j)
		}
		if !open[id] {
			return invalid("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id', The following tool_call_ids did not have response messages: %s", id)
		}
		answered[id] = true
	}
	return nil
}
