package deepseek

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/deepseekapi"
)

// A mode says whether a hosted name means thinking.
type mode uint8

const (
	asRequested mode = iota
	thinkingOff
	thinkingOn
)

// hosted are the names of models on DeepSeek's servers, former ones included.
// Here they stand for a model of this server, see Options.Model.
var hosted = map[string]mode{
	"deepseek-chat": thinkingOff, "deepseek-reasoner": thinkingOn,
	"deepseek-flash": asRequested, "deepseek-v4-flash": asRequested, "deepseek-v4-flash-vision-exp": asRequested, "deepseek-v4-pro": asRequested,
}

// resolve finds the model that a request means. A hosted name means one that the
// request's key may use, if there is one.
func (a *API) resolve(ctx context.Context, name string) (library.Info, mode, error) {
	m := hosted[name]
	info, err := a.b.Info(name)
	if err == nil {
		return info, m, nil
	}
	if _, ok := hosted[name]; ok {
		s := a.served(server.Visible(ctx, a.b.List()))
		if s == "" {
			s = a.served(a.b.List()) // the error will say that it may not be used
		}
		if s != "" {
			info, err = a.b.Info(s)
		}
	}
	return info, m, err
}

// extras are fields that the API's rules do not know: some are documented
// elsewhere, some are OpenAI's, which the same clients send.
type extras struct {
	UserID              string                     `json:"user_id"`
	User                string                     `json:"user"`
	MaxCompletionTokens *int64                     `json:"max_completion_tokens"`
	Temperature         *float64                   `json:"temperature"`
	TopP                *float64                   `json:"top_p"`
	LogitBias           map[string]float64         `json:"logit_bias"`
	ParallelToolCalls   *bool                      `json:"parallel_tool_calls"`
	TopK                *int64                     `json:"top_k"`
	MinP                *float64                   `json:"min_p"`
	RepeatPenalty       *float64                   `json:"repeat_penalty"`
	Variables           map[string]json.RawMessage `json:"chat_template_kwargs"`
}

var chatFields = decode.Fields{
	Ignored: []string{
		// These package deepseekapi reads.
		"model", "messages", "tools", "tool_choice", "stop", "response_format", "max_tokens", "n", "seed", "logprobs", "top_logprobs",
		"stream", "stream_options", "thinking", "reasoning_effort",
		// DeepSeek documents these as accepted without effect.
		"frequency_penalty", "presence_penalty",
		// These change nothing about an answer.
		"metadata", "store", "service_tier", "prompt_cache_key", "prompt_cache_retention", "safety_identifier",
	},
	Refused: map[string]string{
		"functions":          "use 'tools'",
		"function_call":      "use 'tool_choice'",
		"audio":              "the models here write text only",
		"modalities":         "the models here write text only",
		"prediction":         "predicted outputs are not implemented",
		"web_search_options": "there is no web search",
	},
}

// asked is a chat request in our own terms.
type asked struct {
	*deepseekapi.Request
	model string // here
	opts  llm.Options
}

// read checks a chat request and turns it into ours.
func (a *API) read(r *http.Request) (*asked, error) {
	var x extras
	body, err := readBody(r, &x, chatFields)
	if err != nil && body == nil {
		return nil, err
	}
	// The model's format decides what the request may ask for.
	var head struct {
		Model    string    `json:"model"`
		Thinking *struct{} `json:"thinking"`
		Effort   *string   `json:"reasoning_effort"`
	}
	_ = json.Unmarshal(body, &head) // what is wrong with it is said below
	info, m, merr := a.resolve(r.Context(), head.Model)
	f := formatOf(info)
	o := deepseekapi.Options{NoThinking: m == thinkingOff || f.Name != "" && !f.Thinking}
	if f.Name == "deepseek-v4.1" {
		o.Version = deepseekapi.V41
	}
	q, bad := deepseekapi.Decode(body, o)
	switch {
	case bad != nil:
		return nil, wrap(bad)
	case err != nil:
		return nil, err
	case q.Model == "":
		return nil, malformed("missing field `model`")
	case merr != nil:
		return nil, merr
	case q.Regex != "":
		return nil, wrap(&deepseekapi.Error{Status: 400, Message: "This response_format type is unavailable now", Type: invalid, Code: invalid})
	}
	if err := supported(f, head.Thinking != nil, head.Effort != nil, q); err != nil {
		return nil, err
	}
	out := &asked{Request: q, model: info.Name}
	q.Chat.ParallelCalls, q.Chat.Variables = x.ParallelToolCalls, x.Variables
	if q.Chat.ToolChoice.Mode == chat.ToolNamed && x.ParallelToolCalls == nil {
		q.Chat.ParallelCalls = new(false) // "call this function" means once
	}
	return out, out.options(r, &x, f)
}

