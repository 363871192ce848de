package cli

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/platform/store"
)

// limitFlags are the flags of limits. Those that were given change a key's.
type limitFlags struct{ changes []func(*store.Limits) }

// apply changes limits.
func (f *limitFlags) apply(l *store.Limits) {
	for _, change := range f.changes {
		change(l)
	}
}

// names are the flags of limits.
var limitNames = []string{"requests-per-minute", "tokens-per-minute", "tokens-per-day", "tokens-per-month", "concurrent", "priority", "model", "balance", "add-balance", "manage"}

// given reports whether any limit is to change.
func (f *limitFlags) given(cmd *cobra.Command) bool {
	return slices.ContainsFunc(limitNames, cmd.Flags().Changed)
}

func (f *limitFlags) add(cmd *cobra.Command) {
	count := func(name, help string, set func(l *store.Limits, n int64)) {
		v := &value{kind: "N"}
		v.parse = func(text string) error {
			n, err := parseCount(text)
			if err == nil {
				f.changes = append(f.changes, func(l *store.Limits) { set(l, n) })
			}
			return err
		}
		cmd.Flags().Var(v, name, help)
	}
	count(limitNames[0], "most requests a minute; 0 for no limit", func(l *store.Limits, n int64) { l.RequestsPerMinute = n })
	count(limitNames[1], "most tokens a minute, such as 20k; 0 for no limit", func(l *store.Limits, n int64) { l.TokensPerMinute = n })
	count(limitNames[2], "most tokens a day (UTC), such as 2M; 0 for no limit", func(l *store.Limits, n int64) { l.TokensPerDay = n })
	count(limitNames[3], "most tokens a month (UTC); 0 for no limit", func(l *store.Limits, n int64) { l.TokensPerMonth = n })
	count(limitNames[4], "most requests at once; 0 for no limit", func(l *store.Limits, n int64) { l.Concurrent = n })
	f.addPriority(cmd)
	f.addModels(cmd)
	f.addBalance(cmd)
	count(limitNames[8], "tokens to add to what is left", func(l *store.Limits, n int64) {
		left := n
		if l.Balance != nil {
			left += *l.Balance
		}
		l.Balance = &left
	})
	v := &value{kind: "true|false"}
	v.parse = func(text string) error {
		on, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("must be true or false")
		}
		f.changes = append(f.changes, func(l *store.Limits) { l.Manage = on })
		return nil
	}
	cmd.Flags().Var(v, "manage", "whether the key may download, change and delete models")
	cmd.Flags().Lookup("manage").NoOptDefVal = "true"
}

func (f *limitFlags) addPriority(cmd *cobra.Command) {
	v := &value{kind: "N"}
	v.parse = func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < -store.PriorityBound || n > store.PriorityBound {
			return fmt.Errorf("must be a whole number from %d to %d", -store.PriorityBound, store.PriorityBound)
		}
		f.changes = append(f.changes, func(l *store.Limits) { l.Priority = n })
		return nil
	}
	cmd.Flags().Var(v, "priority", "place in the queue, from -100 to 100; higher goes first, 0 is usual")
}

func (f *limitFlags) addModels(cmd *cobra.Command) {
	first := true
	v := &value{kind: "NAME"}
	v.parse = func(text string) error {
		if text == "" {
			return fmt.Errorf("must be the name of a model, or all")
		}
		replace := first
		first = false
		f.changes = append(f.changes, func(l *store.Limits) {
			if replace {
				l.Models = nil
			}
			if text != "all" {
				l.Models = append(l.Models, text)
			}
		})
		return nil
	}
	cmd.Flags().Var(v, "model", "model that the key is for (can be repeated); all for all")
}

func (f *limitFlags) addBalance(cmd *cobra.Command) {
	v := &value{kind: "N"}
	v.parse = func(text string) error {
		if text == "none" {
			f.changes = append(f.changes, func(l *store.Limits) { l.Balance = nil })
			return nil
		}
		n, err := parseCount(text)
		if err != nil {
			return fmt.Errorf("%w, or none", err)
		}
		f.changes = append(f.changes, func(l *store.Limits) { l.Balance = &n })
		return nil
	}
	cmd.Flags().Var(v, "balance", "tokens that are left in all, after which requests are refused; none for no limit")
}

// maxCount bounds limits: enough for any machine, and far from overflowing sums.
const maxCount = int64(1e12)

// parseCount reads a whole number such as 500, 20k or 2M.
func parseCount(text string) (int64, error) {
	digits, factor := text, int64(1)
	for unit, n := range map[string]int64{"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9} {
		if d, ok := strings.CutSuffix(text, unit); ok {
			digits, factor = d, n
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor || n*factor > maxCount {
		return 0, fmt.Errorf("must be a whole number from 0 to 1000G, such as 500, 20k or 2M")
	}
	return n * factor, nil
}
