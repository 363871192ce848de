//go:build !nostarter

package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

// TestMain lets the test binary stand in for the program inside scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"holdfast": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: filepath.Join(golden.ModuleRoot(t), "test/scripts/starter")})
}
