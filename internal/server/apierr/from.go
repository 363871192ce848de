package apierr

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// retryOverloaded is what clients are told to wait when the queue is full: about
// as long as a short answer takes.
const retryOverloaded = 5 * time.Second

// From finds an error's place in the table. What is not known is Internal, and
// its text stays in the log: it may say more than a client should read.
func From(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	for _, f := range []func(error) *Error{fromEngine, fromLibrary, fromText, fromHTTP} {
		if e := f(err); e != nil {
			return e.Because(err)
		}
	}
	return New(Internal, "something went wrong in the server; its log says more").Because(err)
}

func fromEngine(err error) *Error {
	var ce *engine.ContextError
	var re *sample.RangeError
	switch {
	case errors.As(err, &ce):
		e := New(ContextExceeded, "This model's maximum context length is %d tokens, but the prompt has %d tokens and an answer needs at least one. Shorten the prompt; nothing was cut off.", ce.Context, ce.PromptTokens)
		e.PromptTokens, e.Context = ce.PromptTokens, ce.Context
		return e
	case errors.As(err, &re):
		return At(InvalidValue, re.Option, "%s", plain(re))
	case errors.Is(err, engine.ErrOverloaded):
		e := New(Overloaded, "too many requests are waiting for the model; try again later")
		e.RetryAfter = retryOverloaded
		return e
	case errors.Is(err, engine.ErrClosed):
		e := New(ShuttingDown, "the model is being unloaded; try again")
		e.RetryAfter = time.Second
		return e
	}
	return nil
}

func fromLibrary(err error) *Error {
	var nf *library.NotFoundError
	var me *library.MemoryError
	var le *library.LoadError
	switch {
	case errors.As(err, &nf):
		return At(ModelNotFound, "model", "%s", plain(nf))
	case errors.As(err, &me):
		e := New(InsufficientMemory, "%s", plain(me))
		if me.InUse > 0 {
			e.RetryAfter = retryOverloaded
		}
		return e
	case errors.As(err, &le):
		return New(ModelFailed, "the model %q cannot be loaded; the server's log says why", le.Name)
	case errors.Is(err, library.ErrClosed):
		return New(ShuttingDown, "the server is shutting down")
	}
	return nil
}

func fromText(err error) *Error {
	var pe *library.PromptError
	var ce *library.ConstraintError
	switch {
	case errors.As(err, &ce):
		return At(UnsupportedValue, ce.Param, "%s", plain(ce))
	case errors.Is(err, llm.ErrNoFormat), errors.Is(err, chat.ErrNoTemplate):
		return At(InvalidRequest, "model", "the model has no chat template: it continues text (/v1/completions) but does not chat")
	case errors.Is(err, chat.ErrNoTools):
		return At(UnsupportedField, "tools", "%s", plain(chat.ErrNoTools))
	case errors.As(err, &pe):
		return At(InvalidRequest, "messages", "%s", plain(pe))
	}
	return nil
}

func fromHTTP(err error) *Error {
	var mb *http.MaxBytesError
	switch {
	case errors.As(err, &mb):
		return New(TooLarge, "the request's body is longer than %d bytes", mb.Limit)
	case errors.Is(err, context.DeadlineExceeded):
		return New(Timeout, "the request took too long")
	case errors.Is(err, context.Canceled):
		return New(ClientGone, "the client went away")
	}
	return nil
}

// plain is an error's text without our packages' names in front.
func plain(err error) string {
	s := err.Error()
	for _, p := range []string{"llm: ", "chat: ", "engine: ", "sample: ", "library: ", "grammar: ", "jinja: "} {
		s = strings.TrimPrefix(s, p)
	}
	return s
}
