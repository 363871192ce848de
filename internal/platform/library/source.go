package library

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A Source is a model that can be loaded: a file on disk, or one in memory.
type Source struct {
	Name    string   // what requests call it; "" takes the file's name without .gguf
	Aliases []string // other names
	Path    string   // the GGUF file; of a split model its first part
	Data    []byte   // the file itself, if it is in memory; Path then only stands for it
	Size    int64    // bytes, of all parts
	Created time.Time
}

var (
	partSuffix = regexp.MustCompile(`(?i)-(\d{5})-of-(\d{5})\.gguf$`)
	quantName  = regexp.MustCompile(`[^A-Za-z0-9._:/-]+`)
)

// FileSource describes a file. Its name is the file's without the ending, and
// without the number of the part.
func FileSource(path string) (Source, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return Source{}, fmt.Errorf("library: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return Source{}, fmt.Errorf("library: %s is no regular file", path)
	}
	s := Source{Path: path, Size: fi.Size(), Created: fi.ModTime(), Name: nameOf(path)}
	s.Size += otherParts(path)
	return s, nil
}

// nameOf turns a file's name into a model's: no characters that would need
// escaping in an address.
func nameOf(path string) string {
	base := filepath.Base(path)
	if i := partSuffix.FindStringIndex(base); i != nil {
		base = base[:i[0]]
	} else if strings.EqualFold(filepath.Ext(base), ".gguf") {
		base = base[:len(base)-len(".gguf")]
	}
	return strings.Trim(quantName.ReplaceAllString(base, "-"), "-")
}

// Parts returns the files of a model whose first one is given.
func Parts(path string) []string {
	m := partSuffix.FindStringSubmatch(path)
	if m == nil {
		return []string{path}
	}
	out := []string{}
	for i := 1; i <= maxParts; i++ {
		out = append(out, fmt.Sprintf("%s-%05d-of-%s.gguf", path[:len(path)-len(m[0])], i, m[2]))
		if fmt.Sprintf("%05d", i) == m[2] {
			break
		}
	}
	return out
}

// maxParts bounds the number of a model's files.
const maxParts = 1000

// otherParts returns the bytes of the parts of a split model but the first.
func otherParts(path string) int64 {
	m := partSuffix.FindStringSubmatch(path)
	if m == nil {
		return 0
	}
	var n int64
	stem := path[:len(path)-len(m[0])]
	for i := 2; i <= maxParts; i++ {
		part := fmt.Sprintf("%s-%05d-of-%s.gguf", stem, i, m[2])
		fi, err := os.Stat(part)
		if err != nil {
			return n // the loader names a part that is missing
		}
		n += fi.Size()
		if fmt.Sprintf("%05d", i) == m[2] {
			return n
		}
	}
	return n
}

// Scan lists the GGUF files below a folder; of a split model the first part.
// Hidden folders and files are skipped, links to folders are not followed, and
// what cannot be read is left out.
func Scan(dir string) ([]Source, error) {
	var out []Source
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if path == dir {
				return err
			}
			return skipUnreadable(d)
		}
		hidden := strings.HasPrefix(d.Name(), ".") && path != dir
		if d.IsDir() {
			if hidden || strings.Count(filepath.ToSlash(path[len(dir):]), "/") > maxDepth {
				return fs.SkipDir
			}
			return nil
		}
		if hidden || !strings.EqualFold(filepath.Ext(path), ".gguf") || laterPart(path) {
			return nil
		}
		s, err := FileSource(path)
		if err != nil {
			return nil //nolint:nilerr // a broken link, or a file that has just gone
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	return out, nil
}

// maxDepth bounds how deep a folder of models is searched.
const maxDepth = 6

func skipUnreadable(d fs.DirEntry) error {
	if d != nil && d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func laterPart(path string) bool {
	m := partSuffix.FindStringSubmatch(path)
	return m != nil && m[1] != "00001"
}

func (s *Source) check() error {
	if s.Path == "" && s.Data == nil {
		return errors.New("library: a source needs a path or data")
	}
	if s.Name == "" {
		s.Name = nameOf(s.Path)
	}
	if s.Name == "" {
		return fmt.Errorf("library: %s gives no name for the model", s.Path)
	}
	if s.Size == 0 {
		s.Size = int64(len(s.Data))
	}
	return nil
}
