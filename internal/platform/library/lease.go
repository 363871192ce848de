package library

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/engine/shape"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// A Lease keeps a model loaded until Release. It is for one request.
type Lease struct {
	m      *Manager
	e      *entry
	llm    *llm.Model
	shapes *shape.Shapes
	desc   *Description
	name   string  // of a model that is made of e
	recipe *Recipe // its recipe
	once   sync.Once

	mu   sync.Mutex
	keep time.Duration
}

// Name returns the model's own name, whatever alias it was asked for by.
func (l *Lease) Name() string {
	if l.name != "" {
		return l.name
	}
	return l.e.src.Name
}

// Info describes the model.
func (l *Lease) Info() Info { return l.m.info(l.e, l.desc) }

// Model returns the model for what Lease has no method for.
func (l *Lease) Model() *llm.Model { return l.llm }

// Tokenizer returns the model's tokenizer.
func (l *Lease) Tokenizer() *tokenizer.Tokenizer { return l.llm.Tokenizer() }

// Context returns how many positions a request may have.
func (l *Lease) Context() int { return l.llm.Engine().Context() }

// Stats returns the engine's numbers.
func (l *Lease) Stats() engine.Stats { return l.llm.Engine().Stats() }

// KeepAlive changes how long the model stays after this lease, and from then
// on; negative is forever.
func (l *Lease) KeepAlive(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keep = d
}

// Release ends the lease. It may be called more than once.
func (l *Lease) Release() {
	l.once.Do(func() {
		l.mu.Lock()
		keep := l.keep
		l.mu.Unlock()
		l.m.mu.Lock()
		defer l.m.mu.Unlock()
		e := l.e
		e.refs--
		e.keep, e.lastUse = keep, time.Now()
		if e.refs == 0 && e.loaded != nil {
			l.m.idle(e, keep)
		}
	})
}

// Chat starts an answer; see llm.Model.Chat. What the request asks of the
// answer's shape is enforced, or refused with a *ConstraintError. A
// conversation that the model's format refuses gives a *PromptError.
func (l *Lease) Chat(ctx context.Context, r *chat.Request, o llm.Options) (*llm.Answer, error) {
	mask, err := l.constrain(r)
	if err != nil {
		return nil, err
	}
	if mask != nil {
		o.Mask = mask
	}
	a, err := l.llm.Chat(ctx, r, o)
	return a, promptError(err)
}

// Prompt returns the tokens of a conversation as Chat would begin with.
func (l *Lease) Prompt(r *chat.Request) ([]int32, error) {
	_, ids, err := l.llm.Render(r)
	return ids, promptError(err)
}

// promptError marks the errors that are the prompt format's: those that are
// neither the engine's nor the context's.
func promptError(err error) error {
	var re *sample.RangeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, llm.ErrNoFormat), errors.As(err, &re):
		return err
	}
	for _, known := range []error{engine.ErrClosed, engine.ErrContextExceeded, engine.ErrOverloaded, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return err
		}
	}
	return &PromptError{Err: err}
}
