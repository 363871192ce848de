package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/platform/store"
)

func newKeysUsage(a *app.App) *cobra.Command {
	var from, to string
	var days int
	var asJSON, asCSV bool
	cmd := &cobra.Command{
		Use:   "usage [NAME]",
		Short: "Show what keys used, by day and model",
		Long: `Show what keys used, by day (UTC), key and model: requests, tokens of prompts, how
many of those were found in the cache, tokens of answers, and how many of those
were thinking.`,
		Args: args(0, 1, "[NAME]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := store.Query{From: from, To: to}
			if len(args) == 1 {
				q.Key = args[0]
			}
			if days > 0 {
				q.From = store.Day(time.Now().AddDate(0, 0, 1-days))
			}
			if err := checkDays(cmd, days, asJSON && asCSV); err != nil {
				return err
			}
			return withStore(a, false, func(s *store.Store) error {
				rows, err := s.Usage(cmd.Context(), q)
				if err != nil {
					return err
				}
				if len(rows) == 0 && q.Key != "" && !known(cmd.Context(), s, q.Key) {
					return fmt.Errorf("%w: %s", store.ErrNoName, q.Key)
				}
				return printUsage(a, rows, asJSON, asCSV)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "first `DAY`, such as 2026-11-01")
	f.StringVar(&to, "to", "", "last `DAY`")
	intFlag(cmd, &days, "days", 0, 100_000, "the last N days, today included; 0 for all")
	f.BoolVar(&asCSV, "csv", false, "print lines of comma-separated values")
	f.BoolVar(&asJSON, "json", false, "print one JSON list")
	return cmd
}

// known reports whether a key of that name is there, or was.
func known(ctx context.Context, s *store.Store, name string) bool {
	keys, err := s.Keys(ctx)
	return err != nil || slices.ContainsFunc(keys, func(k store.Key) bool { return k.Name == name })
}

func checkDays(cmd *cobra.Command, days int, both bool) error {
	for _, name := range []string{"from", "to"} {
		text := cmd.Flags().Lookup(name).Value.String()
		if text == "" {
			continue
		}
		if _, err := time.Parse("2006-01-02", text); err != nil {
			return &app.UsageError{Message: fmt.Sprintf("--%s is %q, but must be a day such as 2026-11-01", name, text)}
		}
		if days > 0 {
			return &app.UsageError{Message: "--days and --" + name + " exclude each other"}
		}
	}
	if both {
		return &app.UsageError{Message: "--csv and --json exclude each other"}
	}
	return nil
}

// usageJSON is a row for programs.
type usageJSON struct {
	Day        string `json:"day"`
	Key        string `json:"key"`
	Model      string `json:"model"`
	Requests   int64  `json:"requests"`
	Prompt     int64  `json:"prompt_tokens"`
	Cached     int64  `json:"cached_tokens"`
	Completion int64  `json:"completion_tokens"`
	Reasoning  int64  `json:"reasoning_tokens"`
}

func printUsage(a *app.App, rows []store.Row, asJSON, asCSV bool) error {
	if asCSV {
		return store.WriteCSV(a.IO.Out, rows)
	}
	if asJSON {
		out := []usageJSON{}
		for _, r := range rows {
			out = append(out, usageJSON{r.Day, r.Key, r.Model, r.Requests, r.Prompt, r.Cached, r.Completion, r.Reasoning})
		}
		return printJSON(a.IO.Out, out)
	}
	cells := [][]string{{"day", "key", "model", "requests", "prompt", "cached", "answer", "thinking"}}
	for _, r := range rows {
		row := []string{r.Day, r.Key, printable(r.Model)}
		for _, n := range []int64{r.Requests, r.Prompt, r.Cached, r.Completion, r.Reasoning} {
			row = append(row, strconv.FormatInt(n, 10))
		}
		cells = append(cells, row)
	}
	table(a.IO.Out, "", cells)
	return nil
}

// auditJSON is an entry for programs.
type auditJSON struct {
	At      time.Time `json:"at"`
	Event   string    `json:"event"`
	Subject string    `json:"subject"`
	Detail  string    `json:"detail,omitempty"`
}

func newKeysAudit(a *app.App) *cobra.Command {
	last := 50
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who was let in or out, and when servers ran",
		Args:  args(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(a, false, func(s *store.Store) error {
				entries, err := s.Audit(cmd.Context(), last)
				if err != nil {
					return err
				}
				out := []auditJSON{}
				var cells [][]string
				for _, e := range entries {
					out = append(out, auditJSON(e))
					cells = append(cells, []string{e.At.Format(time.RFC3339), e.Event, printable(e.Subject), printable(e.Detail)})
				}
				if asJSON {
					return printJSON(a.IO.Out, out)
				}
				table(a.IO.Out, "", cells)
				return nil
			})
		},
	}
	intFlag(cmd, &last, "last", 1, 1_000_000, "how many entries")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON list")
	return cmd
}
