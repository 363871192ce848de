package anthropic

import "sync"

// maxSignatures is how many thoughts are remembered.
const maxSignatures = 8192

// signatures join the signatures that clients have of thinking blocks with those
// by which llm finds the tokens. They differ because a thinking block is signed
// when it ends, and llm signs an answer when that has ended. What is forgotten
// costs nothing but a prompt that is read again.
type signatures struct {
	mu    sync.Mutex
	known map[string]string
	order []string // of known, used as a ring
	next  int
}

func newSignatures(n int) *signatures {
	return &signatures{known: map[string]string{}, order: make([]string, n)}
}

// put remembers that a client has `given` for llm's `own`.
func (s *signatures) put(given, own string) {
	if given == "" || own == "" || given == own {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, s.order[s.next])
	s.known[given] = own
	s.order[s.next] = given
	s.next = (s.next + 1) % len(s.order)
}

// own returns llm's signature for a client's. One that is not known may still be
// llm's own.
func (s *signatures) own(given string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if own, ok := s.known[given]; ok {
		return own
	}
	return given
}
