package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
)

func newPs(a *app.App) *cobra.Command {
	var listen, key string
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "Show the models that a server has loaded",
		Long:  "Ask the server of this machine (holdfast serve) which models are in its memory.",
		Args:  args(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ps(cmd.Context(), a, "http://"+reachable(listen), key)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:11435", "`ADDRESS` and port that the server listens on")
	cmd.Flags().StringVar(&key, "api-key", "", "the `KEY` that the server asks for")
	return cmd
}

// A loadedModel is one of the answer of /api/ps.
type loadedModel struct {
	Name    string    `json:"name"`
	Size    int64     `json:"size"`
	Context int       `json:"context_length"`
	Expires time.Time `json:"expires_at"`
}

func ps(ctx context.Context, a *app.App, base, key string) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/ps", http.NoBody)
	if err != nil {
		return &app.UsageError{Message: fmt.Sprintf("--listen: %v", err)}
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return &app.UsageError{Message: fmt.Sprintf("no server answers at %s", base), Hint: "`holdfast serve` starts one; --listen names another address"}
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	const most = 1 << 20
	data, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return err
	}
	var out struct {
		Error  string        `json:"error"`
		Models []loadedModel `json:"models"`
	}
	if err := json.Unmarshal(data, &out); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server at %s answered %d %s", base, resp.StatusCode, printable(out.Error))
	}
	return printLoaded(a, out.Models)
}

func printLoaded(a *app.App, models []loadedModel) error {
	if len(models) == 0 {
		_, err := fmt.Fprintln(a.IO.Out, "no model is loaded; the first request loads one")
		return err
	}
	rows := [][]string{{"name", "memory", "context", "until"}}
	for _, m := range models {
		until := "it is no longer needed"
		if left := time.Until(m.Expires); left < 365*24*time.Hour {
			until = fmt.Sprintf("%s from now", left.Round(time.Second))
		}
		rows = append(rows, []string{printable(m.Name), bytesText(m.Size), fmt.Sprint(m.Context), until})
	}
	table(a.IO.Out, "", rows)
	return nil
}
