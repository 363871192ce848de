//go:build notui

package cli

import (
	"context"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// startTUI is nil: this program chats line by line.
var startTUI func(ctx context.Context, a *app.App, t *talk.Talk, verbose bool) error
