package cli

import (
	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
)

func newBench(*app.App) *cobra.Command { return &cobra.Command{Use: "bench"} }
