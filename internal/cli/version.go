package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/model"
)

func newVersion(a *app.App) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, and what this build can run",
		Args:  args(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version       string   `json:"version"`
				Go            string   `json:"go"`
				Platform      string   `json:"platform"`
				Starter       string   `json:"starter"`
				TerminalChat  bool     `json:"terminal_chat"`
				Architectures []string `json:"architectures"`
			}{app.Version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, "", startTUI != nil, model.Architectures()}
			if a.Starter != nil {
				v.Starter = a.Starter.FullName
			}
			if asJSON {
				return printJSON(a.IO.Out, v)
			}
			pairs(a.IO.Out, styleOf(a, a.IO.OutTerminal), [][]string{
				{"holdfast", v.Version},
				{"built with", v.Go + " for " + v.Platform},
				{"starter", or(v.Starter, "(not in this build)")},
				{"runs", fmt.Sprint(v.Architectures)},
			})
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
