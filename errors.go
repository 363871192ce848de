package holdfast

import (
	"errors"
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

var (
	// ErrClosed is returned after Close, and by streams that ran when it was called.
	ErrClosed = errors.New("holdfast: the model is closed")
	// ErrBusy is returned when a session that is answering is asked again.
	ErrBusy = errors.New("holdfast: the session is already answering; use another session, or wait")
	// ErrOverloaded is returned when too many requests wait for the model.
	ErrOverloaded = errors.New("holdfast: too many requests are waiting for the model")
	// ErrNoTemplate is returned by Chat for a model that has no chat template
	// of its own and was given none.
	ErrNoTemplate = errors.New("holdfast: the model has no chat template: it continues text (Complete) but does not chat; WithTemplate gives it one")
	// ErrContextExceeded is what a *ContextError is.
	ErrContextExceeded = errors.New("holdfast: the prompt is longer than the context")
	// ErrMemory is what a *MemoryError is.
	ErrMemory = errors.New("holdfast: not enough memory")
	// ErrNotGGUF is wrapped by the error for a file that is something else.
	ErrNotGGUF = errors.New("holdfast: not a GGUF file")
	// ErrNothingToRegenerate is returned by Regenerate when the history holds no question.
	ErrNothingToRegenerate = errors.New("holdfast: there is no question to answer again")
)

// A ContextError says that a prompt does not fit into the context. It is never
// cut to fit.
type ContextError struct {
	PromptTokens int // tokens of the prompt
	Context      int // tokens that the context holds
}

func (e *ContextError) Error() string {
	return fmt.Sprintf("holdfast: the prompt has %d tokens, but the context holds %d; shorten the prompt, or open the model with a longer context",
		e.PromptTokens, e.Context)
}

// Is reports that a ContextError is ErrContextExceeded.
func (e *ContextError) Is(target error) bool { return target == ErrContextExceeded }

// A MemoryError says that the model, or the cache for its context, does not fit
// into memory.
type MemoryError struct {
	Need    int64 // bytes asked for
	Usable  int64 // bytes that there are
	Context int   // the context that was asked for
	Fits    int   // the longest context that fits, 0 if none does
}

func (e *MemoryError) Error() string {
	s := fmt.Sprintf("holdfast: a context of %d tokens needs %s of memory, but %s are free", e.Context, engine.Bytes(e.Need), engine.Bytes(e.Usable))
	if e.Fits > 0 {
		return s + fmt.Sprintf("; a context of %d would fit", e.Fits)
	}
	return s + "; close other programs, or take a smaller model"
}

// Is reports that a MemoryError is ErrMemory.
func (e *MemoryError) Is(target error) bool { return target == ErrMemory }

// publicErr turns errors of the inner packages into those of this one.
func publicErr(err error) error {
	var ce *engine.ContextError
	var me *engine.MemoryError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ce):
		return &ContextError{PromptTokens: ce.PromptTokens, Context: ce.Context}
	case errors.As(err, &me):
		return &MemoryError{Need: me.Need, Usable: me.Usable, Context: me.Context * me.Parallel, Fits: me.Fits()}
	case errors.Is(err, engine.ErrClosed):
		return ErrClosed
	case errors.Is(err, engine.ErrOverloaded):
		return ErrOverloaded
	case errors.Is(err, llm.ErrNoFormat), errors.Is(err, chat.ErrNoTemplate):
		return ErrNoTemplate
	case errors.Is(err, gguf.ErrNotGGUF):
		return &wrapped{ErrNotGGUF, err}
	}
	return err
}

// wrapped is an inner error that is also one of this package's.
type wrapped struct{ public, inner error }

func (w *wrapped) Error() string   { return w.inner.Error() }
func (w *wrapped) Unwrap() []error { return []error{w.public, w.inner} }
