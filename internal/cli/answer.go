package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/holdfast-llm/holdfast"
	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// An answer prints the one answer of a run with a prompt.
type answer struct {
	a     *app.App
	o     *runOptions
	model string
	load  time.Duration
}

// print asks and shows the answer in the form that was asked for.
func (x *answer) print(ctx context.Context, s *holdfast.Session, prompt string) error {
	events := s.Chat(ctx, prompt)
	if x.o.raw {
		events = s.Complete(ctx, prompt)
	}
	b := newBar(x.a, "reading the prompt", func(n int64) string { return fmt.Sprint(n) })
	defer b.end()
	var sink sink = &textSink{out: x.a.IO.Out, err: x.a.IO.Err, terminal: x.a.IO.OutTerminal, style: styleOf(x.a, x.a.IO.OutTerminal), errStyle: styleOf(x.a, x.a.IO.ErrTerminal), thinkAloud: x.a.IO.ErrTerminal && !x.a.IO.OutTerminal}
	if x.o.json {
		sink = &jsonSink{out: json.NewEncoder(x.a.IO.Out), stream: x.o.stream}
	}
	var failed error
	var done *holdfast.Done
	for ev, err := range events {
		if ev.Done != nil {
			done = ev.Done
		}
		if err != nil {
			failed = err
			break
		}
		if p := ev.Progress; p != nil {
			b.update(int64(p.Done), int64(p.Total))
			continue
		}
		b.end()
		if err := sink.event(ev); err != nil {
			return err
		}
	}
	b.end()
	if failed != nil && done == nil && !errors.Is(failed, context.Canceled) {
		return failed // before the answer began
	}
	if err := sink.end(x, done, failed); err != nil {
		return err
	}
	if failed == nil {
		x.epilogue(done)
	}
	return asCanceled(ctx, failed)
}

// epilogue says on standard error what there is to say after an answer.
func (x *answer) epilogue(done *holdfast.Done) {
	st := styleOf(x.a, x.a.IO.ErrTerminal)
	if x.o.verbose && done != nil {
		fmt.Fprintln(x.a.IO.Err, st.dim(fmt.Sprintf("\nload         %s\n%s", talk.Duration(x.load), talk.Describe(done, ""))))
	}
	if done != nil && done.Reason == holdfast.FinishLength && !x.o.json {
		fmt.Fprintln(x.a.IO.Err, st.dim(fmt.Sprintf("(the answer was cut after %d tokens: --max-tokens or the context ended it)", done.Usage.CompletionTokens)))
	}
	if x.model == app.StarterName && !x.o.json {
		fmt.Fprintln(x.a.IO.Err, st.dim("\n"+starterNotice(x.a)))
	}
}

// A sink shows an answer as it is made.
type sink interface {
	event(ev holdfast.Event) error
	end(x *answer, done *holdfast.Done, failed error) error
}

// A textSink prints the text alone, so that it can be piped. Thinking is shown
// dimmed to people, and not at all to programs.
type textSink struct {
	out, err   io.Writer
	terminal   bool
	style      style
	errStyle   style
	thinkAloud bool // show thinking on standard error
	thinking   bool // the last text was thinking
	any        bool // there was text
	newline    bool // the last text ended a line
}

func (t *textSink) event(ev holdfast.Event) error {
	switch {
	case ev.Thinking != "" && (t.terminal || t.thinkAloud):
		w, st := t.out, t.style
		if t.thinkAloud {
			w, st = t.err, t.errStyle
		}
		t.thinking = true
		_, err := io.WriteString(w, st.dim(printable(ev.Thinking)))
		return err
	case ev.Text != "":
		text := ev.Text
		if t.terminal {
			text = printable(text)
		}
		if !t.any {
			text = strings.TrimLeft(text, "\r\n")
			if text == "" {
				return nil
			}
		}
		if err := t.answerBegins(); err != nil {
			return err
		}
		t.any, t.newline = true, strings.HasSuffix(text, "\n")
		_, err := io.WriteString(t.out, text)
		return err
	}
	return nil
}

// answerBegins puts a line between the thinking and the answer.
func (t *textSink) answerBegins() error {
	if !t.thinking {
		return nil
	}
	t.thinking = false
	w := t.out
	if t.thinkAloud {
		w = t.err
	}
	_, err := io.WriteString(w, "\n\n")
	return err
}

func (t *textSink) end(*answer, *holdfast.Done, error) error {
	if t.thinking || t.any && !t.newline {
		_, err := io.WriteString(t.out, "\n")
		return err
	}
	return nil
}

// A jsonSink prints one object for the whole answer, after a line for each piece
// if it streams.
type jsonSink struct {
	out      *json.Encoder
	stream   bool
	text     strings.Builder
	thinking strings.Builder
}

// A piece is a line of --json --stream.
type piece struct {
	Type string `json:"type"` // "thinking" or "text"
	Text string `json:"text"`
}

func (j *jsonSink) event(ev holdfast.Event) error {
	var p piece
	switch {
	case ev.Thinking != "":
		j.thinking.WriteString(ev.Thinking)
		p = piece{"thinking", ev.Thinking}
	case ev.Text != "":
		j.text.WriteString(ev.Text)
		p = piece{"text", ev.Text}
	default:
		return nil
	}
	if !j.stream {
		return nil
	}
	return j.out.Encode(p)
}

// An outcome is the object of --json.
type outcome struct {
	Type     string `json:"type,omitempty"` // "done" when streaming
	Model    string `json:"model"`
	Text     string `json:"text"`
	Thinking string `json:"thinking"`
	Finish   string `json:"finish_reason"`
	Stop     string `json:"stop,omitempty"`
	Error    string `json:"error,omitempty"`
	Usage    struct {
		Prompt     int `json:"prompt_tokens"`
		Cached     int `json:"cached_tokens"`
		Completion int `json:"completion_tokens"`
		Reasoning  int `json:"reasoning_tokens"`
	} `json:"usage"`
	Timings struct {
		Load       float64 `json:"load_s"`
		Prompt     float64 `json:"prompt_s"`
		Answer     float64 `json:"answer_s"`
		Total      float64 `json:"total_s"`
		PromptRate float64 `json:"prompt_tokens_per_s"`
		AnswerRate float64 `json:"answer_tokens_per_s"`
	} `json:"timings"`
	Seed uint64 `json:"seed"`
}

func (j *jsonSink) end(x *answer, done *holdfast.Done, failed error) error {
	o := outcome{Model: x.model, Text: j.text.String(), Thinking: j.thinking.String(), Finish: string(holdfast.FinishError)}
	if j.stream {
		o.Type = "done"
	}
	if failed != nil {
		o.Error = app.Text(failed)
		if errors.Is(failed, context.Canceled) {
			o.Finish = string(holdfast.FinishCanceled)
		}
	}
	if d := done; d != nil {
		o.Finish, o.Stop, o.Seed = string(d.Reason), d.Stop, d.Seed
		o.Usage.Prompt, o.Usage.Cached = d.Usage.PromptTokens, d.Usage.CachedTokens
		o.Usage.Completion, o.Usage.Reasoning = d.Usage.CompletionTokens, d.Usage.ReasoningTokens
		o.Timings.Load, o.Timings.Prompt = x.load.Seconds(), d.Timings.Prompt.Seconds()
		o.Timings.Answer, o.Timings.Total = d.Timings.Answer.Seconds(), d.Timings.Total.Seconds()
		o.Timings.PromptRate, o.Timings.AnswerRate = d.PromptRate(), d.AnswerRate()
	}
	return j.out.Encode(o)
}
