package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast"
	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// runOptions are the flags of run.
type runOptions struct {
	plan           app.Plan
	sampling       holdfast.Sampling
	system         string
	maxTokens      int
	stop           []string
	think, noThink bool
	raw, special   bool
	template       string
	exact          bool
	deterministic  bool
	verbose        bool
	json, stream   bool
}

var runHelp = `Run a model: with a prompt, or with text on standard input, it prints the answer
and ends; on a terminal without a prompt it chats.

MODEL is the path of a GGUF file (of a split model, any part) or "starter", the
small model inside the program. With one argument that names no file and does not
look like one, the argument is a prompt for the starter. Something looks like a
file if it ends in .gguf, begins with ./ or ../, or has a separator and no spaces.

Text on standard input joins the prompt: cat report.txt | holdfast run m.gguf "Summarise"

` + starterHelp + `

` + codesHelp

func newRun(a *app.App) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [MODEL] [PROMPT]",
		Short: "Answer a prompt, or chat",
		Long:  runHelp,
		Example: `  holdfast run "Why is the sea salty?"
  holdfast run DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf
  holdfast run m.gguf "Name three rivers" --temperature 0 --json
  holdfast run m.gguf --raw "Once upon a time" --max-tokens 50`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), a, &o, args) },
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"gguf"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.system, "system", "", "system `TEXT`: who the model is and how it answers")
	planFlags(cmd, &o.plan)
	samplingFlags(cmd, &o.sampling)
	intFlag(cmd, &o.maxTokens, "max-tokens", 0, 1<<30, "longest answer in tokens; 0 for the rest of the context")
	f.Var(&list{p: &o.stop}, "stop", "end the answer where this text begins (can be repeated)")
	f.BoolVar(&o.think, "think", false, "let a model that can do both think first")
	f.BoolVar(&o.noThink, "no-think", false, "let it answer at once")
	f.BoolVar(&o.raw, "raw", false, "continue the prompt as it is, without the chat template")
	f.BoolVar(&o.special, "special", false, "with --raw: recognise special tokens in the prompt")
	f.StringVar(&o.template, "template", "", "use the Jinja chat template in `FILE`")
	f.BoolVar(&o.deterministic, "deterministic", false, "the same tokens however a prompt was cut into pieces or found in the cache; slower prompts with DeepSeek-V2 and later")
	f.BoolVar(&o.exact, "exact", false, "compute in float32 on dequantized weights: slow, for comparisons")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print tokens, times and speed on standard error")
	f.BoolVar(&o.json, "json", false, "print one JSON object: text, thinking, usage, timings, finish_reason")
	f.BoolVar(&o.stream, "stream", false, "with --json: print JSON lines as the answer is made, the object last")
	cmd.MarkFlagsMutuallyExclusive("think", "no-think")
	return cmd
}

// A task is what the arguments and standard input of run come to.
type task struct {
	model  string
	prompt string // empty to chat
}

// run answers a prompt or starts a chat.
func run(ctx context.Context, a *app.App, o *runOptions, args []string) error {
	if o.special && !o.raw {
		return &app.UsageError{Message: "--special needs --raw: in a chat only the template has special tokens"}
	}
	if o.stream && !o.json {
		return &app.UsageError{Message: "--stream needs --json: text is streamed anyway"}
	}
	if o.think && o.noThink {
		return &app.UsageError{Message: "--think and --no-think exclude each other"}
	}
	t, err := parseTask(a, args)
	if err == nil {
		err = a.Check(t.model) // before anything is read or asked
	}
	if err != nil {
		return err
	}
	if t.prompt, err = withInput(ctx, a, t.prompt); err != nil {
		return err
	}
	chat := t.prompt == ""
	if chat && (o.json || o.raw || !a.IO.InTerminal || !a.IO.OutTerminal) {
		return noPrompt(a, o)
	}
	if o.sampling.Seed == holdfast.RandomSeed && !chat {
		o.sampling.Seed = uint64(rand.Uint32()) // short enough to be typed again, and exact in every JSON reader
	}
	start := time.Now()
	m, err := openModel(ctx, a, o, t.model)
	if err != nil {
		return err
	}
	loaded := time.Since(start)
	if i := m.Info(); i.TrainedContext > 0 && i.Context > i.TrainedContext {
		fmt.Fprintf(a.IO.Err, "holdfast: warning: the context is %d tokens, but the model was trained for %d: beyond that its answers degrade\n", i.Context, i.TrainedContext)
	}
	s, err := m.NewSession(o.session()...)
	if err != nil {
		return firstErr(err, m.Close())
	}
	if chat {
		err = converse(ctx, a, o, t.model, m, s)
	} else {
		one := &answer{a: a, o: o, model: t.model, load: loaded}
		err = one.print(ctx, s, t.prompt)
	}
	return firstErr(err, m.Close())
}

