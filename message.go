package holdfast

import (
	"encoding/json"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// Role says who speaks.
type Role string

// The roles of a conversation.
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
	ToolRole  Role = "tool"
)

// A Message is one turn of a conversation.
type Message struct {
	Role    Role   `json:"role"`
	Content string `json:"content"`
	// Reasoning is what an assistant thought before the content.
	Reasoning  string     `json:"reasoning,omitempty"`
	ToolCalls  []ToolCall `json:"tool_calls,omitempty"`   // made by an assistant turn
	ToolCallID string     `json:"tool_call_id,omitempty"` // answered by a tool turn
	Name       string     `json:"name,omitempty"`         // of the speaker or the tool
	// Prefix, on the last message, an assistant's, leaves it open: the answer
	// continues it.
	Prefix bool `json:"prefix,omitempty"`
}

// A Tool is a function that the model may call.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"` // a JSON schema
}

// A ToolCall is one call made by the model.
type ToolCall struct {
	ID        string `json:"id,omitempty"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // normally a JSON object
}

func toChat(messages []Message) []chat.Message {
	out := make([]chat.Message, len(messages))
	for i, m := range messages {
		c := chat.Message{
			Role: chat.Role(m.Role), Reasoning: m.Reasoning, ToolCallID: m.ToolCallID, Name: m.Name, Prefix: m.Prefix,
		}
		if m.Content != "" || len(m.ToolCalls) == 0 {
			c.Content = chat.Text(m.Content)
		}
		for _, t := range m.ToolCalls {
			c.ToolCalls = append(c.ToolCalls, chat.ToolCall(t))
		}
		out[i] = c
	}
	return out
}

func toChatTools(tools []Tool) []chat.Tool {
	out := make([]chat.Tool, len(tools))
	for i, t := range tools {
		out[i] = chat.Tool{Name: t.Name, Description: t.Description, Parameters: t.Parameters}
	}
	return out
}
