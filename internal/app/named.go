package app

import (
	"fmt"
	"os"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
)

// named returns the file of a model in the folder of models, by the name that it
// was downloaded under or its file's; "" if there is none. What exists as a path
// is that path.
func (a *App) named(ref string) (string, error) {
	if a.Config == nil || ref == StarterName || exists(ref) {
		return "", nil
	}
	dir := a.Config.Dirs.Models()
	if _, err := os.Stat(dir); dir == "" || err != nil {
		return "", nil //nolint:nilerr // nothing was downloaded yet
	}
	path, recipe, err := library.Locate(dir, ref)
	if err != nil || path != "" {
		return path, err
	}
	if recipe != nil {
		return "", &ModelError{
			Err:  fmt.Errorf("%q is made of %q with settings of its own, which only the server applies", recipe.Name, recipe.From),
			Hint: fmt.Sprintf("holdfast serve, and ask for %q there; or use %q itself", recipe.Name, recipe.From),
		}
	}
	return "", nil
}

// resolve turns the name of a downloaded model into its path; everything else
// stays as it is.
func (a *App) resolve(ref string) (string, error) {
	path, err := a.named(ref)
	if err != nil || path == "" {
		return ref, err
	}
	return path, nil
}
