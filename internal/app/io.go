package app

import (
	"io"
	"os"

	"github.com/charmbracelet/x/term"
)

// IO is how the program talks to whoever started it.
type IO struct {
	In       io.Reader
	Out, Err io.Writer

	InTerminal, OutTerminal, ErrTerminal bool
}

// Standard returns the process's own streams.
func Standard() IO {
	return IO{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTerminal:  term.IsTerminal(os.Stdin.Fd()),
		OutTerminal: term.IsTerminal(os.Stdout.Fd()),
		ErrTerminal: term.IsTerminal(os.Stderr.Fd()),
	}
}

// Width returns the columns of the terminal that w is, 80 if it is none.
func Width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 80
	}
	width, _, err := term.GetSize(f.Fd())
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// Piped reports that standard input carries data for the program: a pipe or a
// file, but not a terminal, and not the null device or a closed input, which
// services and schedulers hand to programs that are to read nothing.
func (s IO) Piped() bool {
	if s.InTerminal || s.In == nil {
		return false
	}
	f, ok := s.In.(*os.File)
	if !ok {
		return true
	}
	fi, err := f.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice == 0
}
