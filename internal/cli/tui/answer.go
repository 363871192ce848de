package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/holdfast-llm/holdfast"
	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// ask starts an answer.
func (m *model) ask(r talk.Reply) tea.Cmd {
	m.phase, m.stopping, m.shown = reading, false, false
	m.began, m.thought = time.Now(), 0
	m.progress = holdfast.Progress{}
	m.thoughts.Reset()
	m.text.Reset()
	m.tail = nil
	m.answer, m.cancel = m.start(r.Answer)
	return tea.Batch(m.answer.next(), tick())
}

// events takes a piece of an answer.
func (m *model) events(msg answerMsg) tea.Cmd {
	if msg.from != m.answer {
		return nil // of an answer that is over
	}
	for _, it := range msg.items {
		m.event(it)
	}
	if m.phase == writing {
		m.settle(false)
	}
	if !msg.over {
		return m.answer.next()
	}
	m.finish()
	return nil
}

func (m *model) event(it item) {
	ev := it.ev
	switch {
	case ev.Progress != nil:
		m.progress = *ev.Progress
	case ev.Thinking != "":
		m.phase = thinking
		m.thoughts.WriteString(talk.Printable(ev.Thinking))
	case ev.Text != "":
		if m.phase == thinking {
			m.endThoughts()
		}
		m.phase = writing
		m.text.WriteString(talk.Printable(ev.Text))
	}
	if it.err != nil && !errors.Is(it.err, context.Canceled) {
		m.settle(true)
		m.print(m.styles.warn.Render(talk.Printable(m.talk.Explain(it.err))))
	}
	if ev.Done != nil {
		m.done(ev.Done)
	}
}

// endThoughts prints what becomes of the thoughts: all of them, or one line.
func (m *model) endThoughts() {
	m.thought = time.Since(m.began)
	if strings.TrimSpace(m.thoughts.String()) == "" {
		return
	}
	if m.unfold {
		m.printThoughts()
		return
	}
	m.print("", m.styles.dim.Render(fmt.Sprintf("· thought for %s (Ctrl-T shows it)", talk.Duration(m.thought))))
}

func (m *model) printThoughts() {
	m.print("")
	for _, l := range m.wrap(strings.TrimSpace(m.thoughts.String())) {
		m.print(m.styles.dim.Render("│ " + l))
	}
}

// toggleThoughts folds or unfolds: from now on, and what the last answer thought.
func (m *model) toggleThoughts() {
	m.unfold = !m.unfold
	switch {
	case !m.unfold:
		m.note = "thinking is folded"
	case m.phase == idle && m.thoughts.Len() > 0:
		m.printThoughts()
	default:
		m.note = "thinking is shown in full"
	}
}

// settle prints the blocks that are finished, and renders the rest.
func (m *model) settle(all bool) {
	text := m.text.String()
	n := len(text)
	if !all {
		n = stable(text)
	}
	if strings.TrimSpace(text[:n]) != "" {
		m.print("")
		m.print(m.md.render(text[:n])...)
		m.shown = true
	}
	if n > 0 {
		rest := text[n:]
		m.text.Reset()
		m.text.WriteString(rest)
	}
	m.renderTail()
}

func (m *model) renderTail() {
	m.tail = nil
	if t := m.text.String(); strings.TrimSpace(t) != "" {
		m.tail = m.md.render(t)
	}
}

// done is the last event of an answer.
func (m *model) done(d *holdfast.Done) {
	if m.phase == thinking {
		m.endThoughts()
	}
	m.settle(true)
	switch {
	case d.Reason == holdfast.FinishLength:
		m.print("", m.styles.warn.Render(fmt.Sprintf("The answer was cut after %d tokens: max-tokens or the context ended it.", d.Usage.CompletionTokens)))
	case d.Reason == holdfast.FinishCanceled:
		m.print("", m.styles.dim.Render("(stopped)"))
	case d.Usage.CompletionTokens == 0:
		m.print("", m.styles.dim.Render("(an empty answer)"))
	}
	if m.opts.Verbose {
		m.print("", m.styles.dim.Render(talk.Describe(d, "")))
	}
	if notice := m.talk.Finished(d); notice != "" {
		m.print("", m.styles.dim.Render(notice))
	}
}

// finish is the end of the stream.
func (m *model) finish() {
	if m.text.Len() > 0 { // an error ended it
		m.settle(true)
	}
	m.cancel()
	m.phase, m.answer, m.cancel = idle, nil, nil
}
