package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast"
	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// A value is a flag whose parser says what was expected. The command prints
// what the parser says behind the flag's name and the bad value.
type value struct {
	text  string
	kind  string // for help
	parse func(text string) error
}

// String returns the value as text.
func (v *value) String() string { return v.text }

// Type returns what help calls the value.
func (v *value) Type() string { return v.kind }

// Set parses a value.
func (v *value) Set(text string) error {
	if err := v.parse(text); err != nil {
		return err
	}
	v.text = text
	return nil
}

// intFlag adds a whole number with a range.
func intFlag(cmd *cobra.Command, p *int, name string, low, high int, help string) {
	v := &value{text: strconv.Itoa(*p), kind: "N"}
	v.parse = func(text string) error {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < low || n > high {
			return fmt.Errorf("must be a whole number from %d to %d", low, high)
		}
		*p = n
		return nil
	}
	cmd.Flags().Var(v, name, help)
}

// timeFlag adds a time that is not negative.
func timeFlag(cmd *cobra.Command, p *time.Duration, name, help string) {
	v := &value{text: p.String(), kind: "TIME"}
	v.parse = func(text string) error {
		d, err := time.ParseDuration(strings.TrimSpace(text))
		if err != nil || d < 0 {
			return errors.New("must be a time such as 30s or 5m, or 0")
		}
		*p = d
		return nil
	}
	cmd.Flags().Var(v, name, help)
}

// choiceFlag adds a text that must be one of a few.
func choiceFlag(cmd *cobra.Command, p *string, name string, choices []string, help string) {
	v := &value{text: *p, kind: "TYPE"}
	v.parse = func(text string) error {
		if !slices.Contains(choices, text) {
			return fmt.Errorf("must be one of %s", strings.Join(choices, ", "))
		}
		*p = text
		return nil
	}
	cmd.Flags().Var(v, name, help+" ("+strings.Join(choices, ", ")+")")
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp)) // fails only for unknown flags
}

// kvTypes are the element types of the cache.
var kvTypes = []string{"f32", "f16", "bf16", "q8_0"}

const kvHelp = "element type of the cache; by default bf16 for DeepSeek-V2 and later, f16 for others"

// maxContext bounds --context; no model is trained for as much.
const maxContext = 1 << 30

// planFlags adds the flags that memory depends on.
func planFlags(cmd *cobra.Command, p *app.Plan) {
	intFlag(cmd, &p.Threads, "threads", 0, 1024, "threads that compute; 0 for one per core")
	intFlag(cmd, &p.Context, "context", 0, maxContext, "tokens of context; 0 for what the model and the memory allow, at most 8192")
	choiceFlag(cmd, &p.KVType, "kv-type", kvTypes, kvHelp)
}

// samplingFlags adds a flag for every knob, and the seed.
func samplingFlags(cmd *cobra.Command, s *holdfast.Sampling) {
	*s = holdfast.DefaultSampling()
	for _, k := range talk.Knobs {
		v := &value{text: k.Get(s), kind: "X"}
		if k.Whole {
			v.kind = "N"
		}
		v.parse = func(text string) error {
			x, err := k.Parse(text)
			if err == nil {
				k.Set(s, x)
			}
			return err
		}
		cmd.Flags().Var(v, k.Name, k.Help)
	}
	v := &value{text: talk.FormatSeed(s.Seed), kind: "N"}
	v.parse = func(text string) (err error) {
		s.Seed, err = talk.ParseSeed(text)
		return err
	}
	cmd.Flags().Var(v, "seed", "the same seed, prompt and settings give the same answer; -1 for another each time")
}

// A list is a flag that may be repeated.
type list struct{ p *[]string }

// String returns the texts, quoted.
func (l *list) String() string {
	if l.p == nil || len(*l.p) == 0 {
		return ""
	}
	return fmt.Sprintf("%q", *l.p)
}

// Type returns what help calls the value.
func (l *list) Type() string { return "TEXT" }

// Set adds a text.
func (l *list) Set(text string) error {
	if text == "" {
		return fmt.Errorf("must not be empty")
	}
	*l.p = append(*l.p, text)
	return nil
}

// parseTokens reads a list of token ids such as "1,2,3".
func parseTokens(text string, vocab int) ([]int32, error) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n[]", r) })
	out := make([]int32, 0, len(fields))
	for _, f := range fields {
		id, err := strconv.ParseInt(f, 10, 64)
		if err != nil || id < 0 || id >= int64(vocab) || id > math.MaxInt32 {
			return nil, &app.UsageError{Message: fmt.Sprintf("%q is no token id of this model, expected a whole number from 0 to %d", f, vocab-1)}
		}
		out = append(out, int32(id))
	}
	return out, nil
}
