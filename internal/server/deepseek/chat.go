package deepseek

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// chat answers /chat/completions.
func (a *API) chat(w http.ResponseWriter, r *http.Request) error {
	q, err := a.read(r)
	if err != nil {
		return err
	}
	return a.answer(w, q.Stream, func(s *sse.Writer) error {
		l, ans, err := a.begin(r.Context(), q)
		if err != nil {
			return err
		}
		defer l.Release()
		s.Header(func(h http.Header) { server.Announce(h, l) })
		h := head{ID: a.o.NewID(), Object: "chat.completion", Created: a.o.Now().Unix(), Model: q.Request.Model, Fingerprint: fingerprint(l)}
		return a.limited(ans, func() error {
			if q.Stream {
				h.Object = "chat.completion.chunk"
				return a.stream(s, h, q, ans)
			}
			return a.whole(s, h, q, ans)
		})
	})
}

// begin loads the model and submits the request. The lease is the caller's.
func (a *API) begin(ctx context.Context, q *asked) (*library.Lease, *llm.Answer, error) {
	l, err := a.b.Acquire(ctx, q.model)
	if err != nil {
		return nil, nil, err
	}
	if err = checkBias(&q.opts, l); err == nil {
		var ans *llm.Answer
		q.opts.NewID = a.o.NewCallID
		if ans, err = l.Chat(ctx, &q.Chat, q.opts); err == nil {
			return l, ans, nil
		}
	}
	err = queued(err, l)
	l.Release()
	return nil, nil, err
}

// checkBias refuses tokens that the model does not have.
func checkBias(o *llm.Options, l *library.Lease) error {
	size := l.Tokenizer().Size()
	for id := range o.Sampling.LogitBias {
		if int(id) >= size {
			return apierr.At(apierr.InvalidValue, "logit_bias", "'logit_bias' names the token %d, but the model has the tokens 0 to %d", id, size-1)
		}
	}
	return nil
}

// queued puts the length of the queue into the error that it is full, and calls
// fields what they are called here.
func queued(err error, l *library.Lease) error {
	e := apierr.From(err)
	if e.Kind == apierr.Overloaded {
		e.Queue = l.Stats().Queued
	}
	if e.Param == "output" {
		e.Param = "response_format"
	}
	return e
}

// fingerprint names what computed the answer.
func fingerprint(l *library.Lease) string { return "hf-" + l.Name() }

// answer runs f on a stream of events, or on one that carries a single JSON
// object after empty lines. Those keep the connection alive while the model
// loads, the request waits or the prompt is read, and mean nothing to a JSON
// parser. An error has a status of its own as long as nothing was sent.
func (a *API) answer(w http.ResponseWriter, stream bool, f func(s *sse.Writer) error) error {
	o := sse.Options{Heartbeat: a.o.Heartbeat, Timeout: a.o.WriteTimeout}
	if !stream {
		o.Lines, o.ContentType = true, "application/json"
	}
	s := sse.New(w, o)
	defer s.Close()
	err := f(s)
	if err != nil && s.Started() {
		_, body := errorOf(err)
		_ = s.Event("", body) // a client that has gone misses it
	}
	return err
}

// limited runs f, which reads an answer, and ends the answer if it has not begun
// after the time limit.
func (a *API) limited(ans *llm.Answer, f func() error) error {
	if a.o.StartLimit < 0 {
		return f()
	}
	var late atomic.Bool
	t := time.AfterFunc(a.o.StartLimit, func() {
		if ans.Status().Waiting {
			late.Store(true)
			ans.Cancel()
		}
	})
	defer t.Stop()
	err := f()
	if err != nil && late.Load() {
		return apierr.New(apierr.Timeout, "the request waited %v for its turn; try again later", a.o.StartLimit)
	}
	return err
}

// failure is why an answer cannot be sent. With some of it sent already, an end
// for want of resources is a finish reason of its own; see reasonOf.
func failure(d chat.Done, some bool) error {
	switch d.Reason {
	case chat.FinishError:
		if some && exhausted(d.Err) {
			return nil
		}
		if d.Err != nil {
			return d.Err
		}
		return apierr.New(apierr.Internal, "the answer was not finished")
	case chat.FinishCanceled:
		if d.Err != nil {
			return d.Err
		}
		return apierr.New(apierr.ClientGone, "the answer was given up")
	default:
		return nil
	}
}

// exhausted reports that an answer ended because the server could not go on,
// not because something is wrong with it.
func exhausted(err error) bool {
	if err == nil {
		return false
	}
	switch apierr.From(err).Kind {
	case apierr.ShuttingDown, apierr.InsufficientMemory, apierr.Overloaded, apierr.Timeout:
		return true
	default:
		return false
	}
}

// reasonOf is the finish reason on the wire.
func reasonOf(d chat.Done) string {
	if d.Reason == chat.FinishError {
		return "insufficient_system_resource"
	}
	return string(d.Reason)
}
