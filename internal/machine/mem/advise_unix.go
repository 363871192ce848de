//go:build unix && !linux

package mem

// advise does nothing: these systems choose page sizes by themselves.
func advise([]byte) {}
