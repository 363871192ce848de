package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// lineKeys is the help on keys of the line mode.
const lineKeys = `  A line that ends in \ goes on in the next. """ begins and ends several lines.
  Ctrl-C stops an answer; at the prompt, twice ends. Ctrl-D ends.`

// A lineChat is the chat for terminals that can only print: one line in, text out.
type lineChat struct {
	a       *app.App
	talk    *talk.Talk
	verbose bool
	lines   chan string // closed at the end of input
	signals chan os.Signal
	style   style
}

// chatByLines chats until the input ends or the user leaves.
func chatByLines(ctx context.Context, a *app.App, t *talk.Talk, verbose bool) error {
	t.Keys = lineKeys
	c := &lineChat{a: a, talk: t, verbose: verbose, lines: make(chan string), signals: make(chan os.Signal, 1), style: styleOf(a, a.IO.OutTerminal)}
	// Ctrl-C is ours here: the context that the program was started with would
	// end it.
	signal.Notify(c.signals, os.Interrupt)
	defer signal.Stop(c.signals)
	go c.read()
	fmt.Fprintf(a.IO.Out, "%s. /help lists commands, Ctrl-D ends.\n", t.Model)
	return c.loop(context.WithoutCancel(ctx))
}

// read delivers lines until the input ends.
func (c *lineChat) read() {
	defer close(c.lines)
	r := bufio.NewReader(c.a.IO.In)
	for {
		line, err := r.ReadString('\n')
		if line != "" {
			c.lines <- strings.TrimRight(line, "\r\n")
		}
		if err != nil {
			return
		}
	}
}

func (c *lineChat) loop(ctx context.Context) error {
	interrupted := false
	for {
		text, why := c.input()
		switch {
		case errors.Is(why, io.EOF):
			fmt.Fprintln(c.a.IO.Out)
			return nil
		case why != nil && interrupted:
			return nil
		case why != nil:
			interrupted = true
			fmt.Fprintln(c.a.IO.Out, "\n(Ctrl-C again, Ctrl-D or /bye ends)")
			continue
		}
		interrupted = false
		r := c.talk.Enter(text)
		switch {
		case r.Quit:
			return nil
		case r.Err != nil:
			fmt.Fprintln(c.a.IO.Out, app.Text(r.Err))
		case r.Answer != nil:
			c.answer(ctx, r.Answer)
		case r.Text != "":
			fmt.Fprintln(c.a.IO.Out, r.Text)
		}
	}
}

var errInterrupt = errors.New("interrupted")

// input reads one message, which may be several lines.
func (c *lineChat) input() (string, error) {
	var b strings.Builder
	prompt, quoted := ">>> ", false
	for {
		fmt.Fprint(c.a.IO.Out, prompt)
		select {
		case <-c.signals:
			return "", errInterrupt
		case line, ok := <-c.lines:
			if !ok {
				return "", io.EOF
			}
			prompt = "... "
			more, goesOn := unfold(line, &quoted)
			b.WriteString(more)
			if !goesOn {
				return b.String(), nil
			}
			b.WriteByte('\n')
		}
	}
}

// unfold removes the marks of a message in several lines from one of them.
func unfold(line string, quoted *bool) (text string, goesOn bool) {
	const mark = `"""`
	if !*quoted && strings.HasPrefix(line, mark) {
		*quoted, line = true, line[len(mark):]
	}
	if *quoted {
		if before, ok := strings.CutSuffix(line, mark); ok {
			*quoted = false
			return before, false
		}
		return line, true
	}
	if before, ok := strings.CutSuffix(line, `\`); ok {
		return before, true
	}
	return line, false
}

// answer prints one answer; Ctrl-C stops it.
func (c *lineChat) answer(ctx context.Context, ask func(context.Context) talk.Events) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-c.signals:
			stop()
		case <-ctx.Done():
		}
	}()
	out := &textSink{out: c.a.IO.Out, terminal: true, style: c.style}
	for ev, err := range ask(ctx) {
		if err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintln(c.a.IO.Out, c.talk.Explain(err))
		}
		if ev.Done != nil || err != nil {
			_ = out.end(nil, nil, nil) // a terminal that is gone ends the input as well
			if notice := c.talk.Finished(ev.Done); notice != "" {
				fmt.Fprintln(c.a.IO.Err, notice)
			}
			if c.verbose && ev.Done != nil {
				fmt.Fprintln(c.a.IO.Err, talk.Describe(ev.Done, ""))
			}
			return
		}
		_ = out.event(ev)
	}
}
