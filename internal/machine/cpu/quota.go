package cpu

import (
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// quota returns how many processors' worth of time the control groups of this
// process allow, +Inf if they set no limit. A limit anywhere on the way from
// the process's group up to the root counts; the lowest wins.
func quota(fsys fs.FS) float64 {
	limit := math.Inf(1)
	for line := range strings.Lines(readFile(fsys, "proc/self/cgroup")) {
		// hierarchy-ID:controllers:path; version 2 has an empty list.
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		if parts[1] == "" {
			limit = min(limit, walkUp(fsys, "sys/fs/cgroup", parts[2], quotaV2))
			continue
		}
		for c := range strings.SplitSeq(parts[1], ",") {
			if c == "cpu" {
				limit = min(limit, quotaV1Mounts(fsys, parts[1], parts[2]))
			}
		}
	}
	return limit
}

// quotaV1Mounts looks where distributions mount the version 1 controller.
func quotaV1Mounts(fsys fs.FS, controllers, group string) float64 {
	limit := walkUp(fsys, "sys/fs/cgroup/cpu", group, quotaV1)
	return min(limit, walkUp(fsys, path.Join("sys/fs/cgroup", controllers), group, quotaV1))
}

// walkUp applies read to the group's folder and to each folder above it up to
// the mount point. Inside a container the path may name a group that the mount
// does not show; the mount's root, which is then the container's own group, is
// always read.
func walkUp(fsys fs.FS, mount, group string, read func(fs.FS, string) float64) float64 {
	limit := math.Inf(1)
	for rel := path.Clean("/" + group); ; rel = path.Dir(rel) {
		limit = min(limit, read(fsys, path.Join(mount, rel)))
		if rel == "/" {
			return limit
		}
	}
}

// quotaV2 reads cpu.max: "QUOTA PERIOD" in microseconds, QUOTA may be "max".
func quotaV2(fsys fs.FS, dir string) float64 {
	fields := strings.Fields(readFile(fsys, path.Join(dir, "cpu.max")))
	if len(fields) != 2 {
		return math.Inf(1)
	}
	return ratio(fields[0], fields[1])
}

// quotaV1 reads cpu.cfs_quota_us (-1 is no limit) and cpu.cfs_period_us.
func quotaV1(fsys fs.FS, dir string) float64 {
	return ratio(
		strings.TrimSpace(readFile(fsys, path.Join(dir, "cpu.cfs_quota_us"))),
		strings.TrimSpace(readFile(fsys, path.Join(dir, "cpu.cfs_period_us"))))
}

func ratio(quota, period string) float64 {
	q, err1 := strconv.ParseInt(quota, 10, 64)
	p, err2 := strconv.ParseInt(period, 10, 64)
	if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
		return math.Inf(1)
	}
	return float64(q) / float64(p)
}

// usable combines the processors of the affinity mask with the quota. A part of
// a processor is no place for a thread that others wait for, so the quota is
// rounded down, except that one thread is always allowed.
func usable(mask int, quota float64) int {
	if quota < float64(mask) {
		return max(1, int(quota))
	}
	return max(1, mask)
}
