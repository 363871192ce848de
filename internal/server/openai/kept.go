package openai

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/holdfast-llm/holdfast/internal/platform/store"
	"github.com/holdfast-llm/holdfast/internal/server"
)

// A KeptStore keeps responses across restarts, the last used ones in memory too.
// Answers do not fail because of the disk: what cannot be written stays in memory.
type KeptStore struct {
	front  *MemoryStore
	disk   *store.Responses
	warn   func(error)
	failed atomic.Bool // the last write; one warning is enough
}

// NewKeptStore returns a store on disk behind one in memory. warn is told when the
// disk fails, and not again before it works; it may be nil.
func NewKeptStore(front *MemoryStore, disk *store.Responses, warn func(error)) *KeptStore {
	return &KeptStore{front: front, disk: disk, warn: warn}
}

// diskWait bounds how long a request waits for the disk.
const diskWait = 10 * time.Second

func diskContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), diskWait)
}

// problem tells of an error of the disk, or that there is none.
func (k *KeptStore) problem(err error) {
	if again := k.failed.Swap(err != nil); err != nil && !again && k.warn != nil {
		k.warn(err)
	}
}

// Put keeps a response. What is larger than the bounds stays in memory.
func (k *KeptStore) Put(s *Stored) error {
	if err := k.front.Put(s); err != nil {
		return err
	}
	data, err := server.Marshal(s)
	if err != nil {
		return err
	}
	ctx, stop := diskContext()
	defer stop()
	k.problem(k.disk.Put(ctx, s.ID, s.Owner, data))
	return nil
}

// Get returns a response.
func (k *KeptStore) Get(id, owner string) (*Stored, bool, error) {
	if s, ok, err := k.front.Get(id, owner); ok || err != nil {
		return s, ok, err
	}
	ctx, stop := diskContext()
	defer stop()
	data, ok, err := k.disk.Get(ctx, id, owner)
	k.problem(err)
	if !ok || err != nil {
		return nil, false, nil // to the client it is not there
	}
	s := &Stored{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, false, fmt.Errorf("openai: the stored response %s: %w", id, err)
	}
	return s, true, k.front.Put(s)
}

// Delete forgets a response. If the disk keeps it, that is an error.
func (k *KeptStore) Delete(id, owner string) (bool, error) {
	had, err := k.front.Delete(id, owner)
	if err != nil {
		return false, err
	}
	ctx, stop := diskContext()
	defer stop()
	there, err := k.disk.Delete(ctx, id, owner)
	return had || there, err
}
