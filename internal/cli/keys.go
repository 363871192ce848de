package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
	"github.com/holdfast-llm/holdfast/internal/platform/store"
)

const keysHelp = `Manage who may use a server of this machine (holdfast serve), how much, and see
what they used. A running server sees every change at once.

A key is shown once, when it is made; only its hash is kept. Keys, limits and
usage are in one file, holdfast.db, in the folder that ` + config.HomeVariable + ` names
or the system's place for data.`

func newKeys(a *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Manage API keys, their limits, and what they used",
		Long:  keysHelp,
		Example: `  holdfast keys add ann
  holdfast keys add ci --requests-per-minute 60 --tokens-per-day 2M --expires 90d
  holdfast keys limits ci --priority -10 --model DeepSeek-R1-Distill-Qwen-7B-Q4_K_M
  holdfast keys usage --days 30 --csv > usage.csv
  holdfast keys revoke ci`,
		Args: args(0, 0, "add|list|revoke|limits|usage|audit"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeysAdd(a), newKeysList(a), newKeysRevoke(a), newKeysLimits(a), newKeysUsage(a), newKeysAudit(a))
	return cmd
}

// withStore runs f on the store. It is made only if a key is to be added.
func withStore(a *app.App, make bool, f func(s *store.Store) error) error {
	open := store.OpenExisting
	if make {
		open = store.Open
	}
	s, err := open(a.Config.Dirs.Database())
	if errors.Is(err, store.ErrNotThere) {
		return &app.UsageError{Message: "there are no keys yet", Hint: "`holdfast keys add NAME` makes one"}
	}
	if err != nil {
		return storeError(a, err)
	}
	return keyError(firstErr(f(s), s.Close()))
}

// storeError says what to do about a file of keys that cannot be opened.
func storeError(a *app.App, err error) error {
	path := a.Config.Dirs.Database()
	if path == "" {
		return &app.UsageError{Message: "there is no place for keys: this user has no home folder", Hint: "name a folder with HOLDFAST_HOME"}
	}
	const little = 1 << 20
	if free, ferr := config.Free(existing(filepath.Dir(path))); ferr == nil && free < little {
		return fmt.Errorf("%w (its disk has only %s free)", err, bytesText(free))
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w (HOLDFAST_HOME names another folder)", err)
	}
	return err
}

// keyError gives the errors of names the form that usage errors have.
func keyError(err error) error {
	switch {
	case errors.Is(err, store.ErrNoName):
		return &app.UsageError{Message: app.Text(err), Hint: "`holdfast keys list` shows the names"}
	case errors.Is(err, store.ErrNameTaken):
		return &app.UsageError{Message: app.Text(err), Hint: "choose another name, or revoke the old key first: holdfast keys revoke NAME"}
	}
	return err
}

func newKeysAdd(a *app.App) *cobra.Command {
	var l limitFlags
	var expires string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a key and show it, once",
		Args:  args(1, 1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			until, err := parseExpiry(expires, time.Now())
			if err != nil {
				return err
			}
			return withStore(a, true, func(s *store.Store) error {
				var limits store.Limits
				l.apply(&limits)
				k, secret, err := s.AddKey(cmd.Context(), args[0], until, limits)
				if err != nil {
					return badKey(err)
				}
				if asJSON {
					out := toKey(&k)
					out.Key = secret
					return printJSON(a.IO.Out, out)
				}
				fmt.Fprintln(a.IO.Out, secret)
				fmt.Fprintln(a.IO.Err, "This is the only time that the key can be seen: keep it where it is needed.")
				return nil
			})
		},
	}
	l.add(cmd)
	cmd.Flags().StringVar(&expires, "expires", "", "when the key ends: a `TIME` such as 90d, 12h or 2027-01-31 (UTC); empty for never")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// badKey makes what the store says about a name or a limit a usage error.
func badKey(err error) error {
	if errors.Is(err, store.ErrNameTaken) || errors.Is(err, store.ErrNoName) || errors.Is(err, context.Canceled) {
		return err
	}
	return &app.UsageError{Message: app.Text(err)}
}

