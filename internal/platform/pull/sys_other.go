//go:build !unix

package pull

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// lockAge is when a lock is taken for one that a killed program has left.
const lockAge = 24 * time.Hour

// lock takes the lock of a file: whoever makes the lock's file has it.
func lock(path string) (unlock func() error, err error) {
	if fi, err := os.Stat(path); err == nil && time.Since(fi.ModTime()) > lockAge {
		_ = os.Remove(path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%w (if none is, remove %s)", ErrBusy, path)
	}
	if err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
}
