package library

import (
	"errors"
	"fmt"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/shape"
)

// ErrClosed is returned by Acquire after Close.
var ErrClosed = errors.New("library: closed")

// A NotFoundError says that there is no model of a name.
type NotFoundError struct {
	Name  string
	Known []string // some of the names that there are
}

// Error names the model and lists a few that there are.
func (e *NotFoundError) Error() string {
	s := fmt.Sprintf("library: the model %.200q does not exist here", e.Name)
	if len(e.Known) == 0 {
		return s + "; there are no models at all"
	}
	const most = 8
	known, more := e.Known, ""
	if len(known) > most {
		known, more = known[:most], fmt.Sprintf(" and %d more", len(e.Known)-most)
	}
	return s + "; there are: " + strings.Join(known, ", ") + more
}

// A MemoryError says that a model does not fit beside the ones in use.
type MemoryError struct {
	Name  string
	Need  int64 // bytes
	Limit int64 // bytes that all models together may take
	InUse int64 // bytes of models that are answering now
}

// Error gives the numbers.
func (e *MemoryError) Error() string {
	s := fmt.Sprintf("library: the model %q needs %s of memory, but there are %s", e.Name, engine.Bytes(e.Need), engine.Bytes(e.Limit))
	if e.InUse > 0 {
		s += fmt.Sprintf(", of which models in use take %s; try again when they are done", engine.Bytes(e.InUse))
	}
	return s
}

// A LoadError says that a model's file cannot be used.
type LoadError struct {
	Name string
	Err  error
}

// Error names the model and the cause.
func (e *LoadError) Error() string { return fmt.Sprintf("library: model %q: %v", e.Name, e.Err) }

// Unwrap returns the cause.
func (e *LoadError) Unwrap() error { return e.Err }

// A PromptError says that a conversation cannot be put into the model's prompt
// format.
type PromptError struct{ Err error }

// Error tells the format's reason.
func (e *PromptError) Error() string { return e.Err.Error() }

// Unwrap returns the format's error.
func (e *PromptError) Unwrap() error { return e.Err }

// A ConstraintError says that an answer cannot be limited to what was asked for.
type ConstraintError = shape.Error
