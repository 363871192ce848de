package cli

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/platform/store"
	"github.com/holdfast-llm/holdfast/internal/server"
)

// laterKeys lets in who others lets in, until the first key is made: then the
// store is there, and it decides. Nothing is made on a disk before that.
type laterKeys struct {
	path   string
	others server.Authenticator
	log    *slog.Logger

	mu    sync.Mutex
	store *store.Store
	keys  *server.Keys
}

// Authenticate looks for the store when the first key of one comes.
func (l *laterKeys) Authenticate(r *http.Request) (server.Principal, error) {
	if !strings.HasPrefix(server.Key(r), store.KeyBegin) {
		return l.others.Authenticate(r)
	}
	if k := l.find(); k != nil {
		return k.Authenticate(r)
	}
	return l.others.Authenticate(r)
}

func (l *laterKeys) find() *server.Keys {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys != nil {
		return l.keys
	}
	st, err := store.OpenExisting(l.path)
	if err != nil {
		if !errors.Is(err, store.ErrNotThere) {
			l.log.Warn("keys and usage cannot be read", "error", err)
		}
		return nil
	}
	l.store, l.keys = st, server.NewKeys(st, l.others)
	return l.keys
}

// opened returns the keys if they were found, or nil.
func (l *laterKeys) opened() *server.Keys {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keys
}

// close closes what was found.
func (l *laterKeys) close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.store == nil {
		return nil
	}
	return l.store.Close()
}
