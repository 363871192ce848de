package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/check"
)

// A kernel tier that no machine of the project has is off until its owner's
// machine has tested it: `doctor --verify` does that, in a process of its own,
// because a wrong instruction ends the process. What passed is kept in a file, for
// this processor and this program.

// verified is what that file holds.
type verified struct {
	Processor string   `json:"processor"`
	Program   string   `json:"program"`
	Tiers     []string `json:"tiers"`
}

// A Verdict is the result of testing a tier.
type Verdict struct {
	Tier  string `json:"tier"`
	OK    bool   `json:"ok"`
	Known bool   `json:"known"` // it has passed before, on some machine: it is on unless it is turned off
	Error string `json:"error,omitempty"`
}

// Advice says what to do about a failure.
func (v *Verdict) Advice() string {
	if v.Known {
		return fmt.Sprintf("the kernels of tier %s do not work on this processor: set HOLDFAST_KERNELS=portable, and please report it", v.Tier)
	}
	return fmt.Sprintf("the kernels of tier %s do not work on this processor; they stay off, and please report it", v.Tier)
}

// VerifyKernels tests all tiers that this machine has and remembers those that
// passed. test runs the test of one tier; it is TestTier, but for tests.
func (a *App) VerifyKernels(ctx context.Context, test func(ctx context.Context, tier string) error) ([]Verdict, error) {
	var verdicts []Verdict
	var passed []string
	for _, t := range Kernels()[1:] {
		if !t.Supported {
			continue
		}
		tier := t.Name
		v := Verdict{Tier: tier, OK: true, Known: t.Verified}
		if err := test(ctx, tier); err != nil {
			v.OK, v.Error = false, err.Error()
		} else {
			passed = append(passed, tier)
		}
		if err := ctx.Err(); err != nil {
			return verdicts, err
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, a.remember(passed)
}

// CheckTier compares a tier with the portable code in this process.
func CheckTier(tier string) error { return check.Tier(tier) }

// TestTier runs `doctor --check TIER` in a process of its own.
func TestTier(ctx context.Context, tier string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, "doctor", "--check", tier)
	var out bytes.Buffer
	cmd.Stderr = &out
	err = cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		line, _, _ := strings.Cut(strings.TrimSpace(out.String()), "\n")
		return fmt.Errorf("%s: %w", line, err)
	}
	return err
}

// remember writes down which tiers have passed.
func (a *App) remember(tiers []string) error {
	path := a.verifiedPath()
	if path == "" {
		return errors.New("no folder to remember it in: set HOLDFAST_HOME")
	}
	data, err := json.MarshalIndent(verified{Processor: processor(), Program: program(), Tiers: tiers}, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("remembering what passed: %w", err)
	}
	return nil
}

// verifiedTiers returns the tiers that have passed on this machine with this
// program. A file that is not there, or of another machine, counts for nothing.
func (a *App) verifiedTiers() []string {
	path := a.verifiedPath()
	if path == "" {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var v verified
	if json.Unmarshal(data, &v) != nil || v.Processor != processor() || v.Program != program() {
		return nil
	}
	return v.Tiers
}

func (a *App) verifiedPath() string {
	if a.Config == nil {
		return ""
	}
	return a.Config.Dirs.Kernels()
}

// processor names this machine's processor with its features: a virtual machine
// may hide some.
func processor() string {
	i := cpu.Detect()
	features := slices.Clone(i.Features)
	slices.Sort(features)
	return i.Model + ": " + strings.Join(features, " ")
}

// program tells this program's file from others.
func program() string {
	self, err := os.Executable()
	if err != nil {
		return Version()
	}
	info, err := os.Stat(self)
	if err != nil {
		return Version()
	}
	return fmt.Sprintf("%s, %d bytes of %s", Version(), info.Size(), info.ModTime().UTC().Format("2006-01-02T15:04:05.999999999Z"))
}
