package tui

import (
	"context"
	"fmt"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textarea"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/holdfast-llm/holdfast"
	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// A phase is what the model of the machine is doing.
type phase int

const (
	idle     phase = iota
	reading        // the prompt
	thinking       // the answer has begun with thoughts
	writing        // the answer itself
)

// model is the state of the screen.
type model struct {
	talk    *talk.Talk
	opts    Options
	start   func(ask func(context.Context) talk.Events) (*stream, context.CancelFunc)
	failure any // a panic of ours

	input         textarea.Model
	md            markdown
	styles        look
	width, height int

	phase    phase
	answer   *stream
	cancel   context.CancelFunc
	stopping bool // the user has stopped the answer
	began    time.Time
	tick     int
	progress holdfast.Progress
	thoughts strings.Builder // of this answer, or the last
	thought  time.Duration
	text     strings.Builder // of this answer that is not printed yet
	shown    bool            // something of this answer is printed
	tail     []string        // text, rendered

	unfold  bool // show thoughts in full
	history []string
	at      int    // in history; len(history) is the draft
	draft   string // what was typed before looking at history

	out      []string // lines on their way to the scrollback
	printing bool     // some of them are
	note     string   // a passing remark on the status line
	armed    bool     // Ctrl-C was pressed at an empty prompt
	greeted  bool
	quitting bool
}

// look holds the styles.
type look struct{ dim, user, warn lipgloss.Style }

const maxInputRows = 8

func newModel(t *talk.Talk, o Options) *model {
	m := &model{talk: t, opts: o, width: 80, height: 24}
	m.md = markdown{width: 80, dark: true, noColor: o.NoColor}
	m.styles = look{dim: lipgloss.NewStyle().Faint(true), user: lipgloss.NewStyle().Bold(true), warn: lipgloss.NewStyle().Foreground(lipgloss.Yellow)}
	if o.NoColor {
		m.styles = look{}
	}
	in := textarea.New()
	in.SetPromptFunc(2, func(p textarea.PromptInfo) string {
		if p.LineNumber == 0 {
			return "> "
		}
		return "  "
	})
	in.Placeholder = "Ask something, or /help"
	in.ShowLineNumbers = false
	in.DynamicHeight, in.MinHeight, in.MaxHeight = true, 1, maxInputRows
	in.MaxContentHeight = 1 << 20 // pasting a book is fine
	in.SetVirtualCursor(false)
	in.KeyMap.InsertNewline = key.NewBinding(key.WithKeys("shift+enter", "alt+enter", "ctrl+j"))
	in.KeyMap.TransposeCharacterBackward.Unbind()
	plain := textarea.StyleState{Prompt: m.styles.dim, Placeholder: m.styles.dim}
	in.SetStyles(textarea.Styles{Focused: plain, Blurred: plain})
	in.SetWidth(m.width)
	in.Focus()
	m.input = in
	return m
}

// Init asks the terminal for its background.
func (m *model) Init() tea.Cmd { return tea.RequestBackgroundColor }

// greet is the first thing on the screen, once its width is known.
func (m *model) greet() {
	m.greeted = true
	m.print(m.styles.user.Render(m.talk.Model), m.styles.dim.Render(fmt.Sprintf("%d tokens of context. /help lists commands and keys.", m.talk.Context)))
}

// Update takes one message. A panic below is a mistake of ours: the program ends
// in order, so that the terminal is left as it was.
func (m *model) Update(msg tea.Msg) (next tea.Model, cmd tea.Cmd) {
	defer func() {
		if v := recover(); v != nil {
			m.failure, m.quitting = v, true
			next, cmd = m, tea.Quit
		}
	}()
	cmd = m.update(msg)
	return m, tea.Batch(cmd, m.flush())
}

func (m *model) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = max(msg.Width, 10), max(msg.Height, 4)
		m.input.MaxHeight = max(1, min(maxInputRows, m.height/2))
		m.input.SetWidth(m.width)
		if !m.greeted {
			m.greet()
		}
		m.md.resize(m.width, m.md.dark)
		m.renderTail()
	case tea.BackgroundColorMsg:
		m.md.resize(m.width, msg.IsDark())
		m.renderTail()
	case printedMsg:
		m.printing = false
	case answerMsg:
		return m.events(msg)
	case tickMsg:
		m.tick++
		if m.phase != idle {
			return tick()
		}
	case tea.KeyPressMsg:
		return m.key(msg)
	default:
		return m.toInput(msg)
	}
	return nil
}

// toInput hands a message to the editor.
func (m *model) toInput(msg tea.Msg) tea.Cmd {
	var cmd tea.Cmd
	m.input, cmd = m.input.Update(msg)
	return cmd
}

// tickMsg turns the wheel while something is being made.
type tickMsg struct{}

func tick() tea.Cmd {
	return tea.Tick(100*time.Millisecond, func(time.Time) tea.Msg { return tickMsg{} })
}
