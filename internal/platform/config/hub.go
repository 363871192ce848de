package config

import "strings"

// A Hub says where models are downloaded from. The variables are those that
// Hugging Face's own tools read.
type Hub struct {
	Endpoint string // HF_ENDPOINT: a mirror; "" for Hugging Face itself
	Token    string // HF_TOKEN: for models whose terms must be accepted
}

func hub(env func(string) (string, bool)) Hub {
	endpoint, _ := env("HF_ENDPOINT")
	token, _ := env("HF_TOKEN")
	return Hub{Endpoint: strings.TrimRight(strings.TrimSpace(endpoint), "/"), Token: strings.TrimSpace(token)}
}
