package server

import (
	"context"
	"slices"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// An Account holds its owner to limits and counts what is used.
type Account interface {
	// Admit decides whether a request may be computed by a model that goes by
	// these names, its own last. release is called when the request is over.
	// Errors are *apierr.Error.
	Admit(ctx context.Context, names ...string) (release func(), err error)
	// Used is told what an answer of a model took.
	Used(model string, u chat.Usage)
	// May reports whether a model that goes by these names may be used at all.
	May(names ...string) bool
	// Rates returns how far limits by the minute are used.
	Rates() (requests, tokens Rate)
	// Priority is the account's place in the queue; higher goes first.
	Priority() int
}

type visitKey struct{}

// A visit is one request with who sent it.
type visit struct {
	who Principal

	mu       sync.Mutex
	model    string
	usage    chat.Usage // of all answers so far
	admitted bool
	release  func()
}

// visiting returns a context for a request: Who finds its sender, Guard holds
// it to its limits, and package llm makes its answers with a cache and a turn of
// its own. The visit's leave must be called at the end of the request.
func visiting(ctx context.Context, p Principal) (context.Context, *visit) {
	v := &visit{who: p}
	c := &llm.Caller{Name: p.Name, Used: v.used}
	if p.Account != nil {
		c.Priority = p.Account.Priority()
	}
	return llm.WithCaller(context.WithValue(ctx, visitKey{}, v), c), v
}

// Who returns who sent a request.
func Who(ctx context.Context) Principal {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v.who
	}
	return Principal{}
}

func (v *visit) used(u chat.Usage) {
	v.mu.Lock()
	v.usage.PromptTokens += u.PromptTokens
	v.usage.CachedTokens += u.CachedTokens
	v.usage.CompletionTokens += u.CompletionTokens
	v.usage.ReasoningTokens += u.ReasoningTokens
	model := v.model
	v.mu.Unlock()
	if v.who.Account != nil {
		v.who.Account.Used(model, u)
	}
}

// told returns what was asked of which model; nothing for a nil visit.
func (v *visit) told() (model string, u chat.Usage) {
	if v == nil {
		return "", u
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.model, v.usage
}

func (v *visit) leave() {
	v.mu.Lock()
	release := v.release
	v.release = nil
	v.mu.Unlock()
	if release != nil {
		release()
	}
}

// Visible leaves out of a list the models that whoever sent the request may not
// use: what a list offers must work.
func Visible(ctx context.Context, list []library.Info) []library.Info {
	if Who(ctx).Account == nil {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(i library.Info) bool { return !May(ctx, &i) })
}

// May reports whether whoever sent a request may use a model, by any of its names.
func May(ctx context.Context, i *library.Info) bool {
	acc := Who(ctx).Account
	return acc == nil || acc.May(append([]string{i.Name}, i.Aliases...)...)
}

// Guard returns a backend that gives models only to those who may use them:
// every way to a model leads through Acquire.
func Guard(b Backend) Backend { return guard{b} }

type guard struct{ Backend }

// Acquire asks the account of who sent the request first.
func (g guard) Acquire(ctx context.Context, name string) (*library.Lease, error) {
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok {
		return g.Backend.Acquire(ctx, name)
	}
	i, err := g.Info(name)
	if err != nil {
		return nil, err
	}
	if err := v.admit(ctx, slices.Concat([]string{name}, i.Aliases, []string{i.Name})...); err != nil {
		return nil, err
	}
	return g.Backend.Acquire(ctx, name)
}

// admit asks once for each request.
func (v *visit) admit(ctx context.Context, names ...string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.admitted {
		return nil
	}
	if v.who.Account != nil {
		release, err := v.who.Account.Admit(ctx, names...)
		if err != nil {
			return err
		}
		v.release = release
	}
	v.model, v.admitted = names[len(names)-1], true
	return nil
}
