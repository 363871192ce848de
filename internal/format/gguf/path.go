package gguf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// partialSuffixes end the names that downloaders give to unfinished files.
var partialSuffixes = []string{".part", ".partial", ".download", ".crdownload", ".incomplete", ".aria2", ".tmp"}

// checkPath returns the length of the regular file at path. It is asked before
// the file is opened, because opening a pipe would wait for its writer.
func checkPath(path string) (int64, error) {
	st, err := os.Stat(path)
	if err != nil {
		return 0, missingHint(path, err)
	}
	switch {
	case st.IsDir():
		return 0, fmt.Errorf("%w: it is a folder; %s", ErrNotGGUF, folderHint(path))
	case !st.Mode().IsRegular():
		return 0, fmt.Errorf("%w: it is no regular file (%s)", ErrNotGGUF, st.Mode().Type())
	case st.Size() == 0:
		return 0, fmt.Errorf("%w: the file is empty; download it again", ErrNotGGUF)
	}
	return st.Size(), nil
}

// folderHint names a model in the folder, if there is one.
func folderHint(path string) string {
	names, _ := filepath.Glob(filepath.Join(escapeGlob(path), "*.gguf"))
	if len(names) == 0 {
		return "it has no .gguf file in it; name the model's file"
	}
	return fmt.Sprintf("name the model's file, such as %s", names[0])
}

// escapeGlob keeps a path's own brackets and stars from being patterns.
func escapeGlob(path string) string {
	if filepath.Separator == '\\' { // no escapes in patterns on Windows
		return path
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// missingHint adds to a failed lookup that an unfinished download is there.
func missingHint(path string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, suffix := range partialSuffixes {
		if _, e := os.Stat(path + suffix); e == nil {
			return fmt.Errorf("%w, but an unfinished download of it, %s; let it finish or download it again", fs.ErrNotExist, filepath.Base(path+suffix))
		}
	}
	return fs.ErrNotExist
}

// pieceName matches the names of files that were cut into pieces byte by byte.
var pieceName = regexp.MustCompile(`(-split-[a-z]|\.part\d+of\d+|\.gguf\.\d{3})$`)

// partialHint adds to the error of a file that has the name of an unfinished
// download or of a piece what is likely wrong with it.
func partialHint(path string, err error) error {
	base := filepath.Base(path)
	if pieceName.MatchString(base) {
		return fmt.Errorf("%w (by its name %s is one piece of a file that was cut up; join all pieces in order into one .gguf file, as with cat)", err, base)
	}
	for _, suffix := range partialSuffixes {
		if strings.HasSuffix(base, suffix) {
			return fmt.Errorf("%w (by its name %s is an unfinished download; let it finish or download it again)", err, base)
		}
	}
	return err
}
