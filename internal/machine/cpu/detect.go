package cpu

import (
	"io/fs"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// detect fills Info from a Linux file tree rooted at fsys (proc/cpuinfo and
// sys/devices/system). What is not there stays unknown.
func detect(fsys fs.FS) Info {
	info := Info{Logical: runtime.NumCPU(), Features: features(), Nodes: 1}
	readCPUInfo(&info, readFile(fsys, "proc/cpuinfo"))
	readCaches(&info, fsys)
	info.Nodes = countNodes(fsys)
	return info
}

// readCPUInfo takes names and core counts from /proc/cpuinfo: blocks of
// "key : value" lines, one block per hardware thread. A core is a distinct pair
// of "physical id" and "core id".
func readCPUInfo(info *Info, text string) {
	cores := map[string]bool{}
	logical := 0
	var socket string
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch key {
		case "processor":
			logical++
		case "vendor_id", "CPU implementer":
			info.Vendor = value
		case "model name", "Model", "uarch":
			info.Model = value
		case "physical id":
			socket = value
		case "core id":
			cores[socket+"/"+value] = true
		}
	}
	if logical > 0 {
		info.Logical = logical
	}
	info.Physical = len(cores)
	if info.Physical == 0 {
		info.Physical = info.Logical
	}
}

// readCaches takes the sizes from the first processor's cache folders.
func readCaches(info *Info, fsys fs.FS) {
	const dir = "sys/devices/system/cpu/cpu0/cache"
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		read := func(name string) string {
			return strings.TrimSpace(readFile(fsys, path.Join(dir, e.Name(), name)))
		}
		size := parseSize(read("size"))
		switch kind := read("type"); {
		case kind == "Instruction":
		case read("level") == "1":
			info.L1D = size
		case read("level") == "2":
			info.L2 = size
		case read("level") == "3":
			info.L3 = size
		}
	}
}

// countNodes counts the folders node0, node1, ... of the NUMA description.
func countNodes(fsys fs.FS) int {
	n := 0
	entries, _ := fs.ReadDir(fsys, "sys/devices/system/node")
	for _, e := range entries {
		if id, ok := strings.CutPrefix(e.Name(), "node"); ok {
			if _, err := strconv.Atoi(id); err == nil {
				n++
			}
		}
	}
	return max(n, 1)
}

// parseSize reads the kernel's "32K" and "16M". Zero means not understood.
func parseSize(s string) int {
	unit := 1
	switch {
	case strings.HasSuffix(s, "K"):
		unit = 1 << 10
	case strings.HasSuffix(s, "M"):
		unit = 1 << 20
	}
	n, err := strconv.Atoi(strings.TrimRight(s, "KM"))
	if err != nil || n < 0 || n > 1<<31 {
		return 0
	}
	return n * unit
}

// readFile returns a file's text, empty if it cannot be read.
func readFile(fsys fs.FS, name string) string {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return ""
	}
	return string(b)
}
