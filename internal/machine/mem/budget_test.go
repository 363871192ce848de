package mem

import (
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// tree makes a file system of name, content pairs.
func tree(pairs ...string) fstest.MapFS {
	fs := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fs[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fs
}

const meminfo = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    600 kB\nBuffers:          10 kB\nCached:           20 kB\n"

func TestReadLimits(t *testing.T) {
	f := func(want Limits, usable int64, pairs ...string) {
		t.Helper()
		got := readLimits(tree(pairs...))
		if diff := cmp.Diff(want, got); diff != "" || got.Usable() != usable {
			t.Errorf("usable %d, want %d; -want +got:\n%s", got.Usable(), usable, diff)
		}
	}
	const total, avail = 1000 << 10, 600 << 10

	// No groups.
	f(Limits{}, 0)
	f(Limits{Total: total, Available: avail}, avail, "proc/meminfo", meminfo)
	f(Limits{Total: total, Available: 130 << 10}, 130<<10,
		"proc/meminfo", strings.Replace(meminfo, "MemAvailable", "Other", 1))
	f(Limits{}, 0, "proc/meminfo", "garbage\nMemTotal: x kB\nMemTotal:\nMemAvailable: -5 kB\n", "proc/self/cgroup", "x\n:::\n")

	// Version 2: the tightest of the group and its ancestors; file pages that
	// can be dropped do not count.
	v2 := []string{
		"proc/meminfo", meminfo,
		"proc/self/cgroup", "0::/a/b\n",
		"sys/fs/cgroup/a/b/memory.max", "max\n",
		"sys/fs/cgroup/a/memory.max", "500000\n",
		"sys/fs/cgroup/a/memory.current", "300000\n",
		"sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 100000\nactive_file 7\n",
	}
	f(Limits{Total: total, Available: avail, CgroupLimit: 500000, CgroupUsed: 200000}, 300000, v2...)
	f(Limits{Total: total, Available: avail, CgroupLimit: 900000, CgroupUsed: 850000}, 50000,
		append(v2, "sys/fs/cgroup/memory.max", "900000", "sys/fs/cgroup/memory.current", "850000")...)
	// A group over its limit leaves nothing, and more cache than use is no credit.
	f(Limits{CgroupLimit: 10, CgroupUsed: 20}, 0,
		"proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "10", "sys/fs/cgroup/memory.current", "20")
	f(Limits{CgroupLimit: 10}, 10,
		"proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "10", "sys/fs/cgroup/memory.current", "5",
		"sys/fs/cgroup/memory.stat", "inactive_file 9\n")
	// A limit above what the machine has does not bind.
	f(Limits{Total: total, Available: avail, CgroupLimit: 1 << 40}, avail,
		"proc/meminfo", meminfo, "proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "1099511627776")

	// Version 1, in a container that sees the host's path.
	f(Limits{Total: total, Available: avail, CgroupLimit: 400000, CgroupUsed: 90000}, 310000,
		"proc/meminfo", meminfo,
		"proc/self/cgroup", "5:cpu,cpuacct:/x\n4:hugetlb,memory:/docker/0123\n1:name=systemd:/x\n0::/x\n",
		"sys/fs/cgroup/memory/memory.limit_in_bytes", "400000\n",
		"sys/fs/cgroup/memory/memory.usage_in_bytes", "100000\n",
		"sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 10000\n")
	// The number that version 1 writes for no limit.
	f(Limits{Total: total, Available: avail}, avail,
		"proc/meminfo", meminfo, "proc/self/cgroup", "4:memory:/\n",
		"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
	// A path that tries to climb stays below the mount.
	f(Limits{}, 0, "proc/self/cgroup", "0::/../../../etc\n")
}

// TestBudget reads the machine that the test runs on.
func TestBudget(t *testing.T) {
	l := Budget()
	t.Logf("%+v, usable %d", l, l.Usable())
	switch runtime.GOOS {
	case "linux", "darwin", "windows":
		if l.Total < 1<<26 || l.Available <= 0 || l.Available > l.Total || l.Usable() <= 0 {
			t.Errorf("%+v, usable %d", l, l.Usable())
		}
	}
}

func FuzzReadLimits(f *testing.F) {
	f.Add(meminfo, "0::/a\n4:memory:/b\n", "max", "inactive_file 3\n")
	f.Add("MemTotal: 9223372036854775807 kB", "0::", "9223372036854775807", "")
	f.Fuzz(func(t *testing.T, info, groups, limit, stat string) {
		l := readLimits(tree("proc/meminfo", info, "proc/self/cgroup", groups,
			"sys/fs/cgroup/memory.max", limit, "sys/fs/cgroup/memory.current", limit, "sys/fs/cgroup/memory.stat", stat))
		if l.Total < 0 || l.Available < 0 || l.CgroupUsed < 0 || l.Usable() < 0 {
			t.Errorf("%+v, usable %d", l, l.Usable())
		}
	})
}
