package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
)

// A setting is one line of config.
type setting struct {
	Key      string   `json:"key"`
	Variable string   `json:"variable"`
	Values   []string `json:"values,omitempty"`
	Source   string   `json:"source,omitempty"`
	Help     string   `json:"help"`
}

func newConfig(a *app.App) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "List the settings, their values, and where those come from",
		Long: `List everything that can be set besides on the command line. The order is:
defaults, then the configuration file, then environment variables, then flags.

The file is TOML with one line for each setting:

  threads = 8
  kv_type = "q8_0"
  stop = ["\n\n", "END"]

` + config.PathVariable + ` names another file. NO_COLOR turns colours off.`,
		Args: args(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			list := settings(a.Config)
			if asJSON {
				return printJSON(a.IO.Out, struct {
					File     string    `json:"file"`
					Exists   bool      `json:"exists"`
					Settings []setting `json:"settings"`
				}{a.Config.Path, a.Config.Found, list})
			}
			state := "does not exist"
			if a.Config.Found {
				state = "is read"
			}
			fmt.Fprintf(a.IO.Out, "file %s (%s)\n\n", or(a.Config.Path, "(none)"), state)
			rows := [][]string{{"setting", "variable", "value", "from"}}
			for _, s := range list {
				v := ""
				if len(s.Values) > 0 {
					v = fmt.Sprintf("%q", s.Values[0])
				}
				if len(s.Values) > 1 {
					v = fmt.Sprintf("%q", s.Values)
				}
				rows = append(rows, []string{s.Key, s.Variable, v, s.Source})
			}
			table(a.IO.Out, "", rows)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func settings(cfg *config.Config) []setting {
	var out []setting
	for _, s := range config.Settings {
		line := setting{Key: s.Key, Variable: s.Variable(), Help: s.Help}
		for _, v := range cfg.Lookup(s.Key) {
			text := v.Text
			if s.Kind == config.Secret && text != "" {
				text = "(not shown)"
			}
			line.Values, line.Source = append(line.Values, text), v.Source
		}
		out = append(out, line)
	}
	return out
}
