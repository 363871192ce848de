package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// style says how text may be dressed on a stream.
type style struct{ color bool }

// styleOf returns the style for a stream: dressed on terminals, unless the user
// or the terminal does not want it.
func styleOf(a *app.App, terminal bool) style {
	return style{color: terminal && !a.Config.Terminal.NoColor && !a.Config.Terminal.Dumb()}
}

func (s style) wrap(code, text string) string {
	if !s.color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) dim(text string) string  { return s.wrap("2", text) }
func (s style) bold(text string) string { return s.wrap("1", text) }

// printable is talk.Printable, for text that others wrote.
func printable(text string) string { return talk.Printable(text) }

// table prints rows in columns; the first column is left-aligned, as are those
// with letters in them, and numbers are right-aligned.
func table(w io.Writer, indent string, rows [][]string) {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		line.WriteString(indent)
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-len([]rune(cell)))
			if i > 0 && numeric(cell) {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
			line.WriteString("  ")
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// numeric reports a cell that begins with a digit.
func numeric(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// bytesText writes a number of bytes for people, in binary units.
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, names := float64(n), "KMGTP"
	for i := range names {
		v /= unit
		if v < unit || i == len(names)-1 {
			prec := 1
			if v >= 100 {
				prec = 0
			}
			return fmt.Sprintf("%.*f %ciB", prec, v, names[i])
		}
	}
	return ""
}

// countText writes a large number for people: 1.5 B, 135 M.
func countText(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f B", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f M", float64(n)/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.1f k", float64(n)/1e3)
	}
	return fmt.Sprint(n)
}
