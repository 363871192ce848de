package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// key takes a key press: ours first, the editor's otherwise.
func (m *model) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.String()
	if name != "ctrl+c" {
		m.armed, m.note = false, ""
	}
	switch name {
	case "ctrl+c":
		return m.interrupt()
	case "esc":
		if m.phase != idle {
			return m.interrupt()
		}
		return nil
	case "ctrl+d":
		if m.input.Value() == "" {
			return m.quit()
		}
	case "enter":
		return m.enter()
	case "ctrl+t":
		m.toggleThoughts()
		return nil
	case "ctrl+l":
		return tea.ClearScreen
	case "tab":
		m.complete()
		return nil
	case "up":
		if m.atTop() && m.recall(-1) {
			return nil
		}
	case "down":
		if m.atBottom() && m.recall(+1) {
			return nil
		}
	}
	return m.toInput(k)
}

// interrupt is Ctrl-C: it stops the answer; or clears the input; or, at an empty
// prompt, ends the program the second time.
func (m *model) interrupt() tea.Cmd {
	switch {
	case m.phase != idle:
		m.stopping = true
		m.cancel()
	case m.input.Value() != "":
		m.remember(m.input.Value()) // cleared by mistake is not lost
		m.setInput("")
	case m.armed:
		return m.quit()
	default:
		m.armed, m.note = true, "Ctrl-C again, Ctrl-D or /bye ends"
	}
	return nil
}

func (m *model) quit() tea.Cmd {
	if m.phase != idle {
		m.cancel()
		m.settle(true) // what there is of the answer stays on the screen
	}
	m.quitting = true
	if len(m.out) == 0 {
		return tea.Quit
	}
	rest := strings.Join(m.out, "\n")
	m.out = nil
	return tea.Sequence(tea.Println(rest), tea.Quit)
}

// enter sends the input, unless it goes on in the next line.
func (m *model) enter() tea.Cmd {
	text := m.input.Value()
	if before, ok := strings.CutSuffix(text, `\`); ok && m.atEnd() {
		m.setInput(before + "\n")
		return nil
	}
	if strings.TrimSpace(text) == "" {
		return nil
	}
	r := m.talk.Enter(text)
	if r.Answer != nil && m.phase != idle {
		m.note = "the answer is still being made; Ctrl-C stops it"
		return nil
	}
	m.remember(text)
	m.setInput("")
	return m.reply(text, r)
}

// reply shows what came of the input.
func (m *model) reply(text string, r talk.Reply) tea.Cmd {
	if r.Quit {
		return m.quit()
	}
	m.print("", m.quoted(text))
	switch {
	case r.Answer != nil:
		return m.ask(r)
	case r.Err != nil:
		m.print(m.styles.warn.Render(talk.Printable(m.talk.Explain(r.Err))))
	case r.Text != "":
		m.print(m.styles.dim.Render(talk.Printable(r.Text)))
	}
	return nil
}

// quotedLines is how much of what the user said stands above the answer; a
// report that was pasted need not scroll by again.
const quotedLines = 12

// quoted is what the user said, as it stands above the answer.
func (m *model) quoted(text string) string {
	lines := strings.Split(strings.TrimRight(talk.Printable(text), "\n"), "\n")
	if n := len(lines) - quotedLines; n > 1 {
		lines = append(lines[:quotedLines:quotedLines], fmt.Sprintf("… and %d more lines", n))
	}
	for i, l := range lines {
		mark := "  "
		if i == 0 {
			mark = "> "
		}
		lines[i] = m.styles.dim.Render(mark) + m.styles.user.Render(l)
	}
	return strings.Join(lines, "\n")
}

func (m *model) setInput(text string) {
	m.input.SetValue(text)
	m.input.MoveToEnd()
}

// atEnd reports that the cursor is behind the last character.
func (m *model) atEnd() bool {
	lines := strings.Split(m.input.Value(), "\n")
	return m.input.Line() == len(lines)-1 && m.input.Column() == len([]rune(lines[len(lines)-1]))
}

func (m *model) atTop() bool { return m.input.Line() == 0 && m.input.LineInfo().RowOffset == 0 }

func (m *model) atBottom() bool {
	i := m.input.LineInfo()
	return m.input.Line() == m.input.LineCount()-1 && i.RowOffset >= i.Height-1
}

// remember adds to the history of inputs.
func (m *model) remember(text string) {
	if n := len(m.history); n == 0 || m.history[n-1] != text {
		m.history = append(m.history, text)
	}
	m.at, m.draft = len(m.history), ""
}

// recall moves through the history; what was being typed is its last entry.
func (m *model) recall(by int) bool {
	to := m.at + by
	if to < 0 || to > len(m.history) {
		return false
	}
	if m.at == len(m.history) {
		m.draft = m.input.Value()
	}
	m.at = to
	if to == len(m.history) {
		m.setInput(m.draft)
	} else {
		m.setInput(m.history[to])
	}
	return true
}

// complete finishes the name of a command, as far as it is certain.
func (m *model) complete() {
	text := m.input.Value()
	if !strings.HasPrefix(text, "/") || strings.ContainsAny(text, " \n") {
		return
	}
	var match []string
	for _, n := range talk.Names() {
		if strings.HasPrefix(n, text) {
			match = append(match, n)
		}
	}
	switch len(match) {
	case 0:
		m.note = "no command begins with " + text
	case 1:
		m.setInput(match[0] + " ")
	default:
		m.note = strings.Join(match, "  ")
	}
}
