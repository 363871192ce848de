// Package tui is the chat on a terminal: line editing, history, answers that are
// rendered as they stream.
//
// It does not take over the screen. What is finished is printed above, into the
// terminal's own scrollback, where it can be searched, copied and still be read
// after the program has ended; only what still changes is redrawn: the end of
// the answer, the input, and one line of status.
//
// The model (in the sense of Bubble Tea: state, Update, View) is pure but for
// the answers that it starts; tests drive it with messages.
package tui

import (
	"context"
	"errors"
	"fmt"
	"io"

	tea "charm.land/bubbletea/v2"

	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// Options are the parts of the world that a chat runs in.
type Options struct {
	In      io.Reader
	Out     io.Writer
	NoColor bool
	Verbose bool // print the numbers of every answer
}

// Keys is the help on the keys.
const Keys = `  Enter sends; Shift-Enter, Alt-Enter, Ctrl-J or \ at the end begin a new line.
  Up and Down recall what you sent; Tab completes commands.
  Ctrl-C stops an answer or clears the input; at an empty prompt, twice ends.
  Ctrl-D ends. Ctrl-T shows or folds thinking; Ctrl-L clears the screen.`

// Run chats until the user leaves. Cancelling ctx ends it as well.
func Run(ctx context.Context, t *talk.Talk, o Options) error {
	t.Keys = Keys
	ctx, stop := context.WithCancel(ctx)
	defer stop() // an answer that is still being made must not outlive the screen
	m := newModel(t, o)
	m.start = func(ask func(context.Context) talk.Events) (*stream, context.CancelFunc) {
		return startStream(ctx, ask)
	}
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(o.Out), tea.WithoutCatchPanics())
	_, err := p.Run()
	if m.failure != nil {
		panic(fmt.Sprint(m.failure)) // our own mistake: reported where all of them are, now that the terminal is itself again
	}
	if errors.Is(err, tea.ErrInterrupted) || errors.Is(err, tea.ErrProgramKilled) {
		return context.Canceled
	}
	return err
}
