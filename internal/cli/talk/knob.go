package talk

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/holdfast-llm/holdfast"
)

// A Knob is one number that steers sampling. The command's flags and the chat's
// /set are both made from [Knobs], so that their names and ranges are the same.
type Knob struct {
	Name      string // as a flag, with dashes
	Help      string
	Low, High float64
	Whole     bool // an integer
	field     func(*holdfast.Sampling) any
}

// Knobs lists them all.
var Knobs = []Knob{
	{"temperature", "0 always takes the likeliest token", 0, 100, false, func(s *holdfast.Sampling) any { return &s.Temperature }},
	{"top-k", "keep the k likeliest tokens; 0 is off", 0, math.MaxInt32, true, func(s *holdfast.Sampling) any { return &s.TopK }},
	{"top-p", "keep the likeliest tokens up to this probability; 1 is off", 0, 1, false, func(s *holdfast.Sampling) any { return &s.TopP }},
	{"min-p", "drop tokens less likely than this share of the best; 0 is off", 0, 1, false, func(s *holdfast.Sampling) any { return &s.MinP }},
	{"repeat-penalty", "divide the score of repeated tokens; 1 is off", 0, 100, false, func(s *holdfast.Sampling) any { return &s.RepeatPenalty }},
	{"frequency-penalty", "lower a token's score each time it came; 0 is off", -100, 100, false, func(s *holdfast.Sampling) any { return &s.FrequencyPenalty }},
	{"presence-penalty", "lower the score of tokens that came; 0 is off", -100, 100, false, func(s *holdfast.Sampling) any { return &s.PresencePenalty }},
}

// Parse reads a value, and says what was expected if it is none.
func (k Knob) Parse(text string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(v >= k.Low && v <= k.High) || k.Whole && v != math.Trunc(v) {
		return 0, fmt.Errorf("must be %s", k.Range())
	}
	return v, nil
}

// Range describes the values that are allowed.
func (k Knob) Range() string {
	kind := "a number"
	if k.Whole {
		kind = "a whole number"
	}
	if k.High == math.MaxInt32 {
		return fmt.Sprintf("%s, %v or more", kind, k.Low)
	}
	return fmt.Sprintf("%s from %v to %v", kind, k.Low, k.High)
}

// Set changes the knob's field.
func (k Knob) Set(s *holdfast.Sampling, v float64) {
	switch p := k.field(s).(type) {
	case *float64:
		*p = v
	case *int:
		*p = int(v)
	}
}

// Get returns the knob's field as text.
func (k Knob) Get(s *holdfast.Sampling) string {
	switch p := k.field(s).(type) {
	case *float64:
		return strconv.FormatFloat(*p, 'g', -1, 64)
	case *int:
		return strconv.Itoa(*p)
	}
	return ""
}

// ParseSeed reads a seed; -1 and "random" ask for another one each time.
func ParseSeed(text string) (uint64, error) {
	if text == "-1" || text == "random" {
		return holdfast.RandomSeed, nil
	}
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("must be a whole number from 0 to %d, or -1 for another each time", uint64(math.MaxUint64))
	}
	return v, nil
}

// FormatSeed is the inverse of ParseSeed.
func FormatSeed(seed uint64) string {
	if seed == holdfast.RandomSeed {
		return "random"
	}
	return strconv.FormatUint(seed, 10)
}
