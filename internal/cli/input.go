package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/holdfast-llm/holdfast/internal/app"
)

// maxInput bounds what is read from standard input; no context holds as much.
const maxInput = 64 << 20

// withInput joins the prompt and what standard input carries: the instruction
// first, then the text, as people write it.
func withInput(ctx context.Context, a *app.App, prompt string) (string, error) {
	if !a.IO.Piped() {
		return prompt, nil
	}
	text, err := readInput(ctx, a)
	if err != nil {
		return "", err
	}
	text = strings.TrimRight(text, " \t\r\n")
	switch {
	case text == "":
		return prompt, nil
	case prompt == "":
		return text, nil
	}
	return prompt + "\n\n" + text, nil
}

// readInput reads standard input to its end. It says so when nothing comes for
// a while: who started the program may not know that it waits.
func readInput(ctx context.Context, a *app.App) (string, error) {
	type result struct {
		b   []byte
		err error
	}
	done := make(chan result, 1)
	go func() {
		b, err := io.ReadAll(io.LimitReader(a.IO.In, maxInput+1))
		done <- result{b, err}
	}()
	wait := time.NewTimer(3 * time.Second)
	defer wait.Stop()
	for {
		select {
		case r := <-done:
			return checkInput(r.b, r.err)
		case <-ctx.Done():
			return "", ctx.Err()
		case <-wait.C:
			fmt.Fprintln(a.IO.Err, "holdfast: waiting for standard input to end (redirect it from /dev/null if there is none)")
		}
	}
}

func checkInput(b []byte, err error) (string, error) {
	switch {
	case err != nil:
		return "", fmt.Errorf("reading standard input: %w", err)
	case len(b) > maxInput:
		return "", &app.FitError{Err: fmt.Errorf("standard input is longer than %d MiB, more than any context holds", maxInput>>20)}
	case !utf8.Valid(b):
		return "", &app.UsageError{Message: "standard input is not UTF-8 text", Hint: "convert it first, for example with pdftotext or iconv"}
	}
	return string(b), nil
}
