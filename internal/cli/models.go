package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
)

// modelsFlag adds the folder of models.
func modelsFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "models", "", "folder of models (default: models in the folder that HOLDFAST_HOME names, or in the system's place for data)")
}

// modelsDir is the folder that was named, or the usual one.
func modelsDir(a *app.App, dir string) (string, error) {
	if dir == "" {
		dir = a.Config.Dirs.Models()
	}
	if dir == "" {
		return "", &app.UsageError{Message: "there is no place for models: this user has no home folder", Hint: "name one with --models DIR or HOLDFAST_HOME"}
	}
	return dir, nil
}

// localModels lists what is in a folder of models, without loading anything.
func localModels(a *app.App, dir string) (*library.Manager, string, error) {
	dir, err := modelsDir(a, dir)
	if err != nil {
		return nil, "", err
	}
	m := library.New(library.Options{Opener: &library.GGUF{}, Dir: dir, Context: 0})
	if err := m.Rescan(); err != nil {
		return nil, "", err
	}
	return m, dir, nil
}

// modelError says what to do about an error of the list of models.
func modelError(err error) error {
	var nf *library.NotFoundError
	var used *library.InUseError
	var name *library.NameError
	switch {
	case errors.As(err, &nf):
		if strings.EqualFold(nf.Name, app.StarterName) {
			return &app.UsageError{Message: "the starter is a part of the program, not a file in the folder of models", Hint: "`holdfast inspect starter` says what it is"}
		}
		hint := "`holdfast list` shows the models here, `holdfast pull NAME` downloads one"
		return &app.UsageError{Message: plainModel(nf), Hint: hint}
	case errors.As(err, &used):
		return &app.UsageError{Message: plainModel(used)}
	case errors.As(err, &name):
		return &app.UsageError{Message: plainModel(name)}
	}
	return err
}

// plainModel is an error's text without our packages' names.
func plainModel(err error) string {
	s := err.Error()
	for _, p := range []string{"library: ", "pull: "} {
		s = strings.TrimPrefix(s, p)
	}
	return s
}
