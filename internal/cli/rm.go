package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
)

func newRemove(a *app.App) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "rm NAME...",
		Aliases: []string{"remove"},
		Short:   "Delete models from this machine",
		Long: `Delete models from the folder of models: the files of a downloaded one, all parts
of it; of a model that was made of another one only what it adds. A model that
others are made of is kept.`,
		Args: args(1, -1, "NAME..."),
		RunE: func(_ *cobra.Command, names []string) error {
			m, _, err := localModels(a, dir)
			if err != nil {
				return err
			}
			for _, name := range names {
				if err := m.Remove(name); err != nil {
					return modelError(err)
				}
				fmt.Fprintf(a.IO.Out, "deleted %s\n", name)
			}
			return nil
		},
	}
	modelsFlag(cmd, &dir)
	return cmd
}
