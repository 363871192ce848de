package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
)

func TestVerifyKernels(t *testing.T) {
	tiers := cpu.Tiers()
	if len(tiers) == 0 {
		t.Skip("this machine has no tiers")
	}
	a := &App{Config: &config.Config{Dirs: config.Dirs{Home: filepath.Join(t.TempDir(), "home")}}}
	if got := a.verifiedTiers(); got != nil {
		t.Errorf("before anything was tested: %v", got)
	}
	bad := tiers[0]
	verdicts, err := a.VerifyKernels(t.Context(), func(_ context.Context, tier string) error {
		if tier == bad {
			return errors.New("signal: illegal instruction")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.OK != (v.Tier != bad) || !v.OK && !strings.Contains(v.Error, "illegal instruction") {
			t.Errorf("verdict %+v", v)
		}
	}
	if got := a.verifiedTiers(); slices.Contains(got, bad) || len(got) != len(tiers)-1 {
		t.Errorf("remembers %v, want all of %v but %s", got, tiers, bad)
	}

	// What was found out with another processor or program counts for nothing.
	path := a.Config.Dirs.Kernels()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"processor": "`, `"program": "`} {
		other := strings.Replace(string(data), key, key+"other ", 1)
		if err := os.WriteFile(path, []byte(other), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := a.verifiedTiers(); got != nil {
			t.Errorf("another %s: %v", key, got)
		}
	}
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := a.verifiedTiers(); got != nil {
		t.Errorf("a broken file: %v", got)
	}
}

func TestVerifyKernelsStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := &App{Config: &config.Config{Dirs: config.Dirs{Home: t.TempDir()}}}
	_, err := a.VerifyKernels(ctx, func(context.Context, string) error {
		cancel()
		return ctx.Err()
	})
	if len(cpu.Tiers()) > 0 && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was canceled", err)
	}
	if _, err := os.Stat(a.Config.Dirs.Kernels()); err == nil {
		t.Error("half a result was remembered")
	}
}
