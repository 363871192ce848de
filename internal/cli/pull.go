package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/machine/mem/probe"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/platform/plan"
	"github.com/holdfast-llm/holdfast/internal/platform/pull"
)

// pullOptions are the flags of pull.
type pullOptions struct {
	dir    string
	force  bool
	dryRun bool
	rate   string
}

const pullHelp = `Download a model into the folder of models. NAME is one of

  hf.co/OWNER/REPO:QUANT        a quantization in a repository of Hugging Face
  hf:OWNER/REPO/FILE.gguf       a file of it
  https://HOST/FILE.gguf        a file from anywhere
  deepseek-r1:1.5b              a model of Ollama's registry

Before anything large is downloaded, the header of the file says whether the model
is supported, whether it fits into this machine's memory and how fast it can be; one
that does not fit is refused (--force downloads it all the same).

A download that was interrupted goes on where it ended when pull is run again.
Checksums are verified. HF_ENDPOINT names a mirror of Hugging Face, HF_TOKEN is the
key for models whose terms must be accepted, HTTPS_PROXY a proxy.`

func newPull(a *app.App) *cobra.Command {
	var o pullOptions
	cmd := &cobra.Command{
		Use:   "pull NAME",
		Short: "Download a model",
		Long:  pullHelp,
		Example: `  holdfast pull hf.co/bartowski/DeepSeek-R1-Distill-Qwen-7B-GGUF:Q4_K_M
  holdfast pull --dry-run hf.co/unsloth/DeepSeek-V3-0324-GGUF:Q4_K_M
  HF_ENDPOINT=https://hf-mirror.com holdfast pull hf.co/OWNER/REPO`,
		Args: args(1, 1, "NAME"),
		RunE: func(cmd *cobra.Command, names []string) error {
			return pullModel(cmd.Context(), a, &o, names[0])
		},
	}
	modelsFlag(cmd, &o.dir)
	cmd.Flags().BoolVar(&o.force, "force", false, "download a model that does not fit into memory")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only say what it is and whether it fits")
	cmd.Flags().StringVar(&o.rate, "limit-rate", "", "most bytes per second, such as 2MiB")
	return cmd
}

func pullModel(ctx context.Context, a *app.App, o *pullOptions, name string) error {
	dir, err := modelsDir(a, o.dir)
	if err != nil {
		return err
	}
	rate, err := parseBytes(o.rate)
	if err != nil {
		return &app.UsageError{Message: fmt.Sprintf("--limit-rate is %q, but must be a size such as 2MiB", o.rate)}
	}
	c := NewPuller(a, dir)
	c.Rate = rate
	refuse := c.Judge
	c.Judge = func(f *gguf.File) (string, error) {
		text, err := refuse(f)
		if o.force && errors.Is(err, errTooLarge) {
			err = nil
		}
		if err == nil && o.dryRun {
			err = errDryRun
		}
		return text, err
	}
	p := newPullPrinter(a)
	r, err := c.Pull(ctx, name, p.tell)
	p.end()
	if errors.Is(err, errDryRun) {
		return nil
	}
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(a.IO.Err, "stopped; what is here stays: the same command goes on where it ended")
	}
	if err != nil {
		return asCanceled(ctx, pullError(err))
	}
	_, err = fmt.Fprintf(a.IO.Out, "%s is here: %s in %s\ntry  holdfast run %s\n", r.Name, bytesText(r.Size), r.Paths[0], shellWord(o.word(r)))
	return err
}

// word is what to call a model on a command line: its name, or its path if it is
// not in the usual folder.
func (o *pullOptions) word(r *pull.Result) string {
	if o.dir == "" {
		return r.Name
	}
	return r.Paths[0]
}

var (
	errTooLarge = errors.New("it does not fit into this machine's memory")
	errDryRun   = errors.New("nothing was asked for")
)

// NewPuller returns what downloads models into a folder, for this machine.
func NewPuller(a *app.App, dir string) *pull.Client {
	return &pull.Client{Dir: dir, Endpoint: a.Config.Hub.Endpoint, Token: a.Config.Hub.Token, Judge: judge}
}

// judge says whether a model fits and how fast it can be.
func judge(f *gguf.File) (string, error) {
	workers := app.Workers(0)
	v, err := plan.Judge(f, workers, mem.Budget())
	if err != nil {
		return "", err
	}
	text := strings.Join(v.Lines(bandwidth(workers)), "\n")
	if !v.Fits() {
		return text, errTooLarge
	}
	return text, nil
}

// bandwidth measures how many bytes a second are read from memory; 0 if it
// cannot be measured.
func bandwidth(workers int) float64 {
	m, err := probe.NewMemory()
	if err != nil {
		return 0
	}
	defer m.Close() //nolint:errcheck // unmapping our own memory
	t := par.New(workers)
	defer t.Close()
	return float64(m.Read(t))
}

// pullError says what to do about an error of a download.
func pullError(err error) error {
	var name *pull.NameError
	var choice *pull.ChoiceError
	var refused *pull.RefusedError
	var space *pull.SpaceError
	switch {
	case errors.As(err, &name):
		return &app.UsageError{Message: plainModel(name)}
	case errors.As(err, &choice):
		return &app.UsageError{Message: plainModel(choice)}
	case errors.As(err, &refused) && errors.Is(err, errTooLarge):
		return &app.FitError{Err: errors.New(plainModel(refused)), Hint: "take a smaller model or a smaller quantization; --force downloads it all the same"}
	case errors.As(err, &refused):
		return &app.ModelError{Err: errors.New(plainModel(refused))}
	case errors.As(err, &space):
		return &app.FitError{Err: errors.New(plainModel(space)), Hint: "make room (`holdfast list`, `holdfast rm NAME`), or choose another disk with --models DIR"}
	}
	return errors.New(plainModel(err))
}

// A pullPrinter shows progress on standard error: lines, and a bar for files.
type pullPrinter struct {
	a    *app.App
	bar  *bar
	file string
	last string
}

func newPullPrinter(a *app.App) *pullPrinter { return &pullPrinter{a: a} }

// tell shows one step.
func (p *pullPrinter) tell(s pull.Progress) {
	if s.Status == "downloading" {
		if p.file != s.File {
			p.end()
			p.file, p.bar = s.File, newBar(p.a, "downloading", bytesText)
			fmt.Fprintf(p.a.IO.Err, "downloading %s (%s)\n", printable(s.File), bytesText(s.Total))
		}
		p.bar.update(s.Done, s.Total)
		return
	}
	if s.Status == p.last {
		return
	}
	p.end()
	p.last, p.file = s.Status, ""
	fmt.Fprintln(p.a.IO.Err, printable(s.Status))
}

// end removes the bar.
func (p *pullPrinter) end() {
	if p.bar != nil {
		p.bar.end()
		p.bar = nil
	}
}

// shellWord quotes a path for a command line, if it needs to be.
func shellWord(s string) string {
	if strings.ContainsAny(s, " '\"\\$`!*?()[]{}<>|&;~#") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
