package jinja

import (
	"errors"
	"fmt"
)

// Kind is the class of an Error.
type Kind string

// The kinds of errors.
const (
	KindSyntax    Kind = "syntax"          // the template does not parse
	KindRaise     Kind = "raise_exception" // the template refused its input by raise_exception
	KindUndefined Kind = "undefined"       // something undefined was used
	KindType      Kind = "type"            // an operation on a value of the wrong type
	KindValue     Kind = "value"           // a value outside of what an operation takes
	KindZero      Kind = "zero"            // division by zero
	KindSecurity  Kind = "security"        // the sandbox refused an attribute
	KindRuntime   Kind = "runtime"         // any other mistake of the template
	KindLimit     Kind = "limit"           // too many steps, too much output, too deep
)

// Error is a failure to parse or render a template.
type Error struct {
	Kind Kind
	Msg  string
	Name string // the template's name
	Line int    // from 1; 0 if unknown
}

// Error returns the template's name, the line and the message.
func (e *Error) Error() string {
	where := e.Name
	if where == "" {
		where = "template"
	}
	if e.Line > 0 {
		return fmt.Sprintf("jinja: %s line %d: %s", where, e.Line, e.Msg)
	}
	return fmt.Sprintf("jinja: %s: %s", where, e.Msg)
}

// KindOf returns the kind of the Error in err's chain, or "" if there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

func errorf(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Msg: fmt.Sprintf(format, args...)}
}

func typeErrorf(format string, args ...any) *Error  { return errorf(KindType, format, args...) }
func valueErrorf(format string, args ...any) *Error { return errorf(KindValue, format, args...) }

// at completes an error with its place, unless a deeper one is known already.
func at(err error, name string, line int) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Line == 0 {
		e.Line, e.Name = line, name
	}
	return err
}
