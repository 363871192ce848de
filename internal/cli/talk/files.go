package talk

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// save writes the conversation; it replaces older conversations only.
func (t *Talk) save(arg string) Reply {
	if arg == "" {
		return Reply{Err: errors.New("/save needs the name of a file")}
	}
	path := withExt(arg)
	if old, err := os.ReadFile(path); err == nil && !bytes.Contains(old[:min(len(old), 256)], []byte("holdfast_session")) {
		return Reply{Err: fmt.Errorf("%s exists and is no saved conversation; choose another name", path)}
	}
	var b bytes.Buffer
	if err := t.Session.Save(&b); err != nil {
		return Reply{Err: err}
	}
	if err := writeFile(path, b.Bytes()); err != nil {
		return Reply{Err: err}
	}
	return Reply{Text: "Saved to " + path + "."}
}

// writeFile writes beside the file and renames, so that a full disk leaves what
// was there. Conversations are private: nobody else may read them.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".holdfast-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func (t *Talk) load(arg string) Reply {
	if arg == "" {
		return Reply{Err: errors.New("/load needs the name of a file")}
	}
	path := arg
	if _, err := os.Stat(path); err != nil {
		path = withExt(arg)
	}
	f, err := os.Open(path)
	if err != nil {
		return Reply{Err: err}
	}
	defer f.Close() //nolint:errcheck // read only
	if err := t.Session.Load(f); err != nil {
		return Reply{Err: fmt.Errorf("%s: %w", path, err)}
	}
	t.last = nil
	return Reply{Text: fmt.Sprintf("Loaded %s: %s.", path, count(len(t.Session.History()), "message")), Cleared: true}
}

func withExt(name string) string {
	if strings.Contains(filepath.Base(name), ".") {
		return name
	}
	return name + ".json"
}
