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
	Kind Kind
}

// A Kind says what is special about a setting.
type Kind uint8

// The kinds of settings.
const (
	Plain  Kind = iota
	List        // several values
	Secret      // not to be shown
)

// Variable returns the name of the setting's environment variable.
func (s Setting) Variable() string { return "HOLDFAST_" + strings.ToUpper(s.Key) }

// Flag returns the name of the setting's flag.
func (s Setting) Flag() string { return strings.ReplaceAll(s.Key, "_", "-") }

// Settings lists every setting there is.
var Settings = []Setting{
	{Key: "kernels", Help: "kernel tier to use: empty for the best, portable, avx2, avx512vnni, ..."},
	{Key: "threads", Help: "threads that compute; 0 for one per core"},
	{Key: "context", Help: "tokens of context; 0 for what the model and the memory allow, at most 8192"},
	{Key: "kv_type", Help: "element type of the cache: f32, f16, bf16, q8_0"},
	{Key: "system", Help: "system prompt"},
	{Key: "temperature", Help: "0 always takes the likeliest token"},
	{Key: "top_k", Help: "keep the k likeliest tokens; 0 is off"},
	{Key: "top_p", Help: "keep the likeliest tokens up to this probability; 1 is off"},
	{Key: "min_p", Help: "drop tokens less likely than this share of the best; 0 is off"},
	{Key: "repeat_penalty", Help: "divide the score of repeated tokens; 1 is off"},
	{Key: "frequency_penalty", Help: "lower the score of a token for each time it came"},
	{Key: "presence_penalty", Help: "lower the score of tokens that came"},
	{Key: "seed", Help: "the same seed gives the same answer; -1 for another each time"},
	{Key: "max_tokens", Help: "longest answer in tokens; 0 for the rest of the context"},
	{Key: "stop", Help: "texts that end an answer (a list in the file)", Kind: List},
	{Key: "deterministic", Help: "true gives the same tokens however a prompt was cut into pieces"},

	// The rest is for `holdfast serve`.
	{Key: "listen", Help: "address and port that serve listens on"},
	{Key: "parallel", Help: "requests of full length that there is cache memory for; 0 for 4"},
	{Key: "api_key", Help: "the one key that requests must carry", Kind: Secret},
	{Key: "require_key", Help: "true asks for a key on loopback addresses too"},
	{Key: "models", Help: "folder whose GGUF files are served"},
	{Key: "memory", Help: "most memory for all models, such as 24GiB"},
	{Key: "keep_alive", Help: "unload a model that was unused for this long, such as 30m; -1 for never"},
	{Key: "disk_cache", Help: "folder that keeps what was computed of prompts; off for none"},
	{Key: "disk_cache_size", Help: "most that the folder holds, such as 16GiB"},
	{Key: "keep_responses", Help: "how long stored responses are kept on disk, such as 24h; 0 for in memory only"},
	{Key: "allow_origin", Help: "web pages that may use the server from a browser", Kind: List},
	{Key: "tls_cert", Help: "certificate file for https, in PEM"},
	{Key: "tls_key", Help: "key file of the certificate"},
	{Key: "admin_listen", Help: "second address, on this machine only, for metrics and profiles"},
	{Key: "otlp_endpoint", Help: "address that traces are sent to, such as http://127.0.0.1:4318"},
	{Key: "log_level", Help: "what serve logs: debug, info, warn, error"},
	{Key: "drain", Help: "how long answers may go on after Ctrl-C, such as 30s"},
	{Key: "max_requests", Help: "requests at once, waiting ones included; 0 for 1024"},
	{Key: "body_limit", Help: "longest body of a request, such as 32MiB"},
}

// isList reports that a setting may have several values.
func isList(key string) bool {
	return slices.ContainsFunc(Settings, func(s Setting) bool { return s.Key == key && s.Kind == List })
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
