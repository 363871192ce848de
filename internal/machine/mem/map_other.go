//go:build !unix && !windows

package mem

import (
	"io"
	"os"
)

// mapFile reads the bytes into memory where there is no mapping.
func mapFile(f *os.File, size int) ([]byte, func() error, error) {
	b := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, int64(size)), b); err != nil {
		return nil, nil, err
	}
	return b, func() error { return nil }, nil
}
