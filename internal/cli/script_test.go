package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
)

// TestMain lets the test binary stand in for the program inside scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"holdfast":           func() { os.Exit(Main(os.Args[1:], tinyStarter())) },
		"holdfast-nostarter": func() { os.Exit(Main(os.Args[1:], nil)) },
		"holdfast-panic":     panicking,
		"interrupt":          interrupting,
	})
}

// tinyStarter is a starter of random weights: it answers noise, at once.
func tinyStarter() *app.Starter {
	path := os.Getenv("STARTER")
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return &app.Starter{Name: app.StarterName, FullName: "Tiny", File: "tiny.gguf", Data: func() []byte { return data }}
}

// panicking is the program with a mistake in it.
func panicking() {
	a := app.New(app.Standard(), &config.Config{}, nil)
	os.Exit(int(execute(context.Background(), broken(), a)))
}

func broken() *cobra.Command {
	return &cobra.Command{Use: "holdfast", Run: func(*cobra.Command, []string) {
		var none []int
		_ = none[len(os.Args)]
	}}
}

// interrupting runs the program and presses Ctrl-C at the first piece of output.
func interrupting() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	std := app.Standard()
	std.Out = &interrupter{out: std.Out}
	os.Exit(int(Run(ctx, os.Args[1:], app.New(std, &config.Config{}, nil))))
}

type interrupter struct {
	out  io.Writer
	once sync.Once
}

func (w *interrupter) Write(p []byte) (int, error) {
	w.once.Do(func() {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Signal(os.Interrupt)
		}
		if err != nil {
			panic(err)
		}
	})
	return w.out.Write(p)
}

func TestScripts(t *testing.T) {
	root := golden.ModuleRoot(t)
	testscript.Run(t, testscript.Params{
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"code": wantCode},
		Dir:  filepath.Join(root, "test/scripts"),
		Setup: func(e *testscript.Env) error {
			models := filepath.Join(root, "test/vectors/goldens/models")
			e.Setenv("MODELS", models)
			e.Setenv("STARTER", filepath.Join(models, "llama-tied/model.gguf"))
			e.Setenv("TINY", filepath.Join(models, "llama-tied/model.gguf"))
			e.Setenv("FOREIGN", foreignModel(t, e.WorkDir))
			e.Setenv("SPLIT", filepath.Join(models, "split/model-00001-of-00003.gguf"))
			return nil
		},
	})
}

// foreignModel writes a valid file of an architecture that nobody supports.
func foreignModel(t *testing.T, dir string) string {
	t.Helper()
	w := gguf.NewWriter()
	w.Set("general.architecture", "gramophone")
	path := filepath.Join(dir, ".foreign.gguf")
	if err := w.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantCode runs a program and checks its exit code: code 3 holdfast run x.gguf
func wantCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code CODE PROGRAM ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}
