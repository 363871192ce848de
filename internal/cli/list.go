package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
)

// A listedModel is one line of list, and an object of its --json.
type listedModel struct {
	Name         string    `json:"name"`
	Aliases      []string  `json:"aliases,omitempty"`
	From         string    `json:"from,omitempty"`
	Source       string    `json:"source,omitempty"`
	Path         string    `json:"path,omitempty"`
	Bytes        int64     `json:"bytes"`
	Architecture string    `json:"architecture,omitempty"`
	Parameters   int64     `json:"parameters,omitempty"`
	Quantization string    `json:"quantization,omitempty"`
	Changed      time.Time `json:"changed"`
	Problem      string    `json:"problem,omitempty"`
}

func newList(a *app.App) *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the models on this machine",
		Long: `List the models in the folder of models: their names, sizes and what they are.
Nothing is loaded, and no server is needed. ` + "`holdfast ps`" + ` shows what a server has loaded.`,
		Args: args(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			m, dir, err := localModels(a, dir)
			if err != nil {
				return err
			}
			all := make([]listedModel, 0, 8)
			for _, i := range m.List() {
				all = append(all, toListed(&i))
			}
			if asJSON {
				return printJSON(a.IO.Out, all)
			}
			if len(all) == 0 {
				_, err := fmt.Fprintf(a.IO.Out, "there are no models in %s yet; `holdfast pull NAME` downloads one\n", dir)
				return err
			}
			printModels(a, all)
			return nil
		},
	}
	modelsFlag(cmd, &dir)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func toListed(i *library.Info) listedModel {
	l := listedModel{Name: i.Name, Aliases: i.Aliases, From: i.Recipe.From, Source: i.Recipe.Source, Bytes: i.Size, Changed: i.Created.UTC()}
	if l.From == "" {
		l.Path = i.Path
	}
	if i.Problem != nil {
		l.Problem = app.Text(errors.Unwrap(i.Problem))
	}
	if d := i.Description; d != nil {
		l.Architecture, l.Parameters, l.Quantization = d.Arch, d.Parameters, strings.ToUpper(d.FileType)
	}
	return l
}

func printModels(a *app.App, all []listedModel) {
	st := styleOf(a, a.IO.OutTerminal)
	rows := [][]string{{"name", "size", "parameters", "type", "changed"}}
	for i := range all {
		l := &all[i]
		rows = append(rows, []string{printable(l.Name), bytesText(l.Bytes), countText(l.Parameters), or(l.Quantization, "?"), l.Changed.Format(time.DateOnly)})
	}
	table(a.IO.Out, "", rows)
	for i := range all {
		l := &all[i]
		for _, alias := range l.Aliases {
			fmt.Fprintln(a.IO.Out, st.dim(fmt.Sprintf("%s is also called %s", printable(l.Name), printable(alias))))
		}
		if l.From != "" {
			fmt.Fprintln(a.IO.Out, st.dim(fmt.Sprintf("%s is made of %s", printable(l.Name), printable(l.From))))
		}
		if l.Problem != "" {
			fmt.Fprintf(a.IO.Out, "%s cannot be used: %s\n", printable(l.Name), printable(l.Problem))
		}
	}
}
