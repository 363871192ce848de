package openai

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
)

// sampling has the fields that chat and completions share. Those from top_k on
// are not OpenAI's, but what local servers are asked for by the same clients.
type sampling struct {
	Temperature      *float64           `json:"temperature"`
	TopP             *float64           `json:"top_p"`
	FrequencyPenalty *float64           `json:"frequency_penalty"`
	PresencePenalty  *float64           `json:"presence_penalty"`
	LogitBias        map[string]float64 `json:"logit_bias"`
	Seed             *int64             `json:"seed"`
	Stop             json.RawMessage    `json:"stop"` // string, array or null
	N                *int64             `json:"n"`
	MaxTokens        *int64             `json:"max_tokens"`
	who

	TopK          *int64   `json:"top_k"`
	MinP          *float64 `json:"min_p"`
	RepeatPenalty *float64 `json:"repeat_penalty"`
}

// who is the end user behind a request: each has a turn of their own in the
// queue. The prefix cache is shared by all users of a key, as OpenAI's is; what
// is in prompt_cache_key makes no difference, for every prefix is looked up.
type who struct {
	User     string `json:"user"`
	SafetyID string `json:"safety_identifier"`
}

func (w *who) name() string { return cmp.Or(w.SafetyID, w.User) }

// verbosity is a word that the models here do not know; only what leaves them as
// they are is taken.
func verbosity(at, v string) error {
	if v == "" || v == "medium" {
		return nil
	}
	return apierr.At(apierr.UnsupportedValue, at, "'%s' is %.100q, but only \"medium\" is supported: the models here do not know it", at, v)
}

// maxChoices bounds n.
const maxChoices = 16

// maxStops bounds the number of stop texts.
const maxStops = 16

// options checks the fields and turns them into ours.
func (s *sampling) options() (o llm.Options, n int, err error) {
	sm := sample.Default()
	n = 1
	topK, maxTokens := sm.TopK, 0
	err = decode.First(
		decode.Float(&sm.Temperature, "temperature", s.Temperature, 0, 2),
		decode.Float(&sm.TopP, "top_p", s.TopP, 0, 1),
		decode.Float(&sm.FrequencyPenalty, "frequency_penalty", s.FrequencyPenalty, -2, 2),
		decode.Float(&sm.PresencePenalty, "presence_penalty", s.PresencePenalty, -2, 2),
		decode.Float(&sm.MinP, "min_p", s.MinP, 0, 1),
		decode.Float(&sm.RepeatPenalty, "repeat_penalty", s.RepeatPenalty, 0, 10),
		decode.Int(&topK, "top_k", s.TopK, 0, math.MaxInt32),
		decode.Int(&n, "n", s.N, 1, maxChoices),
		decode.Int(&maxTokens, "max_tokens", s.MaxTokens, 1, math.MaxInt32),
	)
	if err != nil {
		return o, 0, err
	}
	sm.TopK = topK
	if s.Seed != nil {
		sm.Seed = uint64(*s.Seed)
	}
	for key, bias := range s.LogitBias {
		id, err := strconv.ParseInt(key, 10, 32)
		switch {
		case err != nil || id < 0:
			return o, 0, apierr.At(apierr.InvalidValue, "logit_bias", "'logit_bias' has the key %.100q, but keys must be token ids", key)
		case math.IsNaN(bias) || bias < -100 || bias > 100:
			return o, 0, apierr.BadValue("logit_bias["+key+"]", bias, "from -100 to 100")
		case bias == -100:
			bias = math.Inf(-1) // documented to ban the token
		}
		if sm.LogitBias == nil {
			sm.LogitBias = map[int32]float64{}
		}
		sm.LogitBias[int32(id)] = bias
	}
	return llm.Options{Sampling: sm, MaxTokens: maxTokens, User: s.name()}, n, nil
}

// checkBias refuses tokens that the model does not have.
func checkBias(o *llm.Options, l *library.Lease) error {
	size := l.Tokenizer().Size()
	for id := range o.Sampling.LogitBias {
		if int(id) >= size {
			return apierr.At(apierr.InvalidValue, "logit_bias", "'logit_bias' names the token %d, but the model has the tokens 0 to %d", id, size-1)
		}
	}
	return nil
}

// stops reads the stop texts.
func (s *sampling) stops() ([]string, error) {
	if absent(s.Stop) {
		return nil, nil
	}
	var out []string
	switch s.Stop[0] {
	case '"':
		out = make([]string, 1)
		if err := decode.Value(s.Stop, &out[0], "stop"); err != nil {
			return nil, err
		}
	case '[':
		if err := decode.Value(s.Stop, &out, "stop"); err != nil {
			return nil, err
		}
	default:
		return nil, apierr.At(apierr.InvalidValue, "stop", "'stop' must be a string or an array of strings")
	}
	if len(out) > maxStops {
		return nil, apierr.At(apierr.InvalidValue, "stop", "'stop' has %d texts, but at most %d are allowed", len(out), maxStops)
	}
	for i, t := range out {
		if t == "" {
			return nil, apierr.At(apierr.InvalidValue, fmt.Sprintf("stop[%d]", i), "a stop text must not be empty")
		}
	}
	return out, nil
}

// streamOptions say what a stream carries besides text.
type streamOptions struct {
	IncludeUsage       bool  `json:"include_usage"`
	IncludeObfuscation *bool `json:"include_obfuscation"`
}

// seeded returns the options for the i-th of several answers.
func seeded(o llm.Options, i int) llm.Options {
	if i > 0 && o.Sampling.Seed != sample.RandomSeed {
		o.Sampling.Seed += uint64(i)
	}
	return o
}

// usage counts tokens the way OpenAI does.
type usage struct {
	PromptTokens     int               `json:"prompt_tokens"`
	CompletionTokens int               `json:"completion_tokens"`
	TotalTokens      int               `json:"total_tokens"`
	PromptDetails    promptDetails     `json:"prompt_tokens_details"`
	AnswerDetails    completionDetails `json:"completion_tokens_details"`
}

type promptDetails struct {
	CachedTokens int `json:"cached_tokens"`
}

type completionDetails struct {
	ReasoningTokens int `json:"reasoning_tokens"`
}
