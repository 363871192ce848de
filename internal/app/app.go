// Package app wires the parts of the program into one value: settings, the
// terminal, the model inside the program, and how models are found and opened.
// The commands (package cli) work on it and know nothing of files and floors
// below it.
package app

import (
	"fmt"
	"runtime/debug"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
)

// A Starter is the model that ships inside the program. It is handed down as a
// value, so that only the command itself depends on 98 MB of weights.
type Starter struct {
	Name     string // what it is called on the command line
	FullName string
	File     string // for messages
	Licence  string
	Data     func() []byte // the GGUF file
}

// An App is the program: made once, started, and closed at the end.
type App struct {
	IO      IO
	Config  *config.Config
	Starter *Starter // nil when the program was built without one
}

// New returns an app with its parts.
func New(io IO, cfg *config.Config, starter *Starter) *App {
	return &App{IO: io, Config: cfg, Starter: starter}
}

// Start makes the choices that must be made before anything computes: the
// kernel tier. tier empty takes the configured one.
func (a *App) Start(tier string) error {
	source := "--kernels"
	if tier == "" {
		if v := a.Config.Lookup("kernels"); len(v) > 0 {
			tier, source = v[0].Text, v[0].Source
		}
	}
	cpu.Verify(a.verifiedTiers()...)
	if err := cpu.Force(tier); err != nil {
		return &UsageError{Message: fmt.Sprintf("%s: %s", source, trim(err))}
	}
	return nil
}

// Close undoes Start.
func (a *App) Close() error { return cpu.Force("") }

// Workers returns how many threads compute if n are asked for; 0 asks for one
// per core that this process may use. Two threads of one core share its vector
// units and its path to memory, so more do not help.
func Workers(n int) int {
	if n > 0 {
		return n
	}
	n = cpu.Usable()
	if p := cpu.Detect().Physical; p > 0 {
		n = min(n, p)
	}
	return max(n, 1)
}

// Version returns the program's version: the module's when it was installed as
// one, else the commit that it was built from.
func Version() string {
	bi, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := bi.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, dirty := "", ""
	for _, s := range bi.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if revision == "" {
		return "development"
	}
	return "development (" + revision[:min(12, len(revision))] + dirty + ")"
}
