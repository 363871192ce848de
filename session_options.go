package holdfast

import (
	"slices"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// A SessionOption changes how a session asks and answers.
type SessionOption func(*settings) error

// settings are what the options of a session come to.
type settings struct {
	system    string
	tools     []Tool
	choice    chat.ToolChoice
	parallel  *bool
	output    chat.Output
	sampling  Sampling
	maxTokens int
	stop      []string
	thinking  *bool
	effort    string
	logprobs  int
	progress  bool
	special   bool
	user      string
	priority  int
}

// WithSystem sets the system prompt; empty is none.
func WithSystem(text string) SessionOption {
	return func(s *settings) error { s.system = text; return nil }
}

// WithSampling replaces all sampling options.
func WithSampling(o Sampling) SessionOption {
	return func(s *settings) error {
		if err := o.Validate(); err != nil {
			return err
		}
		s.sampling = o
		return nil
	}
}

// WithTemperature changes the temperature alone; 0 takes the likeliest token always.
func WithTemperature(t float64) SessionOption {
	return func(s *settings) error {
		o := s.sampling
		o.Temperature = t
		return WithSampling(o)(s)
	}
}

// WithSeed sets the seed: the same prompt, options and seed give the same answer.
func WithSeed(seed uint64) SessionOption {
	return func(s *settings) error { s.sampling.Seed = seed; return nil }
}

// WithMaxTokens bounds an answer, reasoning included; 0 leaves it to the context.
func WithMaxTokens(n int) SessionOption {
	return func(s *settings) error { return setInt(&s.maxTokens, "max tokens", n, 0, 1<<30) }
}

// WithStop ends answers where one of the texts begins.
func WithStop(texts ...string) SessionOption {
	return func(s *settings) error { s.stop = slices.Clone(texts); return nil }
}

// WithThinking switches reasoning on or off, for models that know both. Without
// it the model's template decides.
func WithThinking(on bool) SessionOption {
	return func(s *settings) error { s.thinking = &on; return nil }
}

// WithThinkingDefault leaves reasoning to the model's template again.
func WithThinkingDefault() SessionOption {
	return func(s *settings) error { s.thinking = nil; return nil }
}

// WithEffort says how long to think: "low", "medium", "high", "max", or a
// model's own word.
func WithEffort(effort string) SessionOption {
	return func(s *settings) error { s.effort = effort; return nil }
}

// WithTools lets the model call functions; see WithToolChoice. A model whose own
// template knows no tools is told of them in the system prompt.
func WithTools(tools ...Tool) SessionOption {
	return func(s *settings) error { s.tools = slices.Clone(tools); return nil }
}

// WithLogprobs asks for the log-probability of each token and of n
// alternatives; -1 turns it off.
func WithLogprobs(n int) SessionOption {
	return func(s *settings) error {
		if err := setInt(&s.logprobs, "logprobs", n, -1, 1000); err != nil {
			return err
		}
		s.logprobs++
		return nil
	}
}

// WithPromptProgress asks for Progress events while a prompt is read.
func WithPromptProgress() SessionOption {
	return func(s *settings) error { s.progress = true; return nil }
}

// WithSpecialTokens lets Complete recognise special tokens, such as a
// template's, in the text of its prompt. Chat never does.
func WithSpecialTokens() SessionOption {
	return func(s *settings) error { s.special = true; return nil }
}

// WithUser names whom the session belongs to: users share the machine fairly,
// however many sessions each has.
func WithUser(name string) SessionOption {
	return func(s *settings) error { s.user = name; return nil }
}

// WithPriority lets higher numbers go first; the default is 0.
func WithPriority(p int) SessionOption {
	return func(s *settings) error { return setInt(&s.priority, "priority", p, -1000, 1000) }
}
