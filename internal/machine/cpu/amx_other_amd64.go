//go:build !linux

package cpu

// amxPermitted reports whether the system lets processes use tile registers: not
// known of systems other than Linux.
func amxPermitted() bool { return false }
