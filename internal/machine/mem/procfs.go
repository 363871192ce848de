package mem

import (
	"bufio"
	"bytes"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// noLimit is the least number that means "unlimited" in a v1 group, where the
// kernel writes the largest multiple of a page instead of a word.
const noLimit = 1 << 62

// readLimits reads the files of /proc and /sys below root, a Linux file tree.
// Missing and unreadable files leave their numbers at zero.
func readLimits(root fs.FS) Limits {
	var l Limits
	readMeminfo(root, &l)
	for _, g := range memoryGroups(root) {
		limit, used, ok := g.read(root)
		if !ok {
			continue
		}
		if l.CgroupLimit == 0 || limit-used < l.CgroupLimit-l.CgroupUsed {
			l.CgroupLimit, l.CgroupUsed = limit, used
		}
	}
	return l
}

// readMeminfo takes MemAvailable, or on kernels before 3.14 the sum that came
// closest to it.
func readMeminfo(root fs.FS, l *Limits) {
	m := readTable(root, "proc/meminfo")
	l.Total = kib(m["MemTotal:"])
	if avail, ok := m["MemAvailable:"]; ok {
		l.Available = kib(avail)
		return
	}
	l.Available = kib(m["MemFree:"]) + kib(m["Buffers:"]) + kib(m["Cached:"])
}

// kib converts kibibytes. It saturates so low that a sum of three cannot
// overflow: the arithmetic does not have to trust the file.
func kib(n int64) int64 { return min(n, 1<<50) << 10 }

// A group is one folder of a memory controller.
type group struct {
	dir                 string
	limit, usage, cache string // file names; the key of memory.stat
}

// memoryGroups lists the groups whose limits apply: the process's own and every
// ancestor. Inside a container the path in /proc/self/cgroup may be the host's
// and not exist; the walk up then still meets the mounted root.
func memoryGroups(root fs.FS) []group {
	b, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	var groups []group
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		switch {
		case f[0] == "0" && f[1] == "":
			groups = append(groups, ancestors(f[2], group{"sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"})...)
		case hasWord(f[1], "memory"):
			groups = append(groups, ancestors(f[2], group{"sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"})...)
		}
	}
	return groups
}

// ancestors returns the group named by p below mount.dir and all above it, the
// mount itself last.
func ancestors(p string, mount group) []group {
	var groups []group
	for p = path.Clean("/" + p); ; p = path.Dir(p) {
		g := mount
		g.dir = path.Join(mount.dir, p)
		groups = append(groups, g)
		if p == "/" {
			return groups
		}
	}
}

// read returns the group's limit and its use without reclaimable file pages;
// ok is false where there is no limit.
func (g group) read(root fs.FS) (limit, used int64, ok bool) {
	limit, ok = readNumber(root, path.Join(g.dir, g.limit))
	if !ok || limit >= noLimit {
		return 0, 0, false
	}
	used, _ = readNumber(root, path.Join(g.dir, g.usage))
	cache := readTable(root, path.Join(g.dir, "memory.stat"))[g.cache]
	return limit, max(used-cache, 0), true
}

// readNumber reads a file that holds one number; "max" and anything else that
// is no number is not ok.
func readNumber(root fs.FS, name string) (int64, bool) {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	return n, err == nil && n >= 0
}

// readTable reads a file of lines "name number [unit]".
func readTable(root fs.FS, name string) map[string]int64 {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	m := map[string]int64{}
	for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) < 2 {
			continue
		}
		if n, err := strconv.ParseInt(f[1], 10, 64); err == nil && n >= 0 {
			m[f[0]] = n
		}
	}
	return m
}

func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}
