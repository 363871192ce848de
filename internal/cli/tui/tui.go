package tui

import (
	"context"
	"io"

	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

type Options struct {
	In               io.Reader
	Out              io.Writer
	NoColor, Verbose bool
}

func Run(ctx context.Context, t *talk.Talk, o Options) error { return nil }
