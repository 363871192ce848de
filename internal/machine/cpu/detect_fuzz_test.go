package cpu

import (
	"math"
	"testing"
	"testing/fstest"
)

// Whatever the kernel's files say, the answers stay in range.
func FuzzFiles(f *testing.F) {
	f.Add("processor : 0\nmodel name : x\n", "0::/a/b\n", "150000 100000\n", "32K\n")
	f.Add("processor:\nphysical id:1\ncore id:2\n", "4:cpu,cpuacct:/../..\n", "max 1", "1M")
	f.Add(":::\n\n", "::\n1:cpu\n", "-1 -1", "999999999999K")
	f.Fuzz(func(t *testing.T, info, group, limit, size string) {
		fsys := fstest.MapFS{
			"proc/cpuinfo":                                   file(info),
			"proc/self/cgroup":                               file(group),
			"sys/fs/cgroup/cpu.max":                          file(limit),
			"sys/fs/cgroup/a/cpu.max":                        file(limit),
			"sys/devices/system/cpu/cpu0/cache/index0/level": file("1"),
			"sys/devices/system/cpu/cpu0/cache/index0/size":  file(size),
		}
		if q := quota(fsys); !(q > 0) || math.IsNaN(q) {
			t.Errorf("quota %v", q)
		}
		if n := usable(4, quota(fsys)); n < 1 || n > 4 {
			t.Errorf("usable %d", n)
		}
		if i := detect(fsys); i.Logical < 1 || i.Physical < 1 || i.Nodes < 1 || i.L1D < 0 {
			t.Errorf("%+v", i)
		}
	})
}
