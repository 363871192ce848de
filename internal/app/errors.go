package app

import (
	"errors"
	"strings"
)

// A UsageError is a mistake on the command line.
type UsageError struct {
	Message string
	Hint    string // what to do, may be empty
}

func (e *UsageError) Error() string { return e.Message }

// A ModelError is a model file that cannot be used: missing, something else,
// broken, or of an architecture that is not supported.
type ModelError struct {
	Err  error
	Hint string // what to do, may be empty
}

func (e *ModelError) Error() string { return trim(e.Err) }

// Unwrap returns the cause.
func (e *ModelError) Unwrap() error { return e.Err }

// A FitError is a model, a context or a prompt that does not fit.
type FitError struct {
	Err  error
	Hint string // the numbers by part and what would fit, may be empty
}

func (e *FitError) Error() string { return trim(e.Err) }

// Unwrap returns the cause.
func (e *FitError) Unwrap() error { return e.Err }

// Hint returns the advice that an error carries, "" if it has none.
func Hint(err error) string {
	var u *UsageError
	var m *ModelError
	var f *FitError
	switch {
	case errors.As(err, &u):
		return u.Hint
	case errors.As(err, &m):
		return m.Hint
	case errors.As(err, &f):
		return f.Hint
	}
	return ""
}

// packages are the prefixes that our own packages put before their errors: good
// for a programmer's log, noise for who runs the program.
var packages = []string{"holdfast", "gguf", "model", "tokenizer", "chat", "llm", "engine", "sample", "cpu", "mem", "config", "quant", "attend", "jinja", "library", "server", "store", "diskcache", "obs"}

// trim removes our packages' names from the front of an error's text.
func trim(err error) string {
	s := err.Error()
	for again := true; again; {
		again = false
		for _, p := range packages {
			if rest, ok := strings.CutPrefix(s, p+": "); ok {
				s, again = rest, true
			}
		}
	}
	return s
}

// Text returns an error's text for people.
func Text(err error) string { return trim(err) }

// trimRef returns an error's text without the file's name in front, for a
// message that has it there already.
func trimRef(ref string, err error) string {
	return strings.TrimPrefix(trim(err), ref+": ")
}
