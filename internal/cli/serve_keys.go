package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/platform/store"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/deepseek"
)

// A keyRule says who is let in.
type keyRule struct {
	auth   server.Authenticator
	keys   *server.Keys // nil without a store
	later  *laterKeys   // nil with one
	active int          // keys of the store that can be used
	fixed  bool         // --api-key
	needed bool         // requests without a key are refused
}

// openKeys decides who is let in: whoever reaches the server on an address of
// this machine only, otherwise those with a key.
func (s *service) openKeys(ctx context.Context) error {
	r := keyRule{fixed: s.o.apiKey != ""}
	r.needed = s.o.requireKey || r.fixed || !server.IsLoopback(s.o.listen)
	switch {
	case r.fixed:
		r.auth = server.NewFixedKey(s.o.apiKey)
	case r.needed:
		r.auth = server.Closed{}
	default:
		r.auth = server.Open{}
	}
	st, err := store.OpenExisting(s.a.Config.Dirs.Database())
	switch {
	case errors.Is(err, store.ErrNotThere):
		r.later = &laterKeys{path: s.a.Config.Dirs.Database(), others: r.auth, log: s.log}
		r.auth = r.later
	case err != nil && r.needed && !r.fixed:
		return err
	case err != nil:
		s.log.Warn("keys and usage cannot be read", "error", err)
	default:
		s.store = st
		if r.active, err = activeKeys(ctx, st); err != nil {
			return err
		}
		r.keys = server.NewKeys(st, r.auth)
		r.auth = r.keys
	}
	if r.needed && !r.fixed && r.active == 0 {
		return noKeys(s.o)
	}
	s.rule = r
	return nil
}

func noKeys(o *serveOptions) error {
	e := &app.UsageError{
		Message: fmt.Sprintf("--listen %s can be reached by other machines, which needs a key, and there are none", o.listen),
		Hint:    "`holdfast keys add NAME` makes one; or give one fixed key with --api-key, such as the output of: openssl rand -hex 24",
	}
	if server.IsLoopback(o.listen) {
		e.Message = "--require-key asks for keys, and there are none"
	}
	return e
}

func activeKeys(ctx context.Context, st *store.Store) (n int, err error) {
	keys, err := st.Keys(ctx)
	now := time.Now()
	for i := range keys {
		if k := &keys[i]; k.Revoked.IsZero() && (k.Expires.IsZero() || now.Before(k.Expires)) {
			n++
		}
	}
	return n, err
}

// String says the rule in words.
func (r *keyRule) String() string {
	known := strconv.Itoa(r.active) + " of `holdfast keys`"
	switch {
	case r.fixed && r.active > 0:
		return "needed: the one of --api-key, or one of the " + known
	case r.fixed:
		return "needed: the one of --api-key"
	case r.needed:
		return "needed: one of the " + known
	case r.keys != nil:
		return "not needed on this machine; those of `holdfast keys` (" + strconv.Itoa(r.active) + ") are held to their limits"
	}
	return "not needed: only programs of this machine can connect"
}

// balances is what DeepSeek's /user/balance tells, nil for nothing.
func (r *keyRule) balances() deepseek.Balances {
	switch {
	case r.keys != nil:
		return tokenBalances{func() *server.Keys { return r.keys }}
	case r.later != nil:
		return tokenBalances{r.later.opened}
	}
	return nil
}

// tokenBalances tells the tokens that keys have left in the unit of a currency:
// one is a million tokens.
type tokenBalances struct{ keys func() *server.Keys }

// Balance returns what a key has left.
func (b tokenBalances) Balance(ctx context.Context, key string) (deepseek.Balance, error) {
	keys := b.keys()
	if keys == nil {
		return deepseek.Balance{Available: true, Infos: []deepseek.Amount{}}, nil
	}
	left, bounded, err := keys.Left(ctx, key)
	if errors.Is(err, store.ErrNoName) { // the fixed key, or none
		return deepseek.Balance{Available: true, Infos: []deepseek.Amount{}}, nil
	}
	if err != nil || !bounded {
		return deepseek.Balance{Available: true, Infos: []deepseek.Amount{}}, err
	}
	text := fmt.Sprintf("%.2f", float64(max(0, left))/1e6)
	return deepseek.Balance{Available: left > 0, Infos: []deepseek.Amount{{Currency: "USD", Total: text, Granted: text, ToppedUp: "0.00"}}}, nil
}
