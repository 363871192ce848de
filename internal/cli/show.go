package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
)

func newShow(a *app.App) *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Say what a model of the folder of models is",
		Long: `Say what a model of the folder of models is: where it came from, what it was made
of, and all that ` + "`holdfast inspect`" + ` says about its file.`,
		Args: args(1, 1, "NAME"),
		RunE: func(_ *cobra.Command, names []string) error {
			m, _, err := localModels(a, dir)
			if err != nil {
				return err
			}
			i, err := m.Info(names[0])
			if err != nil {
				return modelError(err)
			}
			file := i
			if i.Recipe.From != "" {
				if file, err = m.Info(i.Recipe.From); err != nil {
					return modelError(err)
				}
			}
			in, err := inspect(a, file.Path, 0, false)
			if err != nil {
				return err
			}
			in.Model = i.Name
			if asJSON {
				return printJSON(a.IO.Out, in)
			}
			st := styleOf(a, a.IO.OutTerminal)
			rows := [][]string{{"model", i.Name}}
			for _, r := range [][]string{{"made of", i.Recipe.From}, {"came from", i.Recipe.Source}, {"sha256", i.Recipe.SHA256}, {"path", file.Path}, {"system", i.Recipe.System}, {"settings", string(i.Recipe.Parameters)}} {
				if r[1] != "" {
					rows = append(rows, r)
				}
			}
			pairs(a.IO.Out, st, rows)
			fmt.Fprintln(a.IO.Out)
			in.print(a.IO.Out, st)
			return nil
		},
	}
	modelsFlag(cmd, &dir)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
