package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/holdfast-llm/holdfast"
	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// An item is one event of an answer.
type item struct {
	ev  holdfast.Event
	err error
}

// A stream carries the events of one answer from the goroutine that makes it to
// the screen.
type stream struct{ items chan item }

// answerMsg brings events; over says that there are no more.
type answerMsg struct {
	from  *stream
	items []item
	over  bool
}

// startStream begins an answer. The channel holds a while of it, so that a slow
// terminal does not slow the model down.
func startStream(ctx context.Context, ask func(context.Context) talk.Events) (*stream, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{items: make(chan item, 4096)}
	go func() {
		defer close(s.items)
		for ev, err := range ask(ctx) {
			s.items <- item{ev, err}
		}
	}()
	return s, cancel
}

// frame is how long events are gathered before they are drawn: drawing every
// token of a fast model would cost more than making it.
const frame = 30 * time.Millisecond

// next waits for events.
func (s *stream) next() tea.Cmd {
	return func() tea.Msg {
		msg := answerMsg{from: s}
		first, ok := <-s.items
		if !ok {
			msg.over = true
			return msg
		}
		msg.items = append(msg.items, first)
		time.Sleep(frame)
		for {
			select {
			case it, ok := <-s.items:
				if !ok {
					msg.over = true
					return msg
				}
				msg.items = append(msg.items, it)
			default:
				return msg
			}
		}
	}
}