func noPrompt(a *app.App, o *runOptions) error {
	why := "no prompt: standard input or output is no terminal, so there is nobody to chat with"
	switch {
	case a.IO.Piped():
		why = "no prompt: standard input is empty"
	case o.json:
		why = "no prompt: --json does not chat"
	case o.raw:
		why = "no prompt: --raw does not chat"
	}
	return &app.UsageError{Message: why, Hint: `give one: holdfast run MODEL "PROMPT"`}
}

// parseTask decides which of the arguments are model and prompt.
func parseTask(a *app.App, args []string) (task, error) {
	switch len(args) {
	case 0:
		return task{model: app.StarterName}, nil
	case 1:
		isModel, err := a.IsModel(args[0])
		if err != nil {
			return task{}, err
		}
		if isModel {
			return task{model: args[0]}, nil
		}
		return task{model: app.StarterName, prompt: args[0]}, nil
	}
	isModel, err := a.IsModel(args[0])
	if err == nil && !isModel {
		err = &app.UsageError{
			Message: fmt.Sprintf("there is no model %q", args[0]),
			Hint:    fmt.Sprintf("a prompt of several words must be quoted: holdfast run %q", strings.Join(args, " ")),
		}
	}
	return task{model: args[0], prompt: strings.Join(args[1:], " ")}, err
}

// chats reports ErrNoTemplate for a model that cannot chat, before minutes are
// spent on loading its weights. Other errors are left to who loads it. A file
// without a template may still be one whose format is known by its tokens,
// which only a closer look tells.
func chats(a *app.App, o *runOptions, name string) error {
	if o.raw || o.template != "" {
		return nil
	}
	f, err := a.File(name)
	if err != nil {
		return nil
	}
	_, has, err := f.String("tokenizer.chat_template")
	if cerr := f.Close(); cerr != nil {
		return cerr
	}
	if has || err != nil {
		return nil
	}
	if info, err := a.Inspect(name, o.plan); err == nil && info.ChatFormat == "" {
		return holdfast.ErrNoTemplate
	}
	return nil
}

// openModel loads the model with a progress bar. An interruption does not wait
// for the rest of the file: the program is about to end anyway.
func openModel(ctx context.Context, a *app.App, o *runOptions, name string) (*holdfast.Model, error) {
	if err := chats(a, o, name); err != nil {
		return nil, err
	}
	b := loading(a)
	defer b.end()
	opts := []holdfast.Option{holdfast.WithProgress(b.update)}
	if o.exact {
		opts = append(opts, holdfast.WithExact())
	}
	if o.deterministic {
		opts = append(opts, holdfast.WithDeterministic())
	}
	if o.template != "" {
		text, err := os.ReadFile(o.template)
		if err != nil {
			return nil, &app.UsageError{Message: "--template: " + err.Error()}
		}
		opts = append(opts, holdfast.WithTemplate(string(text)))
	}
	return interruptible(ctx, func() (*holdfast.Model, error) { return a.Open(name, o.plan, opts...) })
}

// interruptible waits for f, or for the context to end.
func interruptible[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// session turns the flags into the session's options.
func (o *runOptions) session() []holdfast.SessionOption {
	out := []holdfast.SessionOption{
		holdfast.WithSystem(o.system), holdfast.WithSampling(o.sampling),
		holdfast.WithMaxTokens(o.maxTokens), holdfast.WithStop(o.stop...), holdfast.WithPromptProgress(),
	}
	if o.think || o.noThink {
		out = append(out, holdfast.WithThinking(o.think))
	}
	if o.special {
		out = append(out, holdfast.WithSpecialTokens())
	}
	return out
}

// converse chats until the user leaves.
func converse(ctx context.Context, a *app.App, o *runOptions, name string, m *holdfast.Model, s *holdfast.Session) error {
	info := m.Info()
	if info.ChatFormat == "" {
		return holdfast.ErrNoTemplate
	}
	t := &talk.Talk{Session: s, Model: modelName(a, name, info.Name), Context: info.Context, MaxTokens: o.maxTokens, Stop: o.stop}
	if o.think || o.noThink {
		t.Think = &o.think
	}
	if name == app.StarterName {
		t.Notice = starterNotice(a)
	}
	if startTUI != nil && !a.Config.Terminal.Dumb() {
		return startTUI(ctx, a, t, o.verbose)
	}
	err := chatByLines(ctx, a, t, o.verbose)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// modelName is what a model is called in a chat.
func modelName(a *app.App, ref, name string) string {
	if ref == app.StarterName && a.Starter != nil {
		return a.Starter.FullName + " (starter, a demonstration)"
	}
	if name != "" {
		return name
	}
	return ref
}
