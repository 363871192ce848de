package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// View draws what still changes.
func (m *model) View() tea.View {
	if m.quitting {
		return tea.NewView("")
	}
	input := strings.Split(m.input.View(), "\n")
	room := max(m.height-len(input)-2, 1)
	live := m.live()
	if len(live) > room { // the terminal cannot show more; the rest comes when it is finished
		live = live[len(live)-room:]
	}
	lines := append(live, "")
	top := len(lines)
	lines = append(append(lines, input...), m.status())
	v := tea.NewView(strings.Join(lines, "\n"))
	if c := m.input.Cursor(); c != nil {
		c.Y += top
		v.Cursor = c
	}
	return v
}

// thoughtRows is how much of the thoughts is shown while they are folded.
const thoughtRows = 4

// live is the end of the answer, as it is now.
func (m *model) live() []string {
	switch m.phase {
	case reading:
		return []string{"", m.spinner() + m.styles.dim.Render(m.readingText())}
	case thinking:
		lines := m.wrap(strings.TrimSpace(m.thoughts.String()))
		if !m.unfold && len(lines) > thoughtRows {
			lines = lines[len(lines)-thoughtRows:]
		}
		out := []string{"", m.spinner() + m.styles.dim.Render("thinking, "+talk.Duration(time.Since(m.began).Truncate(100*time.Millisecond)))}
		for _, l := range lines {
			out = append(out, m.styles.dim.Render("│ "+l))
		}
		return out
	case writing:
		return append([]string{""}, m.tail...)
	case idle:
	}
	return nil
}

func (m *model) readingText() string {
	if m.stopping {
		return "stopping"
	}
	if p := m.progress; p.Total > 0 {
		return fmt.Sprintf("reading, %d of %d tokens", p.Done, p.Total)
	}
	return "reading"
}

func (m *model) spinner() string {
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	return string(frames[m.tick%len(frames)]) + " "
}

// status is the last line: a remark, or where the conversation stands.
func (m *model) status() string {
	text := m.note
	if text == "" {
		text = m.standing()
	}
	if w := m.width - 1; lipgloss.Width(text) > w {
		text = string([]rune(text)[:max(min(w, len([]rune(text))), 0)])
	}
	return m.styles.dim.Render(text)
}

func (m *model) standing() string {
	var parts []string
	switch {
	case m.stopping && m.phase != idle:
		parts = append(parts, "stopping")
	case m.phase != idle:
		parts = append(parts, "Ctrl-C stops")
	}
	if d := m.talk.Last(); d != nil {
		used := d.Usage.PromptTokens + d.Usage.CompletionTokens
		parts = append(parts, fmt.Sprintf("context %d of %d", used, m.talk.Context), talk.Brief(d))
	}
	return strings.Join(parts, " · ")
}

// wrap breaks text into lines that fit beside a mark.
func (m *model) wrap(text string) []string {
	return strings.Split(lipgloss.Wrap(text, max(m.width-4, 10), " "), "\n")
}

// print puts text on its way to the scrollback.
func (m *model) print(texts ...string) {
	for _, t := range texts {
		m.out = append(m.out, strings.Split(lipgloss.Wrap(t, m.width, " "), "\n")...)
	}
}

// printedMsg says that lines have arrived in the scrollback.
type printedMsg struct{}

// flush prints what waits. Commands of Bubble Tea run beside each other, so only
// one print may be on its way, or lines would change places; and one print may
// not be taller than the part of the screen above the live lines.
func (m *model) flush() tea.Cmd {
	if m.printing || len(m.out) == 0 {
		return nil
	}
	n := min(len(m.out), max(m.height-m.input.Height()-len(m.tail)-4, 1))
	text := strings.Join(m.out[:n], "\n")
	m.out, m.printing = m.out[n:], true
	return tea.Sequence(tea.Println(text), func() tea.Msg { return printedMsg{} })
}
