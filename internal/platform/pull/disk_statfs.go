//go:build linux || darwin || freebsd

package pull

import "golang.org/x/sys/unix"

// freeBytes returns how many bytes a user may still write to a folder's disk.
func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
