package decode

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// Float takes a number that may be absent. It must be finite and within its
// range.
func Float(dst *float64, param string, v *float64, lo, hi float64) error {
	if v == nil {
		return nil
	}
	if math.IsNaN(*v) || math.IsInf(*v, 0) || *v < lo || *v > hi {
		return apierr.BadValue(param, *v, fmt.Sprintf("from %v to %v", lo, hi))
	}
	*dst = *v
	return nil
}

// Int takes a whole number that may be absent.
func Int(dst *int, param string, v *int64, lo, hi int64) error {
	if v == nil {
		return nil
	}
	if *v < lo || *v > hi {
		return apierr.BadValue(param, *v, fmt.Sprintf("from %d to %d", lo, hi))
	}
	*dst = int(*v)
	return nil
}

// Tokens takes a list of token ids that may be absent. A null in it is an error:
// encoding/json would make it token 0.
func Tokens(dst *[]int32, param string, raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var ids []*int32
	if err := Value(raw, &ids, param); err != nil {
		return err
	}
	*dst = make([]int32, len(ids))
	for i, id := range ids {
		if id == nil {
			return apierr.At(apierr.InvalidValue, param, "'%s[%d]' is null, but must be a token id", param, i)
		}
		(*dst)[i] = *id
	}
	return nil
}

// OneOf takes a word that must be one of a few; "" is absent.
func OneOf(param, v string, words ...string) error {
	if v == "" {
		return nil
	}
	if slices.Contains(words, v) {
		return nil
	}
	return apierr.BadValue(param, v, fmt.Sprintf("one of %q", words))
}

// First returns the first error that is not nil.
func First(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
