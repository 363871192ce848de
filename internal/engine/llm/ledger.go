package llm

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// A ledger remembers the exact tokens of answers, by the ids of their tool calls
// and the signature of their thinking. Clients send an answer back as they
// please: with other spaces in the arguments, without the reasoning. Rendered
// and encoded again it would be other tokens than those in the cache, and the
// model would see something that it did not say.
//
// What is forgotten is no harm: the conversation is then rendered like any other.
type ledger struct {
	disk *diskcache.Store // nil: memory only

	mu    sync.Mutex
	byID  map[string]*list.Element // by namespace and id
	lru   *list.List               // of *turn, the youngest in front
	bytes int
}

// Bounds of the ledger in memory, and of one entry of it on disk.
const (
	ledgerTurns = 4096
	ledgerBytes = 64 << 20
	noteBytes   = 32 << 20
)

// A turn is one answer, and what it answered.
type turn struct {
	IDs     []string          // under which it is found
	History [sha256.Size]byte // fingerprint of the conversation before it
	Prompt  []int32           // as it was computed
	Answer  []int32           // as it was sampled, without the end token
	Content string
	Thought string
	Calls   []chat.ToolCall

	namespace string
}

func newLedger(disk *diskcache.Store) *ledger {
	return &ledger{disk: disk, byID: map[string]*list.Element{}, lru: list.New()}
}

func ledgerKey(namespace, id string) string { return namespace + "\x00" + id }

// noteKey is the name of a turn on disk.
func noteKey(namespace, id string) diskcache.Key {
	return sha256.Sum256([]byte("holdfast ledger 1\x00" + ledgerKey(namespace, id)))
}

func (t *turn) size() int {
	n := 4*(len(t.Prompt)+len(t.Answer)) + len(t.Content) + len(t.Thought) + 256
	for _, c := range t.Calls {
		n += len(c.ID) + len(c.Name) + len(c.Arguments)
	}
	return n
}

// add remembers a turn, here and on disk.
func (l *ledger) add(t *turn) {
	if len(t.IDs) == 0 || t.size() > ledgerBytes {
		return
	}
	l.remember(t)
	if l.disk == nil || !l.disk.Writing() {
		return
	}
	data, err := json.Marshal(t)
	if err != nil || len(data) > noteBytes {
		return // it stays in memory
	}
	for _, id := range t.IDs {
		l.disk.Put(diskcache.Item{Kind: diskcache.Note, Key: noteKey(t.namespace, id), Data: data}, nil)
	}
}

func (l *ledger) remember(t *turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.lru.PushFront(t)
	l.bytes += t.size()
	for _, id := range t.IDs {
		l.byID[ledgerKey(t.namespace, id)] = e // an id that comes again is the newer answer's
	}
	for l.lru.Len() > ledgerTurns || l.bytes > ledgerBytes {
		l.forget(l.lru.Back())
	}
}

func (l *ledger) forget(e *list.Element) {
	t := l.lru.Remove(e).(*turn)
	l.bytes -= t.size()
	for _, id := range t.IDs {
		if k := ledgerKey(t.namespace, id); l.byID[k] == e {
			delete(l.byID, k)
		}
	}
}

// find returns the turn with an id, or nil.
func (l *ledger) find(namespace, id string) *turn {
	if id == "" {
		return nil
	}
	l.mu.Lock()
	if e := l.byID[ledgerKey(namespace, id)]; e != nil {
		l.lru.MoveToFront(e)
		l.mu.Unlock()
		return e.Value.(*turn)
	}
	l.mu.Unlock()
	if l.disk == nil {
		return nil
	}
	data, err := l.disk.Note(noteKey(namespace, id), noteBytes)
	if err != nil {
		return nil
	}
	t := &turn{}
	if json.Unmarshal(data, t) != nil {
		return nil
	}
	t.namespace = namespace
	l.remember(t)
	return t
}

// of returns the turn that a message of a later request is, or nil: one of its
// ids is known, and it says the same, but for form and reasoning left out.
func (l *ledger) of(namespace string, m *chat.Message, signature string) *turn {
	if m.Role != chat.Assistant || m.Prefix {
		return nil
	}
	t := l.find(namespace, signature)
	for i := range m.ToolCalls {
		if t == nil {
			t = l.find(namespace, m.ToolCalls[i].ID)
		}
	}
	if t == nil || !t.says(m) {
		return nil
	}
	return t
}

// says reports whether a message is the turn's answer, up to its form.
func (t *turn) says(m *chat.Message) bool {
	if strings.TrimSpace(m.Text("")) != strings.TrimSpace(t.Content) || len(m.ToolCalls) != len(t.Calls) {
		return false
	}
	if m.Reasoning != "" && strings.TrimSpace(m.Reasoning) != strings.TrimSpace(t.Thought) {
		return false
	}
	for i, c := range m.ToolCalls {
		if c.Name != t.Calls[i].Name || c.ID != t.Calls[i].ID || !sameJSON(c.Arguments, t.Calls[i].Arguments) {
			return false
		}
	}
	return true
}

// sameJSON reports whether two texts are the same JSON value but for spaces, the
// order of keys and the spelling of strings; numbers must be written alike.
func sameJSON(a, b string) bool {
	if a == b {
		return true
	}
	return bytes.Equal(canonical(a), canonical(b)) && canonical(a) != nil
}

func canonical(s string) []byte {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return nil
	}
	out, err := json.Marshal(v) // maps are written in the order of keys
	if err != nil {
		return nil
	}
	return out
}
