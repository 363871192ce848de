package wire

import (
	"unicode/utf8"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// A TokenLogprob is a sampled token of a chat's answer with its alternatives.
type TokenLogprob struct {
	Token   string       `json:"token"`
	Logprob float64      `json:"logprob"`
	Bytes   []int        `json:"bytes"`
	Top     []TopLogprob `json:"top_logprobs"`
}

// A TopLogprob is a token that could have been taken.
type TopLogprob struct {
	Token   string  `json:"token"`
	Logprob float64 `json:"logprob"`
	Bytes   []int   `json:"bytes"`
}

// Logprobs appends tokens to list in the form of chats.
func Logprobs(list []TokenLogprob, tokens []chat.TokenLogprob) []TokenLogprob {
	for _, t := range tokens {
		x := TokenLogprob{Token: string(t.Bytes), Logprob: finite(t.Logprob), Bytes: numbers(t.Bytes), Top: []TopLogprob{}}
		for _, o := range t.Top {
			x.Top = append(x.Top, TopLogprob{string(o.Bytes), finite(o.Logprob), numbers(o.Bytes)})
		}
		list = append(list, x)
	}
	return list
}

// finite is a log-probability that JSON can carry: what is impossible is -9999,
// as OpenAI and others have it.
func finite(v float32) float64 { return max(float64(v), -9999) }

// numbers are bytes as JSON has them here: an array, not base64.
func numbers(b []byte) []int {
	out := make([]int, len(b))
	for i, c := range b {
		out[i] = int(c)
	}
	return out
}

// TextLogprobs is the form of text completions: one list for each property.
type TextLogprobs struct {
	Tokens        []string             `json:"tokens"`
	TokenLogprobs []float64            `json:"token_logprobs"`
	TopLogprobs   []map[string]float64 `json:"top_logprobs"`
	TextOffset    []int                `json:"text_offset"` // in characters

	// Offset is where the next token's text begins.
	Offset int `json:"-"`
}

// Add appends tokens.
func (t *TextLogprobs) Add(tokens []chat.TokenLogprob) {
	for _, x := range tokens {
		text := string(x.Bytes)
		t.Tokens = append(t.Tokens, text)
		t.TokenLogprobs = append(t.TokenLogprobs, finite(x.Logprob))
		top := map[string]float64{}
		for _, o := range x.Top {
			if _, twice := top[string(o.Bytes)]; !twice { // the likelier one is first
				top[string(o.Bytes)] = finite(o.Logprob)
			}
		}
		t.TopLogprobs = append(t.TopLogprobs, top)
		t.TextOffset = append(t.TextOffset, t.Offset)
		t.Offset += utf8.RuneCountInString(text)
	}
}
