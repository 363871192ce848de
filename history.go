package holdfast

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// History returns the turns so far, without the system prompt.
func (s *Session) History() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// SetHistory replaces the turns. A system message at their head becomes the
// session's system prompt. It fails with ErrBusy while an answer is being made.
func (s *Session) SetHistory(messages []Message) error {
	if !s.busy.CompareAndSwap(false, true) {
		return ErrBusy
	}
	defer s.busy.Store(false)
	for i, m := range messages {
		switch m.Role {
		case System, User, Assistant, ToolRole:
		default:
			return fmt.Errorf("holdfast: message %d has the role %q, expected system, user, assistant or tool", i, m.Role)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(messages) > 0 && messages[0].Role == System {
		s.set.system = messages[0].Content
		messages = messages[1:]
	}
	s.messages = slices.Clone(messages)
	return nil
}

// Clear forgets the turns and keeps the system prompt.
func (s *Session) Clear() error { return s.SetHistory(nil) }

// System returns the system prompt.
func (s *Session) System() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set.system
}

// savedSession is the file format of Save.
type savedSession struct {
	Version  int       `json:"holdfast_session"`
	System   string    `json:"system,omitempty"`
	Messages []Message `json:"messages"`
}

const sessionVersion = 1

// maxSaved bounds how much Load reads.
const maxSaved = 256 << 20

// Save writes the system prompt and the turns as JSON.
func (s *Session) Save(w io.Writer) error {
	s.mu.Lock()
	out := savedSession{Version: sessionVersion, System: s.set.system, Messages: slices.Clone(s.messages)}
	s.mu.Unlock()
	if out.Messages == nil {
		out.Messages = []Message{}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("holdfast: saving the session: %w", err)
	}
	return nil
}

// Load replaces the system prompt and the turns by what Save wrote.
func (s *Session) Load(r io.Reader) error {
	var in savedSession
	dec := json.NewDecoder(io.LimitReader(r, maxSaved))
	if err := dec.Decode(&in); err != nil {
		return fmt.Errorf("holdfast: loading the session: %w", err)
	}
	if in.Version != sessionVersion {
		return fmt.Errorf("holdfast: loading the session: its version is %d, expected %d", in.Version, sessionVersion)
	}
	if err := s.SetHistory(in.Messages); err != nil {
		return err
	}
	return s.Configure(WithSystem(in.System))
}

// ContextUsed returns how many tokens the conversation takes, as it stands.
func (s *Session) ContextUsed() (int, error) {
	s.mu.Lock()
	set, turns := s.set, slices.Clone(s.messages)
	s.mu.Unlock()
	if len(turns) == 0 && set.system == "" {
		return 0, nil
	}
	_, ids, err := s.model.llm.Render(set.request(turns))
	if err != nil {
		return 0, publicErr(err)
	}
	return len(ids), nil
}
