// Package config gathers settings from where people put them: defaults, then
// the configuration file, then environment variables. Flags come last and are
// the command's business: it applies a [Config] to the flags that were not
// given (see [Config.Lookup]).
//
// It is the only package that reads the environment.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A Value is a setting's text and where it comes from.
type Value struct {
	Text   string
	Source string // "HOLDFAST_THREADS", or the path of the file
}

// A Config is what the file and the environment say. Values are texts: whoever
// uses one parses it with the rules of the flag of the same name, so that a bad
// value gets the same error wherever it was written.
type Config struct {
	// Path is the configuration file, whether it exists or not; empty if the
	// system has no place for one.
	Path string
	// Found reports that the file exists.
	Found bool
	// Terminal is what the environment says about the terminal.
	Terminal Terminal
	// Dirs are the folders that things are kept in.
	Dirs Dirs
	// Hub is where models are downloaded from.
	Hub Hub

	values map[string][]Value // by key; several only for lists
}

// A Terminal is what the environment says about the terminal.
type Terminal struct {
	Term    string // TERM
	NoColor bool   // NO_COLOR is set and not empty
}

// Dumb reports that the terminal cannot move its cursor.
func (t Terminal) Dumb() bool { return t.Term == "dumb" || t.Term == "" }

// Load reads the environment of the process and the configuration file.
func Load() (*Config, error) {
	c, err := load(os.LookupEnv, userDir())
	if err == nil {
		c.Dirs = dirs(os.LookupEnv, homeDir(), cacheDir())
		c.Hub = hub(os.LookupEnv)
	}
	return c, err
}

// load is Load with its sources given: the environment and the folder for
// configuration files, which may be empty.
func load(env func(string) (string, bool), dir string) (*Config, error) {
	c := &Config{values: map[string][]Value{}}
	path, chosen := env(PathVariable)
	if path == "" {
		chosen = false
		if dir != "" {
			path = filepath.Join(dir, "holdfast", "config.toml")
		}
	}
	c.Path = path
	if path != "" {
		if err := c.readFile(path, chosen); err != nil {
			return nil, err
		}
	}
	for _, s := range Settings {
		if text, ok := env(s.Variable()); ok {
			c.values[s.Key] = []Value{{Text: text, Source: s.Variable()}}
		}
	}
	c.Terminal.Term, _ = env("TERM")
	if v, ok := env("NO_COLOR"); ok && v != "" {
		c.Terminal.NoColor = true
	}
	return c, nil
}

// readFile reads the file; that it is missing is an error only if it was chosen.
func (c *Config) readFile(path string, chosen bool) error {
	b, err := os.ReadFile(path)
	if isMissing(err) && !chosen {
		return nil
	}
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	values, err := parse(path, string(b))
	if err != nil {
		return err
	}
	c.Found = true
	for key, texts := range values {
		for _, text := range texts {
			c.values[key] = append(c.values[key], Value{Text: text, Source: path})
		}
	}
	return nil
}

// Lookup returns the values of a setting: one, or several for a list; none if
// neither the file nor the environment has it.
func (c *Config) Lookup(key string) []Value {
	if c == nil {
		return nil
	}
	return c.values[key]
}

// Text returns the setting's first value, or def.
func (c *Config) Text(key, def string) string {
	if v := c.Lookup(key); len(v) > 0 {
		return v[0].Text
	}
	return def
}

func userDir() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "" // no home folder: a service, or a bare container
	}
	return dir
}

// isMissing reports that there is no file to read at a path that nobody chose:
// it does not exist, or its folder is closed to us (a home of someone else).
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}
