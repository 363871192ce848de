package holdfast

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/engine/diskcache/identity"
)

// WithDiskCache keeps what is computed of prompts and answers in a folder, at
// most maxBytes of it, so that a prompt seen before is not read again after a
// restart. The folder may be shared by several models and processes. It holds the
// tokens of conversations: it is created for its owner alone. A disk that gets
// full ends the keeping, with a call of the function given to WithWarnings, and
// no request fails.
func WithDiskCache(dir string, maxBytes int64) Option {
	return func(c *config) error {
		if dir == "" || maxBytes <= 0 {
			return fmt.Errorf("holdfast: disk cache %q of %d bytes, expected a folder and a positive size", dir, maxBytes)
		}
		c.diskDir, c.diskBytes = dir, maxBytes
		return nil
	}
}

// WithWarnings calls f with what goes wrong beside the answers, such as a full
// disk. f may be called from any goroutine.
func WithWarnings(f func(error)) Option {
	return func(c *config) error { c.warn = f; return nil }
}

// openDisk opens the cache on disk, if one is asked for.
func (m *Model) openDisk(c *config) error {
	if c.diskDir == "" {
		return nil
	}
	id, err := m.identity(c)
	if err != nil {
		return err
	}
	m.disk, err = diskcache.Open(diskcache.Config{Dir: c.diskDir, MaxBytes: c.diskBytes, Identity: id, Warn: c.warn})
	return err
}

func (m *Model) identity(c *config) (string, error) {
	return identity.Of(m.file, m.model.CacheSpec(), c.kv, c.exact, c.same)
}
