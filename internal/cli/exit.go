package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"syscall"

	"github.com/holdfast-llm/holdfast"
	"github.com/holdfast-llm/holdfast/internal/app"
)

// A Code is an exit code that scripts can rely on.
type Code int

// The exit codes.
const (
	OK          Code = 0   // it worked
	Failure     Code = 1   // something failed that is none of the below
	Usage       Code = 2   // the command line is wrong
	BadModel    Code = 3   // the model file is missing, broken, or not supported
	DoesNotFit  Code = 4   // not enough memory, or a prompt longer than the context
	Internal    Code = 70  // a mistake in holdfast itself
	Interrupted Code = 130 // Ctrl-C
)

// ReportURL is where mistakes in the program are reported.
const ReportURL = "https://github.com/holdfast-llm/holdfast/issues"

// codesHelp is the part of the help that lists the codes.
const codesHelp = `Exit codes: 0 it worked, 1 failure, 2 wrong usage, 3 the model file is missing,
broken or not supported, 4 it does not fit into memory or the context,
70 a mistake in holdfast itself, 130 interrupted.`

// codeOf classifies an error.
func codeOf(err error) Code {
	var usage *app.UsageError
	var model *app.ModelError
	var fit *app.FitError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"):
		return Usage
	case errors.As(err, &model):
		return BadModel
	case errors.As(err, &fit), errors.Is(err, holdfast.ErrContextExceeded), errors.Is(err, holdfast.ErrMemory):
		return DoesNotFit
	case errors.Is(err, context.Canceled):
		return Interrupted
	}
	return Failure
}

// report prints an error with its advice and returns the exit code. An
// interruption needs no words, and a reader that went away cannot read any.
func report(w io.Writer, err error) Code {
	code := codeOf(err)
	if code == OK || code == Interrupted || errors.Is(err, syscall.EPIPE) {
		return code
	}
	text, hint := strings.TrimSpace(app.Text(err)), app.Hint(err)
	var ce *holdfast.ContextError
	if errors.As(err, &ce) && hint == "" {
		text, hint = contextAdvice(ce)
	}
	if errors.Is(err, holdfast.ErrNoTemplate) {
		text = "this model has no chat template: it continues text but does not answer questions"
		hint = "use --raw to let it continue your text, or give it a template with --template FILE"
	}
	fmt.Fprintf(w, "holdfast: %s\n", text)
	if hint != "" {
		fmt.Fprintln(w, hint)
	}
	return code
}

func contextAdvice(e *holdfast.ContextError) (text, hint string) {
	return fmt.Sprintf("the prompt has %d tokens, but the context holds %d; nothing was cut off", e.PromptTokens, e.Context),
		fmt.Sprintf("shorten the prompt, or give it room: --context %d (the answer needs some too; `holdfast inspect` says what fits into memory)", roomFor(e.PromptTokens))
}

// roomFor returns a round context that holds a prompt and an answer.
func roomFor(prompt int) int {
	const answer, round = 1024, 1024
	return (prompt + answer + round - 1) / round * round
}

// recovered turns a panic, which is a mistake in our code, into one line. It is
// to be deferred.
func recovered(w io.Writer, code *Code) {
	v := recover()
	if v == nil {
		return
	}
	*code = Internal
	fmt.Fprintf(w, "holdfast: internal error: %v (at %s, %s, %s/%s, %s); please report this line and what you did at %s\n",
		v, panicPlace(), app.Version(), runtime.GOOS, runtime.GOARCH, runtime.Version(), ReportURL)
}

// panicPlace returns the file and line that panicked: the first frame of our
// own below the runtime's.
func panicPlace() string {
	pc := make([]uintptr, 32)
	frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
	inPanic := false
	for {
		f, more := frames.Next()
		if inPanic && !strings.HasPrefix(f.Function, "runtime.") {
			file := f.File
			if i := strings.LastIndex(file, "/internal/"); i >= 0 {
				file = file[i+1:]
			}
			return fmt.Sprintf("%s:%d", file, f.Line)
		}
		inPanic = inPanic || f.Function == "runtime.gopanic"
		if !more {
			return "an unknown place"
		}
	}
}
