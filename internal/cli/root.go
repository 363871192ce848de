package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
)

// Main runs the program on the process's own streams and returns its exit code.
func Main(args []string, starter *app.Starter) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	std := app.Standard()
	cfg, err := config.Load()
	if err != nil {
		return int(report(std.Err, &app.UsageError{Message: app.Text(err)}))
	}
	return int(Run(ctx, args, app.New(std, cfg, starter)))
}

// Run runs one command line.
func Run(ctx context.Context, args []string, a *app.App) Code {
	var out *checked // a terminal is never full, and its chat needs the file itself
	if !a.IO.OutTerminal {
		out = &checked{w: a.IO.Out}
		a.IO.Out = out
	}
	root := newRoot(a)
	root.SetArgs(args)
	code := execute(ctx, root, a)
	if code == OK && out != nil {
		return report(a.IO.Err, out.err)
	}
	return code
}

// checked remembers the first write that failed: a command whose output went to
// a full disk did not work, even if it wrote no more after that.
type checked struct {
	w   io.Writer
	err error
}

// Write writes.
func (c *checked) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if c.err == nil {
		c.err = err
	}
	return n, err
}

// execute runs the command tree and turns what happens into a code.
func execute(ctx context.Context, root *cobra.Command, a *app.App) (code Code) {
	defer recovered(a.IO.Err, &code)
	err := root.ExecuteContext(ctx)
	if cerr := a.Close(); err == nil {
		err = cerr
	}
	return report(a.IO.Err, err)
}

// newRoot builds the tree of commands.
func newRoot(a *app.App) *cobra.Command {
	root := &cobra.Command{
		Use:   "holdfast",
		Short: "Run language models on the computer you have",
		Long: `Holdfast runs language models in GGUF files on a plain CPU: no GPU, no account,
no network.

  holdfast run "Why is the sea salty?"         the small model inside the program answers
  holdfast run model.gguf                      a chat with a model of yours
  cat report.txt | holdfast run model.gguf "Summarise"
  holdfast inspect model.gguf                  what it is and whether it fits into memory

` + codesHelp,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return prepare(a, cmd) },
	}
	root.SetIn(a.IO.In)
	root.SetOut(a.IO.Out)
	root.SetErr(a.IO.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &app.UsageError{Message: err.Error(), Hint: "`" + cmd.CommandPath() + " --help` lists the flags"}
	})
	root.PersistentFlags().String("kernels", "", "kernel `TIER` to use, for tests and comparisons (see `holdfast doctor`)")
	root.AddCommand(
		newRun(a), newPull(a), newList(a), newShow(a), newCopy(a), newRemove(a), newPs(a),
		newInspect(a), newTokenize(a), newLogits(a), newPerplexity(a),
		newBench(a), newServe(a), newKeys(a), newDoctor(a), newConfig(a), newVersion(a),
	)
	root.CompletionOptions.HiddenDefaultCmd = false
	return root
}

// prepare runs before every command: settings go to the flags that were not
// given, and the kernels are chosen.
func prepare(a *app.App, cmd *cobra.Command) error {
	if err := applyConfig(a.Config, cmd); err != nil {
		return err
	}
	if cmd.Name() == "doctor" {
		return nil // its --kernels is another one
	}
	tier, err := cmd.Flags().GetString("kernels")
	if err != nil || cmd.Flags().Lookup("kernels") == nil || !cmd.Flags().Changed("kernels") {
		tier = ""
	}
	return a.Start(tier)
}

// applyConfig sets the flags that were not given to what the file or the
// environment says.
func applyConfig(cfg *config.Config, cmd *cobra.Command) error {
	for _, s := range config.Settings {
		flag := cmd.Flags().Lookup(s.Flag())
		if flag == nil || flag.Changed || s.Key == "kernels" {
			continue
		}
		for _, v := range cfg.Lookup(s.Key) {
			if err := flag.Value.Set(v.Text); err != nil {
				return &app.UsageError{Message: v.Source + ": invalid value " + quote(v.Text) + " for " + s.Key + ": " + err.Error()}
			}
		}
	}
	return nil
}

func quote(s string) string { return `"` + s + `"` }

// args returns a check of the number of arguments that names what is expected.
func args(low, high int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= low && (high < 0 || len(args) <= high) {
			return nil
		}
		problem := "missing argument"
		if len(args) > low {
			problem = "too many arguments (" + strings.Join(args[high:], " ") + ")"
		}
		return &app.UsageError{Message: problem + "; usage: " + cmd.CommandPath() + " " + what, Hint: "`" + cmd.CommandPath() + " --help` says more"}
	}
}

// firstErr returns the first error that is not nil, to close what was opened.
func firstErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// asCanceled makes sure that an interrupted command is seen as one, whatever
// the part that noticed made of it.
func asCanceled(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && !errors.Is(err, context.Canceled) {
		return ctx.Err()
	}
	return err
}
