//go:build !notui

package cli

import (
	"context"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/cli/talk"
	"github.com/holdfast-llm/holdfast/internal/cli/tui"
)

// startTUI is the chat on terminals that can move their cursor.
var startTUI = func(ctx context.Context, a *app.App, t *talk.Talk, verbose bool) error {
	return tui.Run(ctx, t, tui.Options{
		In: a.IO.In, Out: a.IO.Out, NoColor: a.Config.Terminal.NoColor, Verbose: verbose,
	})
}
