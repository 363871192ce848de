package config

import (
	"cmp"
	"slices"
	"strings"
)

// PathVariable names another configuration file.
const PathVariable = "HOLDFAST_CONFIG"

// A Setting is one thing that can be set in the file and the environment.
type Setting struct {
	Key  string // in the file; the flag has dashes instead of underscores
	Help string
}

// Variable returns the name of the setting's environment variable.
func (s Setting) Variable() string { return "HOLDFAST_" + strings.ToUpper(s.Key) }

// Flag returns the name of the setting's flag.
func (s Setting) Flag() string { return strings.ReplaceAll(s.Key, "_", "-") }

// Settings lists every setting there is.
var Settings = []Setting{
	{"kernels", "kernel tier to use: empty for the best, portable, avx2, avx512vnni, ..."},
	{"threads", "threads that compute; 0 for one per core"},
	{"context", "tokens of context; 0 for what the model and the memory allow, at most 8192"},
	{"kv_type", "element type of the cache: f32, f16, bf16, q8_0"},
	{"system", "system prompt"},
	{"temperature", "0 always takes the likeliest token"},
	{"top_k", "keep the k likeliest tokens; 0 is off"},
	{"top_p", "keep the likeliest tokens up to this probability; 1 is off"},
	{"min_p", "drop tokens less likely than this share of the best; 0 is off"},
	{"repeat_penalty", "divide the score of repeated tokens; 1 is off"},
	{"frequency_penalty", "lower the score of a token for each time it came"},
	{"presence_penalty", "lower the score of tokens that came"},
	{"seed", "the same seed gives the same answer; -1 for another each time"},
	{"max_tokens", "longest answer in tokens; 0 for the rest of the context"},
	{"stop", "texts that end an answer (a list in the file)"},
}

// known returns the setting with a key.
func known(key string) bool {
	return slices.ContainsFunc(Settings, func(s Setting) bool { return s.Key == key })
}

// nearest returns the key most like a misspelt one, "" if none is.
func nearest(key string) string {
	best, dist := "", 3
	for _, s := range Settings {
		if d := Distance(key, s.Key); d < dist {
			best, dist = s.Key, d
		}
	}
	return best
}

// Distance counts the characters to insert, delete or replace between two
// words (Levenshtein): how "did you mean" finds its suggestions.
func Distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			change := diagonal
			if x[i] != y[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}

// Keys returns the keys that have values, sorted.
func (c *Config) Keys() []string {
	keys := make([]string, 0, len(c.values))
	for k := range c.values {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare)
	return keys
}