// parseExpiry reads a duration with days, or a date.
func parseExpiry(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 100_000 {
			return now.AddDate(0, 0, n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d), nil
	}
	for _, layout := range []string{"2006-01-02", time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &app.UsageError{Message: fmt.Sprintf("--expires is %q, but must be a time such as 90d or 12h, or a day such as 2027-01-31", text)}
}

func newKeysList(a *app.App) *cobra.Command {
	var all, asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the keys with their limits",
		Args:  args(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(a, false, func(s *store.Store) error {
				keys, err := s.Keys(cmd.Context())
				if err != nil {
					return err
				}
				return printKeys(a, keys, all, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "revoked and expired keys too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON list")
	return cmd
}

func printKeys(a *app.App, keys []store.Key, all, asJSON bool) error {
	now := time.Now()
	out := []keyJSON{}
	rows := [][]string{{"name", "key", "made", "last used", "state", "limits"}}
	for i := range keys {
		k := &keys[i]
		state := stateOf(k, now)
		if !all && state != stateActive && !strings.HasPrefix(state, "until") {
			continue
		}
		out = append(out, toKey(k))
		rows = append(rows, []string{k.Name, k.Prefix + "...", dayOf(k.Created), or(dayOf(k.LastUsed), "never"), state, or(k.Limits.String(), "none")})
	}
	if asJSON {
		return printJSON(a.IO.Out, out)
	}
	table(a.IO.Out, "", rows)
	return nil
}

const stateActive = "active"

// stateOf says whether a key can be used.
func stateOf(k *store.Key, now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case k.Expires.IsZero():
		return stateActive
	case now.Before(k.Expires):
		return "until " + dayOf(k.Expires)
	}
	return "expired"
}

func dayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return store.Day(t)
}

func newKeysRevoke(a *app.App) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME",
		Short: "End a key for good; what it used stays on record",
		Args:  args(1, 1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(a, false, func(s *store.Store) error {
				if err := s.Revoke(cmd.Context(), args[0]); err != nil {
					return err
				}
				fmt.Fprintf(a.IO.Out, "%s is revoked\n", args[0])
				return nil
			})
		},
	}
}

func newKeysLimits(a *app.App) *cobra.Command {
	var l limitFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "limits NAME",
		Short: "Show or change what a key may do",
		Long: `Show or change what a key may do. Only the limits that are given change; 0 takes
a limit away. Tokens are those that were computed: what a prompt has in common
with an earlier one of the same key, and was found in the cache, is free.`,
		Args: args(1, 1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(a, false, func(s *store.Store) error {
				k, err := s.Key(cmd.Context(), args[0])
				if err == nil && l.given(cmd) {
					if k, err = s.SetLimits(cmd.Context(), args[0], l.apply); err != nil {
						err = badKey(err)
					}
				}
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(a.IO.Out, toKey(&k))
				}
				fmt.Fprintf(a.IO.Out, "%s: %s\n", k.Name, or(k.Limits.String(), "no limits"))
				return nil
			})
		},
	}
	l.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// keyJSON is a key for programs.
type keyJSON struct {
	Name     string     `json:"name"`
	Key      string     `json:"key,omitempty"` // only when it is made
	Prefix   string     `json:"prefix"`
	State    string     `json:"state"`
	Created  time.Time  `json:"created"`
	Expires  *time.Time `json:"expires"`
	Revoked  *time.Time `json:"revoked"`
	LastUsed *time.Time `json:"last_used"`
	Limits   limitsJSON `json:"limits"`
}

// limitsJSON are limits for programs; 0 is none.
type limitsJSON struct {
	RequestsPerMinute int64    `json:"requests_per_minute"`
	TokensPerMinute   int64    `json:"tokens_per_minute"`
	TokensPerDay      int64    `json:"tokens_per_day"`
	TokensPerMonth    int64    `json:"tokens_per_month"`
	Concurrent        int64    `json:"concurrent"`
	Priority          int      `json:"priority"`
	Models            []string `json:"models"`  // empty is all
	Balance           *int64   `json:"balance"` // null is no bound
	Manage            bool     `json:"manage"`
}

func toKey(k *store.Key) keyJSON {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	state, _, _ := strings.Cut(stateOf(k, time.Now()), " ")
	if state == "until" {
		state = stateActive
	}
	l := limitsJSON(k.Limits)
	if l.Models == nil {
		l.Models = []string{}
	}
	return keyJSON{
		Name: k.Name, Prefix: k.Prefix, State: state, Created: k.Created,
		Expires: at(k.Expires), Revoked: at(k.Revoked), LastUsed: at(k.LastUsed), Limits: l,
	}
}
