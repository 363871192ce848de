package cpu

import (
	"math"
	"runtime"
	"testing"
	"testing/fstest"
)

func file(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func TestQuota(t *testing.T) {
	f := func(name string, fsys fstest.MapFS, want float64) {
		t.Helper()
		if got := quota(fsys); got != want {
			t.Errorf("%s: quota %v, want %v", name, got, want)
		}
	}
	inf := math.Inf(1)
	f("nothing", fstest.MapFS{}, inf)
	f("v2 no limit", fstest.MapFS{
		"proc/self/cgroup":      file("0::/\n"),
		"sys/fs/cgroup/cpu.max": file("max 100000\n"),
	}, inf)
	f("v2 parent is tighter", fstest.MapFS{
		"proc/self/cgroup":                file("0::/a/b\n"),
		"sys/fs/cgroup/a/b/cpu.max":       file("400000 100000\n"),
		"sys/fs/cgroup/a/cpu.max":         file("150000 100000\n"),
		"sys/fs/cgroup/a/unrelated.limit": file("1"),
	}, 1.5)
	f("v2 in a container", fstest.MapFS{
		"proc/self/cgroup":      file("0::/../../system.slice/x\n"),
		"sys/fs/cgroup/cpu.max": file("200000 100000\n"),
	}, 2)
	f("v1", fstest.MapFS{
		"proc/self/cgroup": file("4:cpu,cpuacct:/docker/1\n3:memory:/docker/1\n"),
		"sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us":  file("50000\n"),
		"sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_period_us": file("100000\n"),
		"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us":           file("-1\n"),
		"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us":          file("100000\n"),
	}, 0.5)
	f("garbage", fstest.MapFS{
		"proc/self/cgroup":      file("::\n0::/x\nnonsense"),
		"sys/fs/cgroup/cpu.max": file("999999999999999999999 0"),
	}, inf)
}

func TestUsable(t *testing.T) {
	f := func(mask int, quota float64, want int) {
		t.Helper()
		if got := usable(mask, quota); got != want {
			t.Errorf("usable(%d, %v) = %d, want %d", mask, quota, got, want)
		}
	}
	f(8, math.Inf(1), 8)
	f(8, 2.9, 2)
	f(8, 0.5, 1)
	f(0, math.Inf(1), 1)
	f(4, 4, 4)
	if n := Usable(); n < 1 || n > runtime.NumCPU() {
		t.Errorf("Usable() = %d of %d processors", n, runtime.NumCPU())
	}
}

func TestDetect(t *testing.T) {
	const c0 = "sys/devices/system/cpu/cpu0/cache/"
	got := detect(fstest.MapFS{
		"proc/cpuinfo": file("processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Some Xeon\n" +
			"physical id\t: 0\ncore id\t\t: 3\n\nprocessor\t: 1\nphysical id\t: 0\ncore id\t\t: 3\n\n" +
			"processor\t: 2\nphysical id\t: 1\ncore id\t\t: 3\n"),
		c0 + "index0/level": file("1\n"), c0 + "index0/type": file("Data\n"), c0 + "index0/size": file("48K\n"),
		c0 + "index1/level": file("1\n"), c0 + "index1/type": file("Instruction\n"), c0 + "index1/size": file("32K\n"),
		c0 + "index2/level": file("2\n"), c0 + "index2/type": file("Unified\n"), c0 + "index2/size": file("2048K\n"),
		c0 + "index3/level": file("3\n"), c0 + "index3/type": file("Unified\n"), c0 + "index3/size": file("60M\n"),
		"sys/devices/system/node/node0/x":  file(""),
		"sys/devices/system/node/node1/x":  file(""),
		"sys/devices/system/node/nodelist": file(""),
	})
	if got.Vendor != "GenuineIntel" || got.Model != "Some Xeon" || got.Logical != 3 || got.Physical != 2 {
		t.Errorf("cpuinfo: %+v", got)
	}
	if got.L1D != 48<<10 || got.L2 != 2<<20 || got.L3 != 60<<20 || got.Nodes != 2 {
		t.Errorf("caches and nodes: %+v", got)
	}
	if info := Detect(); info.Logical < 1 || info.Physical < 1 || info.Nodes < 1 {
		t.Errorf("this machine: %+v", info)
	}
	t.Logf("this machine: %+v, usable %d", Detect(), Usable())
}
