package openai

import (
	"container/list"
	"encoding/json"
	"sync"
)

// A Stored response is what previous_response_id and GET need of it.
type Stored struct {
	ID       string
	Owner    string            // whose it is; others do not find it
	Response json.RawMessage   // as it was answered
	Items    []json.RawMessage // the conversation so far: all input, then the output
	Outputs  int               // how many of them are the output
}

func (s *Stored) size() int {
	n := len(s.ID) + len(s.Owner) + len(s.Response)
	for _, i := range s.Items {
		n += len(i)
	}
	return n
}

// A Store keeps responses. Its methods are safe for concurrent use.
type Store interface {
	Put(s *Stored) error
	// Get returns a response of an owner; ok is false if there is none.
	Get(id, owner string) (s *Stored, ok bool, err error)
	// Delete reports whether there was one.
	Delete(id, owner string) (bool, error)
}

// A MemoryStore keeps the responses that were used last, up to a number and a
// size.
type MemoryStore struct {
	most, bytes int

	mu    sync.Mutex
	used  int
	order *list.List // of *Stored, the last used in front
	byID  map[string]*list.Element
}

// NewMemoryStore returns a store for so many responses of so many bytes in all.
func NewMemoryStore(most, bytes int) *MemoryStore {
	return &MemoryStore{most: most, bytes: bytes, order: list.New(), byID: map[string]*list.Element{}}
}

// Put keeps a response, and forgets the oldest ones if there is no room.
func (m *MemoryStore) Put(s *Stored) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.byID[s.ID]; old != nil {
		m.remove(old)
	}
	m.byID[s.ID] = m.order.PushFront(s)
	m.used += s.size()
	for m.order.Len() > m.most || m.used > m.bytes {
		m.remove(m.order.Back())
	}
	return nil
}

func (m *MemoryStore) remove(e *list.Element) {
	s := m.order.Remove(e).(*Stored)
	delete(m.byID, s.ID)
	m.used -= s.size()
}

// Get returns a response.
func (m *MemoryStore) Get(id, owner string) (*Stored, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.byID[id]
	if e == nil || e.Value.(*Stored).Owner != owner {
		return nil, false, nil
	}
	m.order.MoveToFront(e)
	return e.Value.(*Stored), true, nil
}

// Delete forgets a response.
func (m *MemoryStore) Delete(id, owner string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.byID[id]
	if e == nil || e.Value.(*Stored).Owner != owner {
		return false, nil
	}
	m.remove(e)
	return true, nil
}
