package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/BurntSushi/toml"
)

// parse reads a configuration file: one table of keys with plain values.
//
//	threads = 8
//	kv_type = "q8_0"
//	stop = ["\n\n", "END"]
func parse(path, text string) (map[string][]string, error) {
	var raw map[string]any
	if _, err := toml.Decode(text, &raw); err != nil {
		if pe, ok := errors.AsType[toml.ParseError](err); ok {
			return nil, fmt.Errorf("config: %s, line %d: %s", path, pe.Position.Line, pe.Message)
		}
		return nil, fmt.Errorf("config: %s: %w", path, err)
	}
	keys := make([]string, 0, len(raw))
	for k := range raw {
		keys = append(keys, k)
	}
	slices.Sort(keys) // errors come in a fixed order
	out := map[string][]string{}
	for _, k := range keys {
		if !known(k) {
			return nil, unknownKey(path, k)
		}
		texts, err := texts(raw[k])
		if err != nil {
			return nil, fmt.Errorf("config: %s: %s: %w", path, k, err)
		}
		if len(texts) > 1 && !isList(k) {
			return nil, fmt.Errorf("config: %s: %s: a list of %d values, expected one value", path, k, len(texts))
		}
		out[k] = texts
	}
	return out, nil
}

func unknownKey(path, key string) error {
	if n := nearest(key); n != "" {
		return fmt.Errorf("config: %s: there is no setting %q; did you mean %q?", path, key, n)
	}
	return fmt.Errorf("config: %s: there is no setting %q; `holdfast config` lists them", path, key)
}

// texts turns a TOML value into what one would write behind a flag.
func texts(v any) ([]string, error) {
	switch v := v.(type) {
	case string:
		return []string{v}, nil
	case int64:
		return []string{strconv.FormatInt(v, 10)}, nil
	case float64:
		return []string{strconv.FormatFloat(v, 'g', -1, 64)}, nil
	case bool:
		return []string{strconv.FormatBool(v)}, nil
	case []any:
		var out []string
		for _, e := range v {
			t, err := texts(e)
			if err != nil {
				return nil, err
			}
			out = append(out, t...)
		}
		return out, nil
	}
	return nil, fmt.Errorf("the value is a %T, expected a text, a number, true or false", v)
}
