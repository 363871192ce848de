package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
)

func newCopy(a *app.App) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "cp NAME NEW",
		Short: "Give a model another name",
		Long: `Give a model of the folder of models one more name. Its file is not copied: both
names are loaded as one. ` + "`holdfast rm NEW`" + ` takes the name away again.`,
		Args: args(2, 2, "NAME NEW"),
		RunE: func(_ *cobra.Command, names []string) error {
			m, _, err := localModels(a, dir)
			if err != nil {
				return err
			}
			if err := m.Copy(names[0], names[1]); err != nil {
				return modelError(err)
			}
			_, err = fmt.Fprintf(a.IO.Out, "%s is now called %s as well\n", names[0], names[1])
			return err
		},
	}
	modelsFlag(cmd, &dir)
	return cmd
}
