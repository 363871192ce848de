package apierr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// TestFrom checks the place of every error that comes from below.
func TestFrom(t *testing.T) {
	f := func(err error, status int, code, param string) {
		t.Helper()
		for _, wrapped := range []error{err, fmt.Errorf("outer: %w", err)} {
			e := From(wrapped)
			if e.Status() != status || e.Code() != code || e.Param != param {
				t.Errorf("%v: %d %s %q", wrapped, e.Status(), e.Code(), e.Param)
			}
		}
	}
	f(&engine.ContextError{PromptTokens: 9, Context: 8}, 400, "context_length_exceeded", "")
	f(engine.ErrOverloaded, 429, "server_overloaded", "")
	f(engine.ErrClosed, 503, "shutting_down", "")
	f(&sample.RangeError{Option: "top_p", Value: 2, High: 1}, 400, "invalid_value", "top_p")
	f(&library.NotFoundError{Name: "x"}, 404, "model_not_found", "model")
	f(&library.MemoryError{Name: "x"}, 503, "insufficient_memory", "")
	f(&library.LoadError{Name: "x", Err: errors.New("/secret/path")}, 500, "model_failed", "")
	f(library.ErrClosed, 503, "shutting_down", "")
	f(&library.ConstraintError{Param: "output", Err: errors.New("x")}, 400, "unsupported_value", "output")
	f(&library.PromptError{Err: errors.New("x")}, 400, "invalid_request", "messages")
	f(&library.PromptError{Err: chat.ErrNoTools}, 400, "unsupported_parameter", "tools")
	f(llm.ErrNoFormat, 400, "invalid_request", "model")
	f(chat.ErrNoTemplate, 400, "invalid_request", "model")
	f(&http.MaxBytesError{Limit: 5}, 413, "request_too_large", "")
	f(context.DeadlineExceeded, 504, "timeout", "")
	f(context.Canceled, 499, "client_gone", "")
	f(Missing("x"), 400, "missing_required_parameter", "x")
	f(errors.New("secret"), 500, "internal_error", "")
}

func TestSecretsStayInTheLog(t *testing.T) {
	cause := errors.New("/secret/path")
	for _, err := range []error{cause, &library.LoadError{Name: "x", Err: cause}} {
		if e := From(err); !errors.Is(e, cause) || e.Error() == "" || strings.Contains(e.Error(), "secret") {
			t.Errorf("%v", e)
		}
	}
}

func TestTableIsComplete(t *testing.T) {
	seen := map[string]bool{}
	Codes(func(code string, status int, typ string) {
		if code == "" || status < 400 || typ == "" || seen[code] {
			t.Errorf("%q %d %q", code, status, typ)
		}
		seen[code] = true
	})
}
