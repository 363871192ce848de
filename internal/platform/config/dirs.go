package config

import (
	"os"
	"path/filepath"
	"runtime"
)

// HomeVariable names another folder for everything that holdfast keeps.
const HomeVariable = "HOLDFAST_HOME"

// Dirs says where things are kept. The fields are empty where the system has no
// place for them: a service without a home folder.
type Dirs struct {
	Home  string // models and databases
	Cache string // what can be computed again
}

// Models returns the folder of models that were downloaded.
func (d Dirs) Models() string { return below(d.Home, "models") }

// Database returns the file with keys, limits and usage.
func (d Dirs) Database() string { return below(d.Home, "holdfast.db") }

// Responses returns the file with the responses that clients may go on from.
func (d Dirs) Responses() string { return below(d.Home, "responses.db") }

// Kernels returns the file that says which kernels have passed on this machine.
func (d Dirs) Kernels() string { return below(d.Home, "kernels.json") }

// Prompts returns the folder that keeps what was computed of prompts.
func (d Dirs) Prompts() string { return below(d.Cache, "prompts") }

func below(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

// dirs finds the folders: all below HOLDFAST_HOME if that is set, otherwise
// where the system keeps such things.
func dirs(env func(string) (string, bool), home, cache string) Dirs {
	if h, _ := env(HomeVariable); h != "" {
		return Dirs{Home: h, Cache: filepath.Join(h, "cache")}
	}
	d := Dirs{Cache: below(cache, "holdfast")}
	if x, _ := env("XDG_DATA_HOME"); filepath.IsAbs(x) {
		d.Home = filepath.Join(x, "holdfast")
		return d
	}
	switch {
	case runtime.GOOS == "windows":
		x, _ := env("LocalAppData")
		d.Home = below(x, "holdfast")
	case home == "":
	case runtime.GOOS == "darwin":
		d.Home = filepath.Join(home, "Library", "Application Support", "holdfast")
	default:
		d.Home = filepath.Join(home, ".local", "share", "holdfast")
	}
	return d
}

func homeDir() string {
	dir, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return dir
}

func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return dir
}
