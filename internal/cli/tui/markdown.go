package tui

import (
	"strings"

	"charm.land/glamour/v2"
	"charm.land/glamour/v2/ansi"
	"charm.land/glamour/v2/styles"
)

// A markdown renders blocks of an answer for a width and a background.
type markdown struct {
	width   int
	dark    bool
	noColor bool
	r       *glamour.TermRenderer
}

// render turns markdown into lines for the terminal, without empty lines around
// them. Text that cannot be rendered is shown as it is.
func (m *markdown) render(text string) []string {
	if m.r == nil {
		m.r = m.renderer()
	}
	out := text
	if m.r != nil {
		if s, err := m.r.Render(text); err == nil {
			out = s
		}
	}
	lines := strings.Split(out, "\n")
	for i, l := range lines {
		lines[i] = trimRight(l)
	}
	for len(lines) > 0 && lines[0] == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func (m *markdown) renderer() *glamour.TermRenderer {
	style := styles.DarkStyleConfig
	switch {
	case m.noColor:
		style = styles.NoTTYStyleConfig
	case !m.dark:
		style = styles.LightStyleConfig
	}
	none := uint(0)
	style.Document = ansi.StyleBlock{StylePrimitive: ansi.StylePrimitive{}, Margin: &none} // the terminal's own colours
	style.CodeBlock.Margin = &none
	r, err := glamour.NewTermRenderer(glamour.WithStyles(style), glamour.WithWordWrap(max(m.width-2, 20)), glamour.WithPreservedNewLines())
	if err != nil {
		return nil
	}
	return r
}

// resize forgets what was made for another width or background.
func (m *markdown) resize(width int, dark bool) {
	if width != m.width || dark != m.dark {
		m.width, m.dark, m.r = width, dark, nil
	}
}

// trimRight removes spaces, and colour changes among them, from the end of a
// line: the padding that renderers fill lines with spoils copying, and wraps when
// the window becomes narrower. A line that had colours ends with a reset.
func trimRight(line string) string {
	end, coloured := 0, false
	for i := 0; i < len(line); {
		if n := escapeLen(line[i:]); n > 0 {
			coloured = true
			i += n
			continue
		}
		if line[i] != ' ' && line[i] != '\t' {
			end = i + 1
		}
		i++
	}
	if coloured && end > 0 {
		return line[:end] + "\x1b[0m"
	}
	return line[:end]
}

// escapeLen returns the length of the colour sequence at the start of s, 0 if
// there is none.
func escapeLen(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	for i := 2; i < len(s); i++ {
		if s[i] >= 0x40 && s[i] <= 0x7e {
			return i + 1
		}
	}
	return len(s)
}

// stable returns how much of a growing markdown text is made of finished blocks:
// what follows can no longer change how it is rendered. A block ends with an
// empty line outside of code fences, once it is known that what comes next is not
// a part of it (indented, or one more item of a list).
func stable(text string) int {
	end, fence := 0, ""
	blank, inList := false, false
	for at := 0; at < len(text); {
		n := strings.IndexByte(text[at:], '\n')
		if n < 0 {
			break // an unfinished line decides nothing
		}
		line := text[at : at+n]
		next := at + n + 1
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) && strings.Trim(trimmed, fence[:1]) == "" {
				fence = ""
			}
			blank = false
		case trimmed == "":
			blank = true
		default:
			item := listItem(trimmed)
			indented := line[0] == ' ' || line[0] == '\t'
			if blank && !indented && (!inList || !item) {
				end = at
				inList = false
			}
			inList = inList || item
			blank = false
			fence = fenceOf(trimmed)
		}
		at = next
	}
	return end
}

func fenceOf(line string) string {
	for _, f := range []string{"```", "~~~"} {
		if strings.HasPrefix(line, f) {
			return line[:len(line)-len(strings.TrimLeft(line, f[:1]))]
		}
	}
	return ""
}

// listItem reports a line that begins an item: "- x", "* x", "12. x", "3) x".
func listItem(line string) bool {
	if len(line) > 1 && strings.ContainsRune("-*+", rune(line[0])) && line[1] == ' ' {
		return true
	}
	digits := strings.TrimLeft(line, "0123456789")
	return len(digits) < len(line) && len(digits) > 1 && (digits[0] == '.' || digits[0] == ')') && digits[1] == ' '
}
