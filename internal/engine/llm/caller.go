package llm

import (
	"context"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// A Caller is on whose behalf a context's answers are made. Whoever knows it,
// such as a server that has checked a key, puts it into the context with
// WithCaller, and every answer of that context obeys it, whichever way it is
// asked for.
type Caller struct {
	// Name separates callers: each has its own turn, and its own prefix cache, so
	// that none can find out by timing what another asked. Within a caller's share
	// Options.User and Options.Namespace separate further.
	Name     string
	Priority int // added to Options.Priority
	// Used, if not nil, is told what each answer took when it ends, however it ends.
	// It is called by the answer's reader and should be quick.
	Used func(chat.Usage)
}

type callerKey struct{}

// WithCaller returns a context on behalf of a caller.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

func callerOf(ctx context.Context) *Caller {
	c, _ := ctx.Value(callerKey{}).(*Caller)
	return c
}

// mine makes options those of the context's caller.
func (o Options) mine(ctx context.Context) Options {
	c := callerOf(ctx)
	if c == nil {
		return o
	}
	o.Priority += c.Priority
	o.group = c.Name
	o.User = c.key(o.User)
	o.Namespace = c.key(o.Namespace)
	return o
}

// key puts the caller's name before a name of its own choice, which so can never
// be another caller's: names of callers have no zero byte.
func (c *Caller) key(own string) string { return c.Name + "\x00" + own }

// report tells the caller what an answer took. The prompt of several answers to
// one conversation counts once.
func (a *Answer) report() {
	if a.caller == nil || a.caller.Used == nil {
		return
	}
	u := chat.Usage{CompletionTokens: len(a.tokens), ReasoningTokens: a.reasoning}
	if !a.sibling {
		// Of a prompt that was given up, only what was read.
		u.PromptTokens, u.CachedTokens = min(len(a.prompt), a.s.Status().PromptDone), a.s.Result().CachedTokens
		if len(a.tokens) > 0 {
			u.PromptTokens = len(a.prompt)
		}
	}
	a.caller.Used(u)
}
