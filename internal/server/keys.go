package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/platform/store"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// Keys lets in who has a key of the store.
type Keys struct {
	store *store.Store
	gate  *store.Gate
	// others decides about requests without a key of the store.
	others Authenticator
}

// NewKeys returns the check for the keys of a store. others decides about
// requests that carry no key of it: Open, a FixedKey, or Closed.
func NewKeys(s *store.Store, others Authenticator) *Keys {
	return &Keys{store: s, gate: s.NewGate(), others: others}
}

// Authenticate finds the key. A key that was revoked or has expired is an error
// even where none is needed: who uses it should know.
func (k *Keys) Authenticate(r *http.Request) (Principal, error) {
	given := Key(r)
	if !strings.HasPrefix(given, store.KeyBegin) {
		return k.others.Authenticate(r) // no key of ours: not worth looking up
	}
	key, err := k.store.Find(r.Context(), given)
	switch {
	case err == nil:
		return Principal{Name: key.Name, Account: &account{gate: k.gate, key: key}, Manage: key.Limits.Manage}, nil
	case errors.Is(err, store.ErrUnknownKey):
		return k.others.Authenticate(r)
	case errors.Is(err, store.ErrRevokedKey):
		return Principal{}, apierr.New(apierr.Unauthorized, "the key %s... was revoked", key.Prefix)
	case errors.Is(err, store.ErrExpiredKey):
		return Principal{}, apierr.New(apierr.Unauthorized, "the key %s... has expired", key.Prefix)
	}
	return Principal{}, err
}

// Left returns the tokens that a key has left.
func (k *Keys) Left(ctx context.Context, name string) (tokens int64, bounded bool, err error) {
	key, err := k.store.Key(ctx, name)
	if err != nil {
		return 0, false, err
	}
	tokens, bounded = k.store.Left(&key)
	return tokens, bounded, nil
}

// Closed lets nobody in.
type Closed struct{}

// Authenticate says that a key is needed, or that the one given is wrong.
func (Closed) Authenticate(r *http.Request) (Principal, error) {
	if Key(r) == "" {
		return Principal{}, errNoKey()
	}
	return Principal{}, errWrongKey()
}

func errNoKey() *apierr.Error {
	return apierr.New(apierr.Unauthorized, "this server needs a key: send \"Authorization: Bearer KEY\" or \"X-Api-Key: KEY\"")
}

func errWrongKey() *apierr.Error { return apierr.New(apierr.Unauthorized, "the key is not valid") }

// account is a key at the gate.
type account struct {
	gate *store.Gate
	key  store.Key
}

// Priority returns the key's.
func (a *account) Priority() int { return a.key.Limits.Priority }

// May asks the key's list of models.
func (a *account) May(names ...string) bool { return a.key.Limits.May(names...) }

// Rates asks the gate.
func (a *account) Rates() (requests, tokens Rate) { return a.gate.Rates(&a.key) }

// Used counts.
func (a *account) Used(model string, u chat.Usage) {
	a.gate.Used(a.key.ID, model, store.Usage{
		Prompt: int64(u.PromptTokens), Cached: int64(u.CachedTokens), Completion: int64(u.CompletionTokens), Reasoning: int64(u.ReasoningTokens),
	})
}

// Admit asks the gate and finds the error's place in the table.
func (a *account) Admit(ctx context.Context, names ...string) (func(), error) {
	release, err := a.gate.Admit(ctx, &a.key, names...)
	var le *store.LimitError
	var be *store.BalanceError
	var me *store.ModelError
	switch {
	case err == nil:
		return release, nil
	case errors.As(err, &le):
		e := apierr.New(apierr.RateLimited, "%s", words(le))
		e.RetryAfter = le.Retry
		return nil, e
	case errors.As(err, &be):
		return nil, apierr.New(apierr.QuotaExceeded, "%s", words(be))
	case errors.As(err, &me):
		return nil, apierr.At(apierr.Forbidden, "model", "%s", words(me))
	}
	return nil, err
}

// words is an error's text without the package's name in front.
func words(err error) string { return strings.TrimPrefix(err.Error(), "store: ") }
