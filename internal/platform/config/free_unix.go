//go:build linux || darwin || freebsd

package config

import "golang.org/x/sys/unix"

// Free returns how many bytes can be written below a folder that exists.
func Free(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