// formatOf returns the format of a model's prompts; its name is empty when it is
// not known.
func formatOf(i library.Info) chat.FormatInfo {
	if i.Description == nil {
		return chat.FormatInfo{}
	}
	return i.Description.Format
}

// supported refuses a switch that the model does not have.
func supported(f chat.FormatInfo, thinking, effort bool, q *deepseekapi.Request) error {
	at := "thinking.type"
	if !thinking {
		at = "reasoning_effort"
	}
	switch {
	case !thinking && !effort || f.Name == "":
		return nil
	case q.Thinking && !f.Thinking:
		return apierr.At(apierr.UnsupportedValue, at, "'%s' asks for reasoning, but the model does not reason", at)
	case !q.Thinking && f.Thinking && !f.Switch:
		return apierr.At(apierr.UnsupportedValue, at, "'%s' asks for no reasoning, but the model always reasons", at)
	}
	return nil
}

// readBody reads a body twice: for its fields, and as it is for the rules. A
// nil body was not read; one that is not nil may come with an error that counts
// only if the rules find none.
func readBody(r *http.Request, dst any, f decode.Fields) ([]byte, error) {
	var buf bytes.Buffer
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(r.Body, &buf), r.Body}
	err := decode.Body(r, dst, f)
	if err == nil {
		return buf.Bytes(), nil
	}
	switch e := apierr.From(err); e.Kind {
	case apierr.InvalidJSON:
		return nil, malformed(e.Message)
	case apierr.InvalidValue, apierr.UnknownField, apierr.UnsupportedField:
		return buf.Bytes(), err
	}
	return nil, err
}

// userID is what DeepSeek allows.
var userID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,512}$`)

// options sets how the answer is made.
func (q *asked) options(r *http.Request, x *extras, f chat.FormatInfo) error {
	o := &q.opts
	o.Sampling = sample.Default()
	// V4 keeps to values of its own while it thinks. Other models do as they are
	// told.
	if strings.HasPrefix(f.Name, "deepseek-v4") {
		o.Sampling.Temperature, o.Sampling.TopP, o.Sampling.TopK, o.Sampling.MinP = q.Temperature, q.TopP, 0, 0
	} else {
		set(&o.Sampling.Temperature, x.Temperature)
		set(&o.Sampling.TopP, x.TopP)
	}
	if q.Seed != nil {
		o.Sampling.Seed = uint64(*q.Seed)
	}
	if q.Logprobs {
		o.Logprobs = 1
		if q.TopLogprobs != nil {
			o.Logprobs += *q.TopLogprobs
		}
	}
	o.MaxTokens = q.maxTokens()
	if q.MaxTokens == 0 && x.MaxCompletionTokens != nil {
		if err := decode.Int(&o.MaxTokens, "max_completion_tokens", x.MaxCompletionTokens, 1, deepseekapi.MaxTokens); err != nil {
			return err
		}
	}
	topK := o.Sampling.TopK
	err := decode.First(
		decode.Int(&topK, "top_k", x.TopK, 0, math.MaxInt32),
		decode.Float(&o.Sampling.MinP, "min_p", x.MinP, 0, 1),
		decode.Float(&o.Sampling.RepeatPenalty, "repeat_penalty", x.RepeatPenalty, 0, 10),
		bias(&o.Sampling, x.LogitBias),
	)
	o.Sampling.TopK = topK
	if err != nil {
		return err
	}
	return isolate(r, o, x.UserID, x.User)
}

func set(dst, v *float64) {
	if v != nil {
		*dst = *v
	}
}

// maxTokens is how long the answer may get. The context may end it earlier.
func (q *asked) maxTokens() int {
	n, bad := q.ResolveMaxTokens(0, math.MaxInt)
	if bad != nil {
		return 0
	}
	return n
}

func bias(s *sample.Options, given map[string]float64) error {
	for key, v := range given {
		id, err := strconv.ParseInt(key, 10, 32)
		switch {
		case err != nil || id < 0:
			return apierr.At(apierr.InvalidValue, "logit_bias", "'logit_bias' has the key %.100q, but keys must be token ids", key)
		case math.IsNaN(v) || v < -100 || v > 100:
			return apierr.BadValue("logit_bias["+key+"]", v, "from -100 to 100")
		case v == -100:
			v = math.Inf(-1)
		}
		if s.LogitBias == nil {
			s.LogitBias = map[int32]float64{}
		}
		s.LogitBias[int32(id)] = v
	}
	return nil
}

// isolate keeps users of one key apart: each user_id has a prefix cache and
// a turn in the queue of its own.
func isolate(r *http.Request, o *llm.Options, id, user string) error {
	if id != "" && !userID.MatchString(id) {
		return apierr.BadValue("user_id", id, "1 to 512 letters, digits, _ or -")
	}
	o.Namespace, o.KeepPrefill = id, true
	o.User = cmp.Or(id, user, r.Header.Get("X-Deepseek-Harness-User-Id"))
	return nil
}
