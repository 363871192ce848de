package ollama

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
)

// options are those of a request, or of a model that was made with some.
type options struct {
	NumCtx           *int64          `json:"num_ctx"`
	NumPredict       *int64          `json:"num_predict"`
	Temperature      *float64        `json:"temperature"`
	TopK             *int64          `json:"top_k"`
	TopP             *float64        `json:"top_p"`
	MinP             *float64        `json:"min_p"`
	TypicalP         *float64        `json:"typical_p"`
	Seed             *int64          `json:"seed"`
	Stop             json.RawMessage `json:"stop"` // string or strings
	RepeatLastN      *int64          `json:"repeat_last_n"`
	RepeatPenalty    *float64        `json:"repeat_penalty"`
	PresencePenalty  *float64        `json:"presence_penalty"`
	FrequencyPenalty *float64        `json:"frequency_penalty"`
	Mirostat         *int64          `json:"mirostat"`
	MirostatTau      *float64        `json:"mirostat_tau"`
	MirostatEta      *float64        `json:"mirostat_eta"`
	TFSZ             *float64        `json:"tfs_z"`
}

// optionFields: how a model is loaded is the server's to say, and none of these
// changes what is answered. num_keep is about cutting prompts, which is not done.
var optionFields = decode.Fields{
	Ignored: []string{
		"num_thread", "num_gpu", "main_gpu", "num_batch", "num_keep", "num_gqa", "low_vram", "use_mmap", "use_mlock", "numa", "f16_kv",
		"vocab_only", "logits_all", "penalize_newline", "draft_num_predict",
	},
	Refused: map[string]string{"embedding_only": "use /api/embed"},
}

// maxStops bounds the number of stop texts.
const maxStops = 16

// readOptions reads the options of a model, and those of a request over them.
func readOptions(layers ...json.RawMessage) (*options, error) {
	o := &options{}
	for _, raw := range layers {
		if missing(raw) {
			continue
		}
		if raw[0] != '{' {
			return nil, apierr.At(apierr.InvalidValue, "options", "'options' must be an object")
		}
		if err := decode.JSON(raw, o, optionFields); err != nil {
			return nil, inOptions(err)
		}
	}
	return o, nil
}

// inOptions says where a field of an error is.
func inOptions(err error) error {
	e := *apierr.From(err)
	if e.Param != "" {
		e.Param = "options." + e.Param
	}
	return &e
}

// neutral checks the options and turns them into ours.
func (o *options) neutral(q *asked) error {
	sm := sample.Default()
	numCtx, predict := 0, -1
	err := decode.First(
		decode.Int(&numCtx, "num_ctx", o.NumCtx, 1, math.MaxInt32),
		decode.Int(&predict, "num_predict", o.NumPredict, -2, math.MaxInt32),
		decode.Float(&sm.Temperature, "temperature", o.Temperature, 0, 100),
		decode.Int(&sm.TopK, "top_k", o.TopK, -1, math.MaxInt32),
		decode.Float(&sm.TopP, "top_p", o.TopP, 0, 1),
		decode.Float(&sm.MinP, "min_p", o.MinP, 0, 1),
		decode.Float(&sm.Typical, "typical_p", o.TypicalP, 0, 1),
		decode.Int(&sm.PenaltyLastN, "repeat_last_n", o.RepeatLastN, -1, math.MaxInt32),
		decode.Float(&sm.RepeatPenalty, "repeat_penalty", o.RepeatPenalty, 0, 100),
		decode.Float(&sm.PresencePenalty, "presence_penalty", o.PresencePenalty, -100, 100),
		decode.Float(&sm.FrequencyPenalty, "frequency_penalty", o.FrequencyPenalty, -100, 100),
		decode.Int(&sm.Mirostat, "mirostat", o.Mirostat, 0, 2),
		decode.Float(&sm.MirostatTau, "mirostat_tau", o.MirostatTau, 0, 100),
		decode.Float(&sm.MirostatEta, "mirostat_eta", o.MirostatEta, 0, 100),
	)
	switch {
	case err != nil:
		return inOptions(err)
	case predict == 0:
		return apierr.BadValue("options.num_predict", 0, "1 or more, or -1 for no limit")
	case o.TFSZ != nil && *o.TFSZ != 1:
		return apierr.Unsupported("options.tfs_z", "tail free sampling does not exist any more; use min_p")
	}
	sm.TopK = max(sm.TopK, 0)
	if o.Seed != nil && *o.Seed >= 0 {
		sm.Seed = uint64(*o.Seed)
	}
	q.req.Stop, err = o.stops()
	q.opts = llm.Options{Sampling: sm, MaxTokens: max(predict, 0)}
	q.numCtx = numCtx
	return err
}

// stops reads the stop texts.
func (o *options) stops() ([]string, error) {
	if missing(o.Stop) {
		return nil, nil
	}
	out := make([]string, 1)
	var err error
	if o.Stop[0] == '"' {
		err = decode.Value(o.Stop, &out[0], "options.stop")
	} else {
		err = decode.Value(o.Stop, &out, "options.stop")
	}
	switch {
	case err != nil:
		return nil, err
	case len(out) > maxStops:
		return nil, apierr.At(apierr.InvalidValue, "options.stop", "'options.stop' has %d texts, but at most %d are allowed", len(out), maxStops)
	}
	for i, t := range out {
		if t == "" {
			return nil, apierr.At(apierr.InvalidValue, fmt.Sprintf("options.stop[%d]", i), "a stop text must not be empty")
		}
	}
	return out, nil
}

// keepAlive reads how long a model stays loaded: seconds, or a text such as
// "5m"; negative is forever. ok is false if nothing was said.
func keepAlive(raw json.RawMessage) (d time.Duration, ok bool, err error) {
	const expected = `a number of seconds or a time such as "10m"; negative for ever`
	if missing(raw) {
		return 0, false, nil
	}
	if raw[0] != '"' {
		var seconds float64
		if err := decode.Value(raw, &seconds, "keep_alive"); err != nil {
			return 0, false, err
		}
		return longest(seconds), true, nil
	}
	var text string
	if err := decode.Value(raw, &text, "keep_alive"); err != nil {
		return 0, false, err
	}
	if text == "" {
		return 0, false, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return max(d, -1), true, nil
	}
	var seconds float64
	if json.Unmarshal([]byte(text), &seconds) != nil { // "300" and "-1" are in use as well
		return 0, false, apierr.BadValue("keep_alive", text, expected)
	}
	return longest(seconds), true, nil
}

// longest turns seconds into a time; what is too long is forever.
func longest(seconds float64) time.Duration {
	const most = float64(math.MaxInt64 / int64(time.Second))
	if seconds < 0 || seconds >= most {
		return -1
	}
	return time.Duration(seconds * float64(time.Second))
}

// missing reports that an optional value was not given, or was null.
func missing(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
