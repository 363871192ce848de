package app

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/platform/config"
)

// StarterName always means the model inside the program; a file of that name is
// ./starter.
const StarterName = "starter"

// taggedName is what other programs call a model of their library.
var taggedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*:[A-Za-z0-9][A-Za-z0-9._-]*$`)

// IsModel decides whether the one argument of `run` names a model (true) or is a
// question for the starter (false):
//
//  1. "starter" is a model.
//  2. What exists on disk is a model, and so is the name of a downloaded one.
//  3. What looks like a path is a model, so that a typing mistake gets an error
//     about a file and not an answer: it ends in .gguf, begins with ./ or ../,
//     or has a separator and no white space.
//  4. A single word that misses a model by little is an error that says so: a
//     file of that name with .gguf added exists, it is nearly "starter", or it
//     has the form name:tag of other programs' libraries.
//  5. Everything else is a question.
func (a *App) IsModel(arg string) (bool, error) {
	if arg == StarterName || exists(arg) || looksLikePath(arg) {
		return true, nil
	}
	if strings.ContainsAny(arg, " \t\r\n") || arg == "" {
		return false, nil
	}
	if path, err := a.named(arg); err != nil || path != "" {
		return path != "", err
	}
	ask := fmt.Sprintf("to ask the starter that word: holdfast run starter %q", arg)
	switch {
	case exists(arg + ".gguf"):
		return false, &ModelError{Err: fmt.Errorf("there is no file %s", arg), Hint: fmt.Sprintf("did you mean %s.gguf?\n%s", arg, ask)}
	case len(arg) > 4 && config.Distance(arg, StarterName) <= 2:
		return false, &UsageError{Message: fmt.Sprintf("there is no model %q", arg), Hint: fmt.Sprintf("did you mean starter?\n%s", ask)}
	case taggedName.MatchString(arg):
		return false, &ModelError{Err: fmt.Errorf("%q is the name of a model in some library, but it is not here", arg), Hint: fmt.Sprintf("holdfast pull %s downloads it; or give the path of a GGUF file: holdfast run ./model.gguf\n%s", arg, ask)}
	}
	return false, nil
}

func looksLikePath(arg string) bool {
	if strings.HasSuffix(strings.ToLower(arg), ".gguf") || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "../") {
		return true
	}
	return strings.ContainsAny(arg, `/\`) && !strings.ContainsAny(arg, " \t\r\n")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// find checks that a path can be a model file and says what is wrong otherwise.
func find(path string) error {
	fi, err := os.Stat(path)
	switch {
	case err == nil && fi.IsDir():
		return &ModelError{Err: fmt.Errorf("%s is a folder, expected a GGUF file", path), Hint: listing(path, "")}
	case err == nil && !fi.Mode().IsRegular():
		return &ModelError{Err: fmt.Errorf("%s is no regular file", path), Hint: "a model must be a file on disk: it is mapped, not streamed"}
	case err == nil:
		return nil
	case os.IsNotExist(err):
		return &ModelError{Err: fmt.Errorf("there is no file %s", path), Hint: nearby(path)}
	}
	return &ModelError{Err: err}
}

// nearby suggests what a missing path may have meant.
func nearby(path string) string {
	dir := filepath.Dir(path)
	if !exists(dir) {
		for parent := dir; ; parent = filepath.Dir(parent) {
			if exists(parent) || parent == filepath.Dir(parent) {
				return fmt.Sprintf("the folder %s does not exist either; %s does", dir, parent)
			}
		}
	}
	return listing(dir, filepath.Base(path))
}

// listing says which GGUF files a folder has, the ones most like name first.
func listing(dir, name string) string {
	files := ggufFiles(dir)
	if len(files) == 0 {
		return fmt.Sprintf("there is no GGUF file in %s", dir)
	}
	if name != "" {
		slices.SortStableFunc(files, func(x, y string) int { return difference(x, name) - difference(y, name) })
		if difference(files[0], name) <= max(2, len(name)/4) {
			return fmt.Sprintf("did you mean %s?", filepath.Join(dir, files[0]))
		}
	}
	const most = 5
	more := ""
	if n := len(files) - most; n > 0 {
		files, more = files[:most], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("GGUF files in %s: %s%s", dir, strings.Join(files, ", "), more)
}

// difference compares names without regard to case and the ending.
func difference(a, b string) int {
	return config.Distance(strings.TrimSuffix(strings.ToLower(a), ".gguf"), strings.TrimSuffix(strings.ToLower(b), ".gguf"))
}

// ggufFiles returns the names of the GGUF files in a folder; of a split model
// the first part only.
func ggufFiles(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		name := strings.ToLower(e.Name())
		later := laterPart.MatchString(name) && !strings.Contains(name, "-00001-of-")
		return e.IsDir() || strings.HasPrefix(name, ".") || !strings.HasSuffix(name, ".gguf") || later
	})
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

var laterPart = regexp.MustCompile(`-\d{5}-of-\d{5}\.gguf$`)
